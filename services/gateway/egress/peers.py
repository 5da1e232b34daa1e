"""To other gateways that hold the same conversation: who is here, who types, and live text.

All of it is stale in a moment, so it goes to a second, bounded, short-lived queue of each gateway. What happens to
drafts is collected for `COLLECT_S`: the edits as they were made, so that their rhythm comes along. Where one was lost
on the way, the next doesn't follow, and the other gateway asks for the whole text.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import orjson

from services.gateway.domain.live import Edit, Shown
from shared.contracts.envelope import Envelope
from shared.contracts.errors import Unavailable
from shared.contracts.events import PeerAlive, PeerDrafts, PeerResync, PeerState, PeerTyping, PeerWithdrawn
from shared.contracts.frames import server
from shared.contracts.frames.client import Op
from shared.contracts.records import Notice
from shared.runtime.broker.publisher import Ended, Publisher
from shared.runtime.broker.topology import to_peer, to_peer_lasting
from shared.runtime.sealing import Sealer

if TYPE_CHECKING:
    from services.gateway.handlers.room import Room

COLLECT_S = 0.02
HURRY_S = 0.05
BETWEEN_GATEWAYS = "live text between gateways"
"""What drafts are sealed as on their way (the sealer's context): one seal for all that go together."""
TOGETHER = 200
EDITS_MOST = 20
"""Of one draft in one collection; who writes faster is shown whole."""


@dataclass(slots=True)
class _Change:
    """What happened to a draft since the last collection: edits since a revision; None: its whole text goes."""

    room: "Room"
    author: str
    base: int
    edits: list[Sequence[Op]] | None

    def add(self, edit: Edit) -> None:
        if self.edits is not None and edit.rev == self.base + len(self.edits) + 1 and len(self.edits) < EDITS_MOST:
            self.edits.append(edit.ops)
        else:
            self.edits = None

    def content(self, draft_id: str) -> dict[str, object]:
        """The members of a `DraftContent`; they were checked when they came."""
        draft = self.room.live.drafts.get(draft_id)
        told = {"conversation": self.room.id, "participant": self.author, "draft": draft_id, "rev": self.base}
        if draft is None:
            return told
        if self.edits is None:
            return told | {"rev": draft.rev, "text": draft.text}
        return told | {"edits": self.edits}


class Peers:
    """What other gateways are told. ``address`` is this gateway's own."""

    def __init__(self, publisher: Publisher, sealer: Sealer) -> None:
        self._publisher = publisher
        self._sealer = sealer
        self.address = ""
        self._changed: dict[tuple[str, str], _Change] = {}
        self._flushing = False
        self._sent: dict[str, asyncio.Future[None]] = {}
        """Drafts under way, the last ones to each gateway."""

    def _tell(self, room: "Room", envelope: Envelope) -> None:
        for holder in room.holders:
            if holder != self.address:
                self._publisher.offer(to_peer(holder), envelope)

    def alone(self, room: "Room") -> bool:
        return not room.holders or room.holders == [self.address]

    def greet(self, address: str, ended: Ended) -> None:
        """Say to another gateway that this one is there; ``ended`` hears if that one isn't."""
        with suppress(Unavailable):
            self._publisher.submit(to_peer(address), PeerAlive(gateway=self.address), ended)

    def hold(self, room: "Room") -> None:
        """This gateway holds the room from now on: ask the others what they show of it."""
        self.tell_state(room, answer=True)

    def release(self, room: "Room") -> None:
        self.tell_state(room)

    def tell_state(self, room: "Room", *, answer: bool = False) -> None:
        """Who is connected here, and who has live text on here."""
        if self.alone(room):
            return
        ids = {c.id: c.participant for c in room.connections.values()}
        online = sorted({p for p, places in room.online.items() if any(not _is_gateway(place) for place in places)})
        state = PeerState(
            conversation=room.id,
            gateway=self.address,
            online=sorted({*online, *ids.values()}),
            live=room.live.levels_here(),
            answer=answer,
        )
        self._tell(room, state)

    def tell_drafts(self, room: "Room") -> None:
        """All drafts that are open here, to a gateway that has just come."""
        for draft in room.live.drafts.values():
            if not _is_gateway(draft.holder):
                self.tell_draft(room, draft.author, draft.id)

    def tell_draft(self, room: "Room", author: str, draft: str) -> None:
        """A draft that is open here, whole, as another gateway asks; where it has just begun, the edits wait."""
        waiting = self._changed.get((room.id, draft))
        if waiting is None or waiting.base:
            self._tell_whole(room, author, draft)

    def _tell_whole(self, room: "Room", author: str, draft: str) -> None:
        self._changed[room.id, draft] = _Change(room, author, 0, None)
        self._flush_soon()

    def resync(self, room: "Room", gateway: str, draft: str) -> None:
        """Ask another gateway for the whole text of a draft."""
        asking = PeerResync(conversation=room.id, gateway=self.address, draft=draft)
        self._publisher.offer(to_peer(gateway), asking)

    def typing(self, room: "Room", participant: str, *, on: bool) -> None:
        self._tell(room, PeerTyping(conversation=room.id, participant=participant, on=on))

    def withdrawn(self, room: "Room", participant: str) -> None:
        self._tell(room, PeerWithdrawn(conversation=room.id, participant=participant))

    def alert(self, room: "Room", notice: Notice) -> None:
        """By the queue whose contents don't go stale."""
        for holder in room.holders:
            if holder != self.address:
                self._publisher.offer(to_peer_lasting(holder), notice)

    def shown(self, room: "Room", shown: list[Shown]) -> None:
        """Live text changed here: drafts are collected, everything else is told at once."""
        if self.alone(room):
            return
        for one in shown:
            frame = one.frame
            if isinstance(frame, server.LiveChanged):
                self.tell_state(room)
            elif not isinstance(frame, Edit):
                self._tell_whole(room, one.author, frame.draft)
            elif (change := self._changed.get((room.id, frame.draft))) is not None:
                change.add(frame)
            else:
                self._changed[room.id, frame.draft] = _Change(room, one.author, frame.rev - 1, [frame.ops])
        self._flush_soon()

    def hurry(self, room: "Room", draft: str) -> "asyncio.Future[object] | None":
        """A message of this draft's id is to be sent. Until the future ends, what was typed last may be behind it."""
        if draft not in room.live.drafts or self.alone(room):
            return None
        if (room.id, draft) in self._changed:
            self._flush()
        under_way = [sent for holder in room.holders if (sent := self._sent.get(holder)) is not None]
        return asyncio.ensure_future(asyncio.wait(under_way, timeout=HURRY_S)) if under_way else None

    def _flush_soon(self) -> None:
        if self._changed and not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_later(COLLECT_S, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        changed, self._changed = self._changed, {}
        by_holder: dict[str, list[dict[str, object]]] = {}
        for (_, draft_id), change in changed.items():
            content = change.content(draft_id)
            for holder in change.room.holders:
                if holder != self.address:
                    by_holder.setdefault(holder, []).append(content)
        for holder, drafts in by_holder.items():
            for first in range(0, len(drafts), TOGETHER):
                together = orjson.dumps({"drafts": drafts[first : first + TOGETHER]})
                sealed = self._sealer.seal(BETWEEN_GATEWAYS, together)
                self._send(holder, PeerDrafts(gateway=self.address, content=sealed))

    def _send(self, holder: str, message: PeerDrafts) -> None:
        """Drafts may be lost, but it is known when they are there."""
        with suppress(Unavailable):
            sent = self._sent[holder] = self._publisher.begin(to_peer(holder), [message])
            sent.add_done_callback(partial(self._done, holder))

    def _done(self, holder: str, sent: "asyncio.Future[None]") -> None:
        sent.exception()
        if self._sent.get(holder) is sent:
            del self._sent[holder]


def _is_gateway(place: str) -> bool:
    return place.startswith("gateway.")
