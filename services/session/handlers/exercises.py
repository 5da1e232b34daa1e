"""Exercises: started, answered step by step, paused, and looked back on. What is answered stays sealed here."""

from services.session import errors
from services.session.domain import exercises as domain
from services.session.domain.heads import Head
from services.session.domain.sessions import Span
from services.session.handlers.records import Feature, Step
from services.session.store.exercises import Exercises, Kept
from services.session.store.summaries import Summaries
from shared.contracts.exercises import Definition
from shared.contracts.features import exercises as c
from shared.contracts.ids import rfc3339
from shared.exercises.flow import deciding
from shared.runtime.postgres import Connection

CATALOG_PAGE = 20
ANSWERS_PAGE = 50

_DONE = {"pause": "paused", "resume": "resumed", "finish": "finished", "stop": "stopped"}


async def start(step: Step, command: c.StartExercise) -> None:
    """Raises `Refused`: ``not_found`` (exercise, or its version, isn't offered)."""
    exercises, head = Exercises(step.tx), step.head
    definition = await exercises.offered(head.tenant, command.exercise, command.version)
    if definition is None:
        raise errors.not_found("exercise")
    run = domain.start(command.record, definition)
    fact = step.record(c.ExerciseStartedFact, run=run.id, exercise=run.exercise, version=run.version)
    await exercises.insert_run(head.tenant, head.id, fact.n, run, command.participant, head.last_at)


async def _kept(tx: Connection, head: Head, run: str) -> tuple[Kept, Definition]:
    found = await Exercises(tx).run(head.tenant, head.id, run)
    if found is None:
        raise errors.not_found("run")
    return found


async def answer(step: Step, command: c.AnswerExercise) -> None:
    """Raises `Refused`: ``forbidden`` (the therapist), ``not_found``, ``wrong_state``."""
    step.require("client")
    exercises, head = Exercises(step.tx), step.head
    found, definition = await _kept(step.tx, head, command.run)
    after = domain.answer(found.run, definition, command.step, command.next, by_client=True)
    fact = step.record(
        c.ExerciseAnsweredFact, run=after.id, step=command.step, next=after.step, content=command.content
    )
    await exercises.insert_answer(head.tenant, head.id, after.id, command.step, fact.n)
    await exercises.change_run(head.id, after, head.last_at)


async def change(step: Step, command: c.ChangeExercise) -> None:
    """Raises `Refused`: ``not_found``, ``wrong_state``."""
    found, _ = await _kept(step.tx, step.head, command.run)
    after = domain.act(found.run, command.action)
    step.record(c.ExerciseChangedFact, kind=f"exercise.{_DONE[command.action]}", run=after.id)
    await Exercises(step.tx).change_run(step.head.id, after, step.head.last_at)


async def catalog(tx: Connection, head: Head, command: c.ReadCatalog) -> c.CatalogRead:
    found = await Exercises(tx).catalog(head.tenant, command.after or "", CATALOG_PAGE + 1)
    page = [_summary(one.definition, own=one.own) for one in found[:CATALOG_PAGE]]
    return c.CatalogRead(causationid=command.id, exercises=page, more=len(found) > len(page))


def _summary(definition: Definition, *, own: bool) -> c.ExerciseSummary:
    return c.ExerciseSummary(
        exercise=definition.exercise,
        version=definition.version,
        own=own,
        title=definition.title,
        about=definition.about,
    )


def _value(found: Kept) -> c.RunValue:
    return c.RunValue(
        run=found.run.id,
        exercise=found.run.exercise,
        version=found.run.version,
        title=found.title,
        state=found.run.state,
        step=found.run.step,
        started_by=found.started_by,
        started_at=rfc3339(found.started_at),
        changed_at=rfc3339(found.changed_at),
    )


async def listed(tx: Connection, head: Head, command: c.ListRuns) -> c.RunsListed:
    found = await Exercises(tx).runs(head.tenant, head.id, command.before, command.limit + 1, only_open=command.open)
    page = [_value(one) for one in found[: command.limit]]
    return c.RunsListed(causationid=command.id, runs=page, more=len(found) > len(page))


async def read(tx: Connection, head: Head, command: c.ReadRun) -> c.RunRead:
    """Raises `Refused` (``not_found``)."""
    found, definition = await _kept(tx, head, command.run)
    only = deciding(definition) if command.deciding else None
    answers, more = await Exercises(tx).answers(head.id, found.run.id, command.after, ANSWERS_PAGE, only)
    return c.RunRead(causationid=command.id, run=_value(found), definition=definition, answers=answers, more=more)


async def series(tx: Connection, head: Head, command: c.ReadSeries) -> c.SeriesRead:
    found = await Exercises(tx).series(head.id, command.exercise, command.limit)
    return c.SeriesRead(causationid=command.id, series=found)


async def in_session(tx: Connection, head: Head, span: Span) -> object:
    return await Summaries(tx).exercises(head.id, span)


async def empty(tx: Connection, conversation: str) -> None:
    await Exercises(tx).empty(conversation)


FEATURE = Feature(
    writes={c.StartExercise: start, c.AnswerExercise: answer, c.ChangeExercise: change},
    reads={c.ReadCatalog: catalog, c.ListRuns: listed, c.ReadRun: read, c.ReadSeries: series},
    empty=empty,
    summary={"exercises": in_session},
)
