"""Keeping how drafts are written, with their authors' consent to it; nothing else of a draft lasts.

What an author does to a draft here is collected in memory, as it passed consent and switch, and sent every few seconds,
sealed, through the conversation's command queue, until the session service says that it has it. A part grows until it
is full; then the next one begins. Withdrawn, or not known to be in force: what is in memory is dropped, and nothing
more of the draft is kept, nor of a draft that was open before it could be kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from services.gateway import metrics
from services.gateway.domain.compositions import difference
from services.gateway.domain.drafts import Draft
from services.gateway.domain.strokes import Stroke, encode
from services.gateway.egress.requests import Answer
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.room import Room
from shared.contracts.commands import KeepComposition
from shared.contracts.errors import Code, Refused
from shared.contracts.frames import client
from shared.contracts.frames.client import Op
from shared.contracts.ids import new_id
from shared.contracts.keys import composition_part

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub

log = structlog.get_logger()

SEND_S = 3.0
PART_OPS = 1_000
PART_TEXT = 16_000
"""Operations, and code points inserted, at which a part is full."""
HELD_OPS = 200_000
"""Operations in memory; what is begun above isn't kept."""
PARTS_WAITING = 5
"""Full parts of a draft that aren't stored yet; one that has more isn't kept any further."""


@dataclass(frozen=True, slots=True)
class Before:
    """A draft as it was before a frame was applied to it."""

    holder: str
    text: str


def before(draft: Draft | None) -> Before | None:
    return None if draft is None else Before(draft.holder, draft.text)


@dataclass(slots=True)
class _Part:
    number: int
    strokes: list[Stroke] = field(default_factory=list)
    text: int = 0
    stored: int = 0
    sending: int = 0

    @property
    def full(self) -> bool:
        return len(self.strokes) >= PART_OPS or self.text >= PART_TEXT

    @property
    def due(self) -> bool:
        return not self.sending and self.stored < len(self.strokes)


@dataclass(slots=True)
class _Written:
    """A run: what one connection writes of a draft, from an empty one on. Moments are of the loop's clock."""

    room: Room
    author: str
    draft: str
    holder: str
    begun: float
    last: float
    run: str = field(default_factory=new_id)
    parts: list[_Part] = field(default_factory=lambda: [_Part(0)])
    numbers: int = 1

    def add(self, ops: Sequence[Op]) -> None:
        """Everything that passes a gateway is shown to the others, so far."""
        for op in ops:
            if self.parts[-1].full:
                self.parts.append(_Part(self.numbers))
                self.numbers += 1
            part = self.parts[-1]
            part.strokes.append(Stroke(op, shown=True))
            part.text += len(op[3]) if op[1] == "i" else 0

    @property
    def key(self) -> tuple[str, str]:
        return self.room.id, self.draft

    @property
    def held(self) -> int:
        return sum(len(part.strokes) for part in self.parts)

    @property
    def stored(self) -> bool:
        return all(part.stored == len(part.strokes) for part in self.parts)

    def goes_on(self) -> bool:
        draft = self.room.live.drafts.get(self.draft)
        return draft is not None and draft.holder == self.holder

    def follows(self, connection: Connection, was: Before | None) -> bool:
        """Whether the connection's next frame goes on where this run stands."""
        return was is not None and was.holder == connection.id == self.holder


class _Waiter:
    """Hears whether a part, with so many strokes, was stored."""

    def __init__(self, keeping: "Keeping", written: _Written, part: _Part, sent: int) -> None:
        self._keeping, self._written, self._part, self._sent = keeping, written, part, sent

    def answered(self, reply: Answer) -> None:
        del reply
        self._part.sending = 0
        self._part.stored = max(self._part.stored, self._sent)
        self._keeping.tidy(self._written)

    def failed(self, refused: Refused) -> None:
        """Tried again at the next round, unless the session service doesn't want it."""
        self._part.sending = 0
        if refused.code is not Code.UNAVAILABLE:
            log.info("composition_refused", code=refused.code, conversation=self._written.room.id)
            self._keeping.let_go(self._written)


class Keeping:
    """All that is being kept at this gateway."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._runs: dict[str, _Written] = {}
        self._open: dict[tuple[str, str], _Written] = {}
        """By conversation and draft, the runs that go on; the others are only waiting to be stored."""
        self._timer: asyncio.TimerHandle | None = None

    def may(self, room: Room, author: str) -> bool:
        """Whether consent is known to be in force, by the same lease as live text's."""
        return (
            room.consents_to(author, "composition_replay")
            and author not in room.unkept
            and self._hub.rooms.get(room.id) is room
            and self._hub.lease_holds(room)
        )

    def concerns(self, room: Room, author: str, draft: str) -> bool:
        """Whether it matters here what is done to a draft."""
        return room.consents_to(author, "composition_replay") or (room.id, draft) in self._open

    def took(
        self,
        room: Room,
        connection: Connection,
        frame: client.LiveEdit | client.LiveReset | client.LiveClear,
        was: Before | None,
    ) -> None:
        """A frame of live text was applied; ``was``: the draft as it was before."""
        author = connection.participant
        written = self._open.get((room.id, frame.draft))
        if not self.may(room, author):
            room.used(author, "composition_replay", through=False)
            if written is not None:
                self.let_go(written)
            return
        if written is not None and not written.follows(connection, was):
            del self._open[written.key]
            written, was = None, None  # it began under consent: a run from an empty draft takes it up
        if isinstance(frame, client.LiveClear):
            return
        if written is None and was is None:
            written = self._begin(room, connection, frame.draft)
        if written is not None:  # else it was open before it could be kept, or there is too much
            self._add(written, frame, was)
            room.used(author, "composition_replay", through=True)

    def _begin(self, room: Room, connection: Connection, draft: str) -> _Written | None:
        """A new run; None where the memory holds too much already."""
        if self._held() >= HELD_OPS:
            return None
        now = asyncio.get_running_loop().time()
        written = _Written(room, connection.participant, draft, connection.id, now, now)
        self._runs[written.run] = self._open[written.key] = written
        metrics.COMPOSED.set(len(self._runs))
        return written

    def _add(self, written: _Written, frame: client.LiveEdit | client.LiveReset, was: Before | None) -> None:
        now = asyncio.get_running_loop().time()
        waited = round((now - written.last) * 1_000)
        text = "" if was is None else was.text
        written.add(frame.ops if isinstance(frame, client.LiveEdit) else difference(text, frame.text, waited))
        written.last = now
        for part in written.parts[:-1]:
            if part.due:  # a full one doesn't wait for the next round
                self._send(written, part)
        if len(written.parts) > PARTS_WAITING:
            self.let_go(written)
        self._plan()

    def _held(self) -> int:
        return sum(written.held for written in self._runs.values())

    def _plan(self) -> None:
        if self._timer is None and self._runs:
            self._timer = asyncio.get_running_loop().call_later(SEND_S, self._round)

    def _round(self) -> None:
        self._timer = None
        self.flush()
        self._plan()

    def flush(self) -> None:
        """Send what isn't stored yet; forget what may not be kept, and what has ended and is stored."""
        for written in list(self._runs.values()):
            self._flush(written)

    def flush_draft(self, room: Room, draft: str) -> None:
        """The draft is about to be a message: what was kept of it goes before."""
        if (room.id, draft) in self._open:
            for written in [each for each in self._runs.values() if each.key == (room.id, draft)]:
                self._flush(written)  # the runs in their order

    def _flush(self, written: _Written) -> None:
        if not self.may(written.room, written.author):
            self.let_go(written)
            return
        if self._open.get(written.key) is written and not written.goes_on():
            del self._open[written.key]
        for part in written.parts:
            if part.due:
                self._send(written, part)
        self.tidy(written)

    def _send(self, written: _Written, part: _Part) -> None:
        room, hub = written.room, self._hub
        try:
            key = room.key()
        except Refused:
            return  # at the next round, or not at all
        part.sending = len(part.strokes)
        command = KeepComposition(
            tenant=room.tenant,
            replyto=hub.address,
            conversation=room.id,
            participant=written.author,
            draft=written.draft,
            run=written.run,
            number=part.number,
            ops=len(part.strokes),
            age_ms=round((asyncio.get_running_loop().time() - written.begun) * 1_000),
            content=key.seal(composition_part(written.draft, written.run, part.number), encode(part.strokes)),
        )
        hub.requests.submit(hub.session_queue(room.id), command, _Waiter(self, written, part, part.sending))

    def tidy(self, written: _Written) -> None:
        """Full parts that are stored leave the memory, and so does a run that has ended and is stored."""
        last = written.parts[-1]
        written.parts = [part for part in written.parts if part is last or part.stored < len(part.strokes)]
        if written.stored and self._open.get(written.key) is not written:
            self.let_go(written)

    def let_go(self, written: _Written) -> None:
        self._runs.pop(written.run, None)
        if self._open.get(written.key) is written:
            del self._open[written.key]
        metrics.COMPOSED.set(len(self._runs))

    def drop_room(self, room: Room) -> None:
        """Forget what is in memory of a conversation."""
        for author in room.roles:
            self.drop(room, author)

    def drop(self, room: Room, author: str, draft: str | None = None) -> None:
        """Forget what is in memory of an author's drafts, or of one of them."""
        for written in list(self._runs.values()):
            if written.room.id == room.id and written.author == author and draft in (None, written.draft):
                self.let_go(written)
