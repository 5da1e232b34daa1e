"""Requests of features: carried out once, whatever is delivered twice, and recorded in the conversation's order.

A feature's handler gets a `Step`: the locked head, who asks, and what it is given to record. It raises `Refused` and
nothing is changed; else what it recorded is told to everybody, and its asker is answered with the first of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from services.session import egress, errors, metrics
from services.session.domain.heads import Head
from services.session.domain.sessions import Span
from services.session.store import Store
from services.session.store.due import Due
from services.session.store.later import OwnRequests
from services.session.store.records import Records
from shared.contracts import features
from shared.contracts.envelope import ConversationCommand, Event, Reply
from shared.contracts.features.absence import ClearAway
from shared.contracts.features.agreements import RemindAgreement
from shared.contracts.features.leaving import ReturnToConversation
from shared.contracts.features.safety import AcknowledgeSafety, EscalateSafety, RaiseSafety
from shared.contracts.features.scheduling import MissSession
from shared.contracts.ids import Role, derived_id, rfc3339
from shared.contracts.records import OwnCommand, Question, RecordAccepted, RecordCommand, TenantQuestion
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection

FACTS_MOST = 8
"""Facts that one request may record."""

EVEN_WHEN_LEFT = (
    ReturnToConversation, RaiseSafety, AcknowledgeSafety, EscalateSafety, MissSession, ClearAway, RemindAgreement,
)  # fmt: skip
"""What can be recorded though somebody has left: coming back, asking for help, and what ends with its time."""

F = TypeVar("F", bound=features.Fact)


@dataclass(slots=True)
class Step:
    """One request of a participant, being carried out."""

    tx: Connection
    head: Head
    command: RecordCommand
    facts: list[tuple[features.Fact, datetime]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """What else is told, behind the facts, to every gateway that holds the conversation: `Notice`s mostly."""
    is_put_off: bool = False

    @property
    def role(self) -> Role:
        return self.head.role(self.command.participant)

    def require(self, role: Role) -> None:
        """Raises `Refused` (``forbidden``)."""
        if self.role != role:
            raise errors.forbidden()

    def require_not_left(self) -> None:
        """Raises `Refused` (``wrong_state``)."""
        if self.head.left_by is not None:
            raise errors.wrong_state("left")

    def record(self, kind: type[F], /, **members: Any) -> F:  # noqa: ANN401 - its model checks them
        """Record a fact: with the place and time that come next, and the members of its kind's own.

        The first one has the asker's id, and with ``content=step.command.content`` what was asked; others have ids that
        follow from it.
        """
        assert len(self.facts) < FACTS_MOST
        at = self.head.next_at()
        fact = kind(
            n=self.head.next_n(),
            record=_ids(self.command.record)[len(self.facts)],
            sender=self.command.participant,
            at=rfc3339(at),
            **members,
        )
        self.facts.append((fact, at))
        return fact

    async def put_off(self, until: datetime, command: RecordCommand) -> None:
        """What came by itself comes later instead: it waits again, under its own id, and nothing is recorded now."""
        assert command.record == self.command.record
        assert not self.facts
        await Due(self.tx).put(until, command)
        self.is_put_off = True


Write = Callable[[Step, Any], Awaitable[None]]
Read = Callable[[Connection, Head, Any], Awaitable[Reply]]
OfTenant = Callable[[Connection, Any], Awaitable[Reply]]
Empty = Callable[[Connection, str], Awaitable[None]]
Part = Callable[[Connection, Head, Span], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature does in this service, by command; and how it empties what is left of an erased conversation.

    ``of_tenant``: a partner's questions, about all its conversations.
    """

    writes: Mapping[type[RecordCommand], Write] = field(default_factory=dict)
    reads: Mapping[type[Question], Read] = field(default_factory=dict)
    of_tenant: Mapping[type[TenantQuestion], OfTenant] = field(default_factory=dict)
    empty: Empty | None = None
    summary: Mapping[str, Part] = field(default_factory=dict)
    """Its part of a session's summary, by the name of the member that it is there."""


def _ids(record: str) -> list[str]:
    return [record, *(derived_id(record, str(index)) for index in range(1, FACTS_MOST))]


def member(head: Head | None, command: ConversationCommand, participant: str) -> Head:
    """The head, if this is a participant of the conversation. Raises `Refused`: ``not_found``, ``erased``."""
    if head is None or head.tenant != command.tenant or not head.has(participant):
        raise errors.not_found()
    if head.erasure is not None:
        raise head.erasure.refusal()
    return head


async def once(tx: Connection, command: RecordCommand) -> list[features.Fact]:
    """What this very request did before, if it did. Raises `Refused` (``conflict``): its id is another request's."""
    made, fingerprint = await Records(tx).made(command.conversation, _ids(command.record))
    if made and fingerprint != command.fingerprint:
        raise errors.conflict()
    return made


async def carry_out(tx: Connection, write: Write, command: RecordCommand) -> list[Tell]:
    """Do what is asked; or, where it is done already, tell it again: the first telling may have been lost."""
    heads = await Store(tx).lock_heads([command.conversation])
    head = member(heads.get(command.conversation), command, command.participant)
    made = await once(tx, command)
    holders = (await subscriptions.addresses(tx, [head.id])).get(head.id, [])
    events: list[Event] = []
    outcome = "repeated" if made else "done"
    if not made:
        step = Step(tx, head, command)
        if not isinstance(command, EVEN_WHEN_LEFT):
            step.require_not_left()
        await write(step, command)
        if step.is_put_off:
            metrics.RECORDS.labels(type(command).__name__, "put_off").inc()
            return []
        for index, (fact, at) in enumerate(step.facts):
            await Records(tx).insert(head.id, fact, at, command.fingerprint if index == 0 else None)
        await Store(tx).raise_head(head)
        made, events = [fact for fact, _ in step.facts], step.events
    metrics.RECORDS.labels(type(command).__name__, outcome).inc()
    if not made:  # it came due, and nobody is to hear of it
        assert not command.replyto
        return []
    first = made[0]
    accepted = RecordAccepted(causationid=command.id, record=first.record, n=first.n, at=first.at)
    facts = [tell for fact in made for tell in egress.recorded(command, fact, holders, answers=False)]
    others = [tell for event in events for tell in egress.to_holders(holders, event)]
    return [*([answer(command, accepted)] if command.replyto else []), *facts, *others]


async def carry_out_own(tx: Connection, write: Write, command: OwnCommand) -> list[Tell]:
    """As `carry_out`, of what is the asker's own: nothing is recorded but that it was asked."""
    heads = await Store(tx).lock_heads([command.conversation])
    head = member(heads.get(command.conversation), command, command.participant)
    made = await OwnRequests(tx).made(head.id, command.record)
    if made is not None and made[0] != command.fingerprint:
        raise errors.conflict()
    step = Step(tx, head, command)
    at = head.now if made is None else made[1]
    if made is None:
        await write(step, command)
        assert not step.facts
        await OwnRequests(tx).insert(command, at)
    metrics.RECORDS.labels(type(command).__name__, "done" if made is None else "repeated").inc()
    holders = (await subscriptions.addresses(tx, [head.id])).get(head.id, [])
    accepted = RecordAccepted(causationid=command.id, record=command.record, at=rfc3339(at))
    return [
        *([answer(command, accepted)] if command.replyto else []),
        *(tell for event in step.events for tell in egress.to_holders(holders, event)),
    ]


async def look_up(tx: Connection, read: Read, command: Question) -> list[Tell]:
    heads = await Store(tx).read_heads([command.conversation])
    return [
        answer(command, await read(tx, member(heads.get(command.conversation), command, command.participant), command))
    ]
