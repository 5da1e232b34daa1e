"""Exercises: an answer is checked against its step here, where it can be read, and sealed before it goes on."""

from typing import TYPE_CHECKING, Any, Literal, get_args

from services.gateway.egress.fitting import FRAME_BYTES, fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.records import Asked, Feature
from shared.contracts import keys
from shared.contracts.errors import Code, Refused
from shared.contracts.exercises import AnyGiven, RatingGiven, SkipGiven
from shared.contracts.features import exercises as c
from shared.exercises.flow import Unfit, next_step, require_fit
from shared.runtime.sealing import DataKey

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room

PAGE = 50

Action = Literal["pause", "resume", "finish", "stop"]
_ACTIONS: dict[str, Action] = {f"exercise.{action}": action for action in get_args(Action)}


def _start(asked: Asked, frame: c.ExerciseStart) -> c.StartExercise:
    return c.StartExercise(**asked.base, exercise=frame.exercise, version=frame.version)


def _change(asked: Asked, frame: c.ExerciseChange) -> c.ChangeExercise:
    return c.ChangeExercise(**asked.base, run=frame.run, action=_ACTIONS[frame.type])


async def _answer(asked: Asked, frame: c.ExerciseAnswer) -> c.AnswerExercise:
    """Raises `Refused`: ``not_found``, ``bad_answer`` with the step and what doesn't fit."""
    question = c.ReadRun(**_asking(asked.hub, asked.room, asked.connection), run=frame.run, deciding=True)
    found = await asked.hub.requests.ask(asked.hub.session_queue(asked.room.id), question, c.RunRead)
    try:
        require_fit(found.definition, frame.step, frame.answer)
    except KeyError:
        raise Refused(Code.NOT_FOUND, {"field": "step"}) from None
    except Unfit as unfit:
        raise Refused(Code.BAD_ANSWER, {"step": frame.step, "reason": unfit.reason}) from None
    answers: dict[str, AnyGiven] = {one.step: _opened(asked.key, one) for one in found.answers}
    content = asked.seal(c.AnswerContent(answer=frame.answer))
    following = next_step(found.definition, answers | {frame.step: frame.answer})
    return c.AnswerExercise(**asked.base, run=frame.run, step=frame.step, next=following, content=content)


def _asking(hub: "Hub", room: "Room", connection: Connection) -> dict[str, Any]:
    return {
        "tenant": room.tenant,
        "replyto": hub.address,
        "conversation": room.id,
        "participant": connection.participant,
    }


_UNREAD = SkipGiven(kind="skip")
"""Stands for an answer that was given, and on which nothing that follows depends."""


def _opened(key: DataKey, stored: c.StoredAnswer) -> AnyGiven:
    """Raises `SealBroken`, `KeyGone`."""
    if stored.content is None:
        return _UNREAD
    return _open(key, stored.record, stored.content)


def _open(key: DataKey, record: str, content: str) -> AnyGiven:
    return c.AnswerContent.model_validate_json(key.open(keys.record(record), content)).answer


def rating(key: DataKey, stored: c.StoredRating) -> int:
    """Raises `SealBroken`, `KeyGone`."""
    given = _open(key, stored.record, stored.content)
    assert isinstance(given, RatingGiven)
    return given.rating


async def _catalog(hub: "Hub", room: "Room", connection: Connection, frame: c.ExerciseCatalog, ref: str) -> c.CatalogOk:
    question = c.ReadCatalog(**_asking(hub, room, connection), after=frame.after)
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.CatalogRead)
    page = fit(reply.exercises)
    return c.CatalogOk(ref=ref, exercises=page, more=reply.more or len(page) < len(reply.exercises))


async def _list(hub: "Hub", room: "Room", connection: Connection, frame: c.ExerciseList, ref: str) -> c.RunsOk:
    question = c.ListRuns(
        **_asking(hub, room, connection), open=bool(frame.open), before=frame.before, limit=frame.limit or PAGE
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.RunsListed)
    return c.RunsOk(ref=ref, runs=reply.runs, more=reply.more)


async def _get(hub: "Hub", room: "Room", connection: Connection, frame: c.ExerciseGet, ref: str) -> c.RunOk:
    """As many answers as fit a frame beside the definition. Raises `Refused` (``not_found``)."""
    question = c.ReadRun(**_asking(hub, room, connection), run=frame.run, after=frame.after or 0)
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.RunRead)
    key = await hub.keys.of(room.key_name)
    answers = (c.AnsweredValue(step=a.step, answer=_opened(key, a), n=a.n, at=a.at) for a in reply.answers)
    page = fit(answers, FRAME_BYTES - len(reply.definition.model_dump_json().encode()))
    more = reply.more or len(page) < len(reply.answers)
    return c.RunOk(ref=ref, run=reply.run, definition=reply.definition, answers=page, more=more)


async def _series(hub: "Hub", room: "Room", connection: Connection, frame: c.ExerciseSeries, ref: str) -> c.SeriesOk:
    question = c.ReadSeries(**_asking(hub, room, connection), exercise=frame.exercise, limit=frame.limit or PAGE)
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.SeriesRead)
    key = await hub.keys.of(room.key_name)
    series = [
        c.RatingsValue(
            run=one.run,
            version=one.version,
            state=one.state,
            started_at=one.started_at,
            before=rating(key, one.before),
            after=None if one.after is None else rating(key, one.after),
        )
        for one in reply.series
    ]
    return c.SeriesOk(ref=ref, series=series)


FEATURE = Feature(
    builds={c.ExerciseStart: _start, c.ExerciseAnswer: _answer, c.ExerciseChange: _change},
    answers={
        c.ExerciseCatalog: _catalog,
        c.ExerciseList: _list,
        c.ExerciseGet: _get,
        c.ExerciseSeries: _series,
    },
    only={c.ExerciseAnswer: "client"},
)
