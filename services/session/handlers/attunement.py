"""Attunement: asked, said back, and answered."""

from services.session import errors
from services.session.domain import attunement as domain
from services.session.domain.heads import Head
from services.session.domain.sessions import Span
from services.session.handlers.records import Feature, Step
from services.session.store import PAGE_BYTES
from services.session.store.attunement import Attunement
from services.session.store.records import Records
from services.session.store.summaries import Summaries
from shared.contracts.features.attunement import (
    AnswerCheck,
    AskCheck,
    CheckAnsweredFact,
    CheckAskedFact,
    CheckReflectedFact,
    ChecksListed,
    ListChecks,
    ReflectCheck,
    StoredCheck,
)
from shared.runtime.postgres import Connection

HIGHEST = 2**63 - 1
SAID_MOST = 10
"""Of each check in a list, the newest: five rounds."""
SESSIONS_MOST = 100


async def ask(step: Step, command: AskCheck) -> None:
    """Raises `Refused`: ``not_found``; ``wrong_state``: the message is deleted, or an open check of it is there."""
    store, head = Attunement(step.tx), step.head
    found = await Records(step.tx).message(head.id, command.message)
    if found is not None and found.deleted:
        raise errors.wrong_state("deleted")
    running = await store.open_of(head.id, command.message)
    new = domain.ask(command.record, command.message, None if found is None else found.sender, running)
    fact = step.record(CheckAskedFact, check=new.id, message=new.message)
    await store.insert(head.tenant, head.id, new, fact.n)


async def reflect(step: Step, command: ReflectCheck) -> None:
    """Raises `Refused`, as `domain.reflect` does."""
    store, head = Attunement(step.tx), step.head
    changed = domain.reflect(await store.check(head.id, command.check), command.participant)
    fact = step.record(CheckReflectedFact, check=changed.id, round=changed.round, content=command.content)
    await store.insert_said(head.tenant, head.id, changed.id, fact.n)
    await store.change(head.id, changed)


async def answer(step: Step, command: AnswerCheck) -> None:
    """Raises `Refused`, as `domain.answer` does."""
    store, head = Attunement(step.tx), step.head
    found = await store.check(head.id, command.check)
    changed = domain.answer(found, command.participant, heard=command.heard)
    assert found is not None
    fact = step.record(
        CheckAnsweredFact, check=found.id, round=found.round, heard=command.heard, content=command.content
    )
    await store.insert_said(head.tenant, head.id, changed.id, fact.n)
    await store.change(head.id, changed)


async def listed(tx: Connection, head: Head, command: ListChecks) -> ChecksListed:
    store = Attunement(tx)
    before = HIGHEST if command.before is None else command.before
    found = await store.listed(head.id, before, command.limit + 1, SAID_MOST, only_open=command.only_open)
    page = _fitting(found[: command.limit])
    return ChecksListed(
        causationid=command.id,
        checks=page[::-1],
        more=len(found) > len(page),
        sessions=(await store.figures(head.id))[-SESSIONS_MOST:],
    )


def _fitting(checks: list[StoredCheck]) -> list[StoredCheck]:
    """As many as a reply may hold of what was said in them, at least one."""
    size = 0
    for index, check in enumerate(checks):
        size += sum(len(fact.content or "") for fact in check.said)
        if index and size > PAGE_BYTES:
            return checks[:index]
    return checks


async def taken_back(tx: Connection, conversation: str, message: str) -> None:
    """A message is no more: what is open about it ends."""
    store = Attunement(tx)
    running = await store.open_of(conversation, message)
    if running is not None:
        await store.change(conversation, domain.taken_back(running))


async def in_session(tx: Connection, head: Head, span: Span) -> object:
    return await Summaries(tx).checks_open(head.id, span)


async def empty(tx: Connection, conversation: str) -> None:
    await Attunement(tx).empty(conversation)


FEATURE = Feature(
    writes={AskCheck: ask, ReflectCheck: reflect, AnswerCheck: answer},
    reads={ListChecks: listed},
    empty=empty,
    summary={"attunement_open": in_session},
)
