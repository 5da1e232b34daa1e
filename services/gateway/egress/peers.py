"""To other gateways that hold the same conversation: who is here, who types, and live text.

All of it is stale in a moment, so it goes to a second, bounded, short-lived queue of each gateway. Drafts are collected
for `COLLECT_S` and go whole, the newest state only: a frame that was lost on the way is mended by the next.
"""

import asyncio
from typing import TYPE_CHECKING

from services.gateway.domain.live import Shown
from shared.contracts.envelope import Envelope
from shared.contracts.events import PeerDraft, PeerState, PeerTyping, PeerWithdrawn
from shared.contracts.frames import server
from shared.runtime.broker.publisher import Publisher
from shared.runtime.broker.topology import live_address, to_gateway
from shared.runtime.sealing import Sealer

if TYPE_CHECKING:
    from services.gateway.handlers.room import Room

COLLECT_S = 0.02


class Peers:
    """What other gateways are told. ``address`` is this gateway's own."""

    def __init__(self, publisher: Publisher, sealer: Sealer) -> None:
        self._publisher = publisher
        self._sealer = sealer
        self.address = ""
        self._changed: dict[tuple[str, str], tuple[Room, str, str]] = {}
        self._flushing = False

    def _tell(self, room: "Room", envelope: Envelope) -> None:
        for holder in room.holders:
            if holder != self.address:
                self._publisher.offer(to_gateway(live_address(holder)), envelope)

    def alone(self, room: "Room") -> bool:
        return all(holder == self.address for holder in room.holders)

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
                self._changed[room.id, draft.id] = (room, draft.author, draft.id)
        self._flush_soon()

    def typing(self, room: "Room", participant: str, *, on: bool) -> None:
        self._tell(room, PeerTyping(conversation=room.id, participant=participant, on=on))

    def withdrawn(self, room: "Room", participant: str) -> None:
        self._tell(room, PeerWithdrawn(conversation=room.id, participant=participant))

    def shown(self, room: "Room", shown: list[Shown]) -> None:
        """Live text changed here: drafts are collected, everything else is told at once."""
        if self.alone(room):
            return
        for one in shown:
            if isinstance(one.frame, server.LiveChanged):
                self.tell_state(room)
            else:
                self._changed[room.id, one.frame.draft] = (room, one.author, one.frame.draft)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._changed and not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_later(COLLECT_S, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        changed, self._changed = self._changed, {}
        for room, author, draft_id in changed.values():
            draft = room.live.drafts.get(draft_id)
            content = None if draft is None else self._sealer.seal(room.id, draft.text.encode())
            message = PeerDraft(
                conversation=room.id,
                gateway=self.address,
                participant=author,
                draft=draft_id,
                rev=0 if draft is None else draft.rev,
                content=content,
            )
            self._tell(room, message)


def _is_gateway(place: str) -> bool:
    return place.startswith("gateway.")
