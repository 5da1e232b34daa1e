"""The order of what lasts, at a gateway: every fact once, in order, to every connection, whatever was lost on the way.

A room has delivered all facts up to ``last_n``. A fact below is dropped; the next one is delivered; one above shows a
hole, which is read from the session service before anything goes on. Who asked for the fact gets it as the answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import structlog

from services.gateway import metrics
from services.gateway.egress.requests import Waiter
from services.gateway.handlers import records
from services.gateway.handlers.connection import Connection
from shared.contracts.contents import MessageContent
from shared.contracts.errors import Erased, KeyGone, Refused, Unavailable
from shared.contracts.events import Fact, MessageFact, Recorded, SessionFact
from shared.contracts.features.safety import SafetyChangedFact, SafetyRaisedFact
from shared.contracts.frames import server
from shared.contracts.frames.values import MessageValue, SessionValue, Value
from shared.contracts.keys import message as record
from shared.contracts.records import RecordFact
from shared.runtime.sealing import DataKey, SealBroken

if TYPE_CHECKING:
    from services.gateway.handlers.room import Room

log = structlog.get_logger()

TAKEN_BACK = MessageContent(text="")
KEPT_MOST = 200
"""Facts kept for a connection that is still reading what it missed; where more come, it reads those as well."""


def _open(key: DataKey, fact: MessageFact) -> MessageContent:
    """What a message says; of one that was taken back: nothing. Raises `SealBroken`, `KeyGone`."""
    if not fact.content:
        return TAKEN_BACK
    return MessageContent.model_validate_json(key.open(record(fact.message), fact.content))


def open_message(key: DataKey, fact: MessageFact) -> MessageValue:
    """A message as history shows it. Raises `SealBroken`, `KeyGone`."""
    content = _open(key, fact)
    return MessageValue(
        seq=fact.seq,
        n=fact.n,
        message=fact.message,
        sender=fact.sender,
        text=content.text,
        at=fact.at,
        in_reply_to=fact.in_reply_to,
        tone=content.tone,
        composed_s=content.composed_s,
        deleted=None if fact.content else True,
        intervention=fact.intervention,
    )


def to_frame(room: "Room", fact: Fact) -> Value:
    """The frame that tells a participant of a fact. Raises `SealBroken`; as `Room.key` does."""
    conversation = room.id
    if isinstance(fact, MessageFact):
        content = _open(room.key(), fact)
        return server.MessagePosted(
            conversation=conversation,
            seq=fact.seq,
            n=fact.n,
            message=fact.message,
            sender=fact.sender,
            text=content.text,
            at=fact.at,
            in_reply_to=fact.in_reply_to,
            tone=content.tone,
            composed_s=content.composed_s,
            deleted=None if fact.content else True,
            intervention=fact.intervention,
        )
    if isinstance(fact, RecordFact):
        return records.to_frame(room, fact)
    kind = server.SessionStarted if fact.kind == "session.started" else server.SessionEnded
    return kind(conversation=conversation, session=fact.session, at=fact.at, n=fact.n)


def to_payload(room: "Room", fact: Fact) -> bytes | None:
    """The same, to be sent. None: the fact can't be read any more, by anybody. Raises `Unavailable`: not now."""
    try:
        return to_frame(room, fact).model_dump_json().encode()
    except (SealBroken, KeyGone, Erased) as error:
        metrics.UNREADABLE.inc()
        log.error("fact_unreadable", conversation=room.id, n=fact.n, error=type(error).__name__)
        return None


@dataclass(slots=True)
class _Behind:
    """A connection that is still reading what it missed, and what it is to hear after that."""

    connection: Connection
    kept: list[Callable[[], None]] = field(default_factory=list)
    askers: list[Waiter] = field(default_factory=list)
    overflowed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, tell: Callable[[], None], asker: Waiter | None = None) -> None:
        if self.overflowed or len(self.kept) == KEPT_MOST:
            self.overflow()
        if self.overflowed:
            self.fail(asker)
            return
        self.kept.append(tell)
        if asker is not None:
            self.askers.append(asker)

    def overflow(self) -> None:
        """Too much to keep: it is read again, as everybody's; who waits for an answer hears that there is none."""
        self.overflowed = True
        self.kept.clear()
        askers, self.askers = self.askers, []
        for asker in askers:
            self.fail(asker)

    @staticmethod
    def fail(asker: Waiter | None) -> None:
        if asker is not None:
            asker.failed(Unavailable("gateway"))


@dataclass(frozen=True, slots=True)
class Position:
    """What a connection has already: everything up to an ``n``, or every message up to a ``seq``."""

    n: int | None = None
    seq: int | None = None

    def has(self, fact: Fact) -> bool:
        if self.n is not None:
            return fact.n <= self.n
        return self.seq is not None and isinstance(fact, MessageFact) and fact.seq <= self.seq

    def after(self, fact: Fact) -> "Position":
        """The position behind a fact that follows it."""
        if self.n is not None:
            return Position(n=fact.n)
        return Position(seq=fact.seq) if isinstance(fact, MessageFact) else self


class Facts:
    """The head of a room, and the connections that are level with it."""

    def __init__(self, room: "Room") -> None:
        self._room = room
        self.last_seq = 0
        self.last_n = 0
        self.highest_n = 0
        self._level: dict[str, Connection] = {}
        self._behind: dict[str, _Behind] = {}
        self._askers: dict[int, Waiter] = {}
        self._ahead: dict[str, Position] = {}
        """Connections that have been told elsewhere what is yet to come here."""

    @property
    def hole(self) -> bool:
        """Whether facts are known to be missing here."""
        return self.highest_n > self.last_n

    def head(self, last_seq: int, last_n: int) -> None:
        """The head as the service says; where the room is behind it already, that is a hole."""
        if self._room.attached:
            self.highest_n = max(self.highest_n, last_n)
        else:
            self.last_seq, self.last_n, self.highest_n = last_seq, last_n, last_n

    def is_head(self, after: int | None, after_n: int | None) -> bool:
        """Whether who has everything up to this position (``after_n`` where both are there) has missed nothing."""
        return after_n == self.last_n if after_n is not None else after == self.last_seq

    def jump(self, last_seq: int, last_n: int) -> None:
        """Go on at a head, leaving out what can't be told."""
        self.last_seq, self.last_n = last_seq, last_n
        self.highest_n = last_n

    def wait(self, connection: Connection, position: Position) -> int:
        """The connection reads what it missed, up to the ``n`` given back; what comes from now on is kept for it.

        It may have been told elsewhere, by a quicker gateway, what is yet to come here.
        """
        self._behind[connection.id] = _Behind(connection)
        if (position.n or 0) > self.last_n or (position.seq or 0) > self.last_seq:
            self._ahead[connection.id] = position
        return self.last_n

    def join(self, connection: Connection) -> bool:
        """The connection gets what was kept for it, and from now on every fact as it comes.

        False: more came than could be kept, so it has to read on.
        """
        behind = self._behind.pop(connection.id, None)
        if behind is not None:
            behind.ended.set()
        if behind is not None and behind.overflowed:
            return False
        for tell in behind.kept if behind is not None else []:
            tell()
        self._level[connection.id] = connection
        return True

    def reset(self, connection: Connection) -> None:
        """The position that the connection named is none: it has nothing of what is yet to come."""
        self._ahead.pop(connection.id, None)

    def leave(self, connection: Connection) -> None:
        self._level.pop(connection.id, None)
        self._ahead.pop(connection.id, None)
        behind = self._behind.pop(connection.id, None)
        if behind is not None:
            behind.overflow()
            behind.ended.set()

    async def level(self, connection: Connection) -> None:
        """Until the connection has read what it missed."""
        while (behind := self._behind.get(connection.id)) is not None:
            await behind.ended.wait()

    def recorded(self, event: Recorded, asker: Waiter | None) -> bool:
        """Take an event. Returns False if there is a hole to read first; the asker is answered behind it."""
        n = event.fact.n
        if n <= self.last_n:
            if asker is not None:
                asker.answered(event.fact)
            return True
        self.highest_n = max(self.highest_n, n)
        if asker is not None:
            self._askers[n] = asker
        if n > self.last_n + 1:
            metrics.HOLES.inc()
            return False
        try:
            self.deliver(event.fact)
        except Unavailable:  # without its key it is as good as missing
            return False
        return not self.hole

    def deliver(self, fact: Fact) -> None:
        """Deliver the next fact to all that are level; what is old is dropped. Raises `Unavailable`: not done."""
        if fact.n != self.last_n + 1:
            return
        payload = to_payload(self._room, fact)
        self.last_n = fact.n
        self.highest_n = max(self.highest_n, fact.n)
        room = self._room
        if isinstance(fact, MessageFact):
            self.last_seq = fact.seq
            room.live.posted(fact.message)
        elif isinstance(fact, SessionFact):
            started = fact.kind == "session.started"
            room.session = SessionValue(id=fact.session, started_at=fact.at) if started else None
        elif isinstance(fact, SafetyRaisedFact | SafetyChangedFact):
            room.raises.take(fact)
        elif isinstance(fact, RecordFact):
            room.apply_record(fact)
        asker = self._askers.pop(fact.n, None)
        answered = self._answer(asker, fact)
        if payload is not None:
            self._tell(fact, payload, answered)

    def _tell(self, fact: Fact, payload: bytes, answered: Connection | None) -> None:
        for connection in self._level.values():
            if connection is not answered and not (self._ahead and self._has(connection, fact)):
                connection.outgoing.send(payload)
        for behind in self._behind.values():
            if behind.connection is not answered and not (self._ahead and self._has(behind.connection, fact)):
                behind.keep(partial(behind.connection.outgoing.send, payload))

    def _has(self, connection: Connection, fact: Fact) -> bool:
        position = self._ahead.get(connection.id)
        return position is not None and position.has(fact)

    def fail_askers(self, refused: Refused) -> None:
        """The hole can't be read now: who waits behind it hears so, and gets the fact as everybody does."""
        askers, self._askers = self._askers, {}
        for asker in askers.values():
            asker.failed(refused)

    def _answer(self, asker: Waiter | None, fact: Fact) -> Connection | None:
        """Answer whoever asked for this fact, behind all that they missed; returns who needs no telling."""
        if asker is None:
            return None
        connection: Connection | None = getattr(asker, "answered_connection", None)
        behind = None if connection is None else self._behind.get(connection.id)
        if behind is None:
            asker.answered(fact)
        else:
            behind.keep(partial(asker.answered, fact), asker)
        return connection
