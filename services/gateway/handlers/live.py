"""Live text: consent is checked at every frame, here at the author's gateway and again at the reader's."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.gateway import metrics
from services.gateway.egress.peers import BETWEEN_GATEWAYS
from services.gateway.handlers import keeping
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.room import Room
from shared.contracts.contents import DraftContent, DraftsContent
from shared.contracts.errors import Code, Refused
from shared.contracts.events import PeerDrafts, PeerResync, PeerState
from shared.contracts.frames import client, server
from shared.contracts.frames.values import ConsentValue
from shared.contracts.ids import Level, Purpose

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub

RETRY_MS = 1_000


def _consented(room: Room, participant: str) -> bool:
    return participant not in room.withdrawn and room.consents_to(participant, "live_text")


def _require_switch(hub: "Hub", room: Room) -> None:
    """Raises `Refused` (``live_off``): an operator has switched live text off."""
    if not hub.switches.allow(room.tenant):
        raise Refused(Code.LIVE_OFF, {"reason": "operator"})


def _require(hub: "Hub", room: Room, connection: Connection, now: float) -> Level:
    """The level at which the connection writes. Raises `Refused`: ``consent_required``, ``live_off``."""
    if not _consented(room, connection.participant):
        room.used(connection.participant, "live_text", through=False)
        raise Refused(Code.CONSENT_REQUIRED, {"purpose": "live_text", "participants": [connection.participant]})
    _require_switch(hub, room)
    level = room.live.level_of(connection.id, connection.participant)
    if level is None:
        raise Refused(Code.LIVE_OFF)
    if room.live.suspended or not hub.lease_holds(room, now):
        suspend(hub, room, suspended=True)
        raise Refused(Code.LIVE_OFF, {"retry_ms": RETRY_MS})
    return level


def toggle(hub: "Hub", room: Room, connection: Connection, frame: client.LiveToggle) -> None:
    """Raises `Refused`: ``consent_required``, ``live_off`` while suspended. Switching off is never refused."""
    if not frame.on:
        switch(hub, room, connection, None)
        return
    if not _consented(room, connection.participant):
        room.used(connection.participant, "live_text", through=False)
        raise Refused(Code.CONSENT_REQUIRED, {"purpose": "live_text", "participants": [connection.participant]})
    _require_switch(hub, room)
    if connection.unpadded:
        raise Refused(Code.LIVE_OFF, {"reason": "obscure"})
    if room.live.suspended or not hub.lease_holds(room):
        raise Refused(Code.LIVE_OFF, {"retry_ms": RETRY_MS})
    connection.charge(connection.live, time.monotonic())
    switch(hub, room, connection, frame.level or "letters")


def switch(hub: "Hub", room: Room, connection: Connection, level: Level | None) -> None:
    """Switch one connection on or off. Readers' queues lose what waits there of it before they hear of it."""
    shown = room.live.switch(connection.id, connection.participant, level)
    room.show(shown)
    hub.peers.shown(room, shown)


def write(
    hub: "Hub", room: Room, connection: Connection, frame: client.LiveEdit | client.LiveReset | client.LiveClear
) -> None:
    """Apply what the author does to a draft and show it. Raises `Refused`; then nothing has changed."""
    now = time.monotonic()
    level = _require(hub, room, connection, now)
    connection.charge(connection.live, now)
    who = connection.participant
    kept = hub.keeping.concerns(room, who, frame.draft)
    was = keeping.before(room.live.drafts.get(frame.draft)) if kept else None
    if isinstance(frame, client.LiveEdit):
        shown = room.live.edit(connection.id, who, level, frame)
    elif isinstance(frame, client.LiveReset):
        shown = room.live.reset(connection.id, who, level, frame)
    else:
        shown = room.live.clear(who, frame.draft)
    room.show(shown)
    hub.peers.shown(room, shown)
    room.used(who, "live_text", through=True)
    if kept:
        hub.keeping.took(room, connection, frame, was)
    if connection.outgoing.obscured is not None:
        connection.outgoing.obscured.key()


def resync(room: Room, connection: Connection, frame: client.LiveResync) -> None:
    """Send the whole text of an open draft. Raises `Refused` (``not_found``)."""
    connection.charge(connection.live, time.monotonic())
    draft = room.live.drafts.get(frame.draft)
    if draft is None:
        raise Refused(Code.NOT_FOUND, {"field": "draft"})
    room.show_draft(connection, draft)


def suspend(hub: "Hub", room: Room, *, suspended: bool) -> None:
    """Stop all live text of a room, or let it go on."""
    shown = room.live.suspend(suspended)
    room.show(shown)
    hub.peers.shown(room, shown)
    if not suspended:
        hub.peers.hold(room)  # what others wrote meanwhile wasn't taken


def silence(hub: "Hub", room: Room, participant: str) -> None:
    """Stop an author's live text on every connection, at once."""
    began = time.perf_counter()
    shown = room.live.withdraw(participant)
    room.show(shown)
    hub.peers.shown(room, shown)
    metrics.WITHDRAWAL_SECONDS.observe(time.perf_counter() - began)


def learn_all(hub: "Hub", room: Room, news: Sequence[tuple[str, Purpose, ConsentValue]]) -> None:
    """Consents have changed: silence first where live text was withdrawn, then tell everybody."""
    for participant, purpose, value in news:
        if purpose == "live_text" and value.state == "withdrawn":
            silence(hub, room, participant)
        if purpose == "composition_replay" and value.state == "withdrawn":
            hub.keeping.drop(room, participant)
        for connection in room.connections.values():
            if connection.participant == participant:
                connection.epochs[room.id, purpose] = value.epoch
        room.to_all(
            server.ConsentChanged(
                conversation=room.id, participant=participant, purpose=purpose, state=value.state, epoch=value.epoch
            )
        )
    if any(purpose == "live_text" and value.state == "granted" for _, purpose, value in news):
        hub.peers.hold(room)  # what another gateway said before the grant was known here wasn't taken


# --- from other gateways ---------------------------------------------------------------------------------------------


def peer_state(hub: "Hub", room: Room, message: PeerState) -> None:
    """Who is connected at another gateway, and who has live text on there."""
    if message.gateway not in room.holders:
        return  # it has let go, or will be in the next list of holders
    for participant in room.roles:
        if participant in message.online:
            room.appear(participant, message.gateway)
        else:
            room.vanish(participant, message.gateway)
    on = message.live if hub.switches.allow(room.tenant) and room.left is None else {}
    allowed = {p: level for p, level in on.items() if _consented(room, p)}
    room.show(room.live.elsewhere(message.gateway, allowed, list(room.roles)))
    if message.answer:
        hub.peers.tell_state(room)
        hub.peers.tell_drafts(room)


def peer_drafts(hub: "Hub", message: PeerDrafts) -> None:
    """Drafts that are written at another gateway."""
    content = DraftsContent.model_validate_json(hub.sealer.open(BETWEEN_GATEWAYS, message.content))
    for draft in content.drafts:
        room = hub.rooms.get(draft.conversation)
        if room is not None:
            _peer_draft(hub, room, message.gateway, draft)


def _peer_draft(hub: "Hub", room: Room, where: str, told: DraftContent) -> None:
    """Shown only with consent, switch and lease known here too."""
    who, draft = told.participant, told.draft
    if not (_consented(room, who) and hub.switches.allow(room.tenant) and hub.lease_holds(room)):
        return
    if not told.edits:
        room.show(room.live.from_peer(where, who, draft, told.rev, told.text))
        return
    try:
        room.show(room.live.edits_from_peer(where, who, draft, told.rev, told.edits))
    except Refused:
        hub.peers.resync(room, where, draft)


def peer_resync(hub: "Hub", room: Room, message: PeerResync) -> None:
    """Another gateway has lost something of a draft that is written here."""
    draft = room.live.drafts.get(message.draft)
    if draft is not None:
        hub.peers.tell_draft(room, draft.author, draft.id)


def holder_gone(room: Room, address: str) -> None:
    """Another gateway is gone, and so are who was connected there and what they wrote."""
    for participant in room.roles:
        room.vanish(participant, address)
    room.show(room.live.elsewhere(address, {}, list(room.roles)))


def holders(hub: "Hub", room: Room, addresses: list[str]) -> None:
    """Which gateways hold the room now; who was at one that is gone is gone as well."""
    gone = [address for address in room.holders if address not in addresses]
    came = [address for address in addresses if address not in room.holders]
    room.holders = addresses
    for address in gone:
        holder_gone(room, address)
    if came:  # what one of them has asked before it was known here wasn't answered
        hub.peers.hold(room)
        hub.peers.tell_drafts(room)
