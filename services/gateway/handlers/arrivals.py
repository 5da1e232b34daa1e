"""Arriving: hello, welcome, resume; and lists of conversations."""

import asyncio
import time

from services.gateway.domain.tokens import Connect
from services.gateway.egress import obscured
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.facts import Position, to_payload
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.commands import ListConversations
from shared.contracts.errors import MESSAGES, Close, Code, Erased, Refused
from shared.contracts.events import ConversationsListed
from shared.contracts.frames import client, server
from shared.contracts.frames.values import LimitsValue
from shared.contracts.ids import rfc3339
from shared.contracts.text import TEXT_MAX

WELCOME_MOST = 50
PAGE = 200
HOLD_MOST = 2_000
HEARTBEAT_S = 25
FRAME_BYTES = 65_536


async def _ids(hub: Hub, claims: Connect, before: str | None, limit: int) -> ConversationsListed:
    command = ListConversations(
        tenant=claims.tenant, replyto=hub.address, participant=claims.sub, before=before, limit=limit
    )
    return await hub.requests.ask(hub.session_queue(claims.sub), command, ConversationsListed)


async def rooms_of(hub: Hub, claims: Connect) -> list[Room]:
    """All rooms that the token opens, newest first, held here. Raises `Refused`."""
    if claims.conversation is not None:
        return [await hub.hold(claims.conversation, claims.tenant)]
    ids: list[str] = []
    more = True
    while more and len(ids) < HOLD_MOST:
        page = await _ids(hub, claims, ids[-1] if ids else None, PAGE)
        ids, more = ids + page.conversations, page.more
    return [room for room in await asyncio.gather(*(_unless_erased(hub, one, claims.tenant) for one in ids)) if room]


async def _unless_erased(hub: Hub, conversation: str, tenant: str) -> Room | None:
    """The room, held here; None where the conversation was erased since it was listed."""
    try:
        return await hub.hold(conversation, tenant)
    except Erased:
        return None


def welcome(hub: Hub, connection: Connection, rooms: list[Room], hello: client.Hello) -> None:
    """Let a connection in: welcome, then what it missed, then everything as it comes."""
    claims = connection.claims
    hub.admit(connection)
    for room in rooms:
        room.enter(connection)
        hub.peers.tell_state(room)
    shown = rooms[:WELCOME_MOST]
    connection.send(
        server.Welcome(
            participant=server.Self(id=claims.sub, role=claims.role),
            expires_at=rfc3339(claims.expires_at),
            heartbeat_s=HEARTBEAT_S,
            more=len(rooms) > len(shown),
            limits=LimitsValue(
                frame_bytes=FRAME_BYTES,
                text=TEXT_MAX,
                live_per_s=connection.limits.live_per_s,
                messages_per_s=connection.limits.messages_per_s,
                others_per_s=connection.limits.others_per_s,
            ),
            obscure=obscured.AGREED if connection.outgoing.obscured is not None else None,
            conversations=[room.value() for room in shown],
        )
    )
    if hello.ref is not None:
        connection.send(server.Ok(ref=hello.ref))
    points = {point.conversation: point for point in hello.resume or []}
    for room in rooms:
        greet(connection, room)
        point = points.pop(room.id, None)
        if point is None or room.facts.is_head(point.after, point.after_n):
            room.facts.join(connection)  # when thousands come back at once, most have missed nothing
        else:
            position = Position(n=point.after_n) if point.after_n is not None else Position(seq=point.after)
            hub.spawn(resume(hub, room, connection, position, room.facts.wait(connection, position)))
    for unknown in points:
        connection.send(
            server.Error(
                code=Code.NOT_FOUND,
                message=MESSAGES[Code.NOT_FOUND],
                details={"type": "hello", "conversation": unknown, "field": "resume"},
            )
        )


def greet(connection: Connection, room: Room) -> None:
    """What a connection gets of a room besides its facts: the epochs it decides on, the open drafts, and who
    asked for help while that can't be recorded.
    """
    if connection.outgoing.obscured is not None:
        for participant in room.roles:
            if room.live.state(participant).on:
                connection.outgoing.obscured.changed(room.id, participant, on=True)
    for purpose, value in room.consents.get(connection.participant, {}).items():
        connection.epochs[room.id, purpose] = value.epoch
    room.show_drafts(connection)
    for alert in room.raises.alerts.values():
        connection.send(alert)


async def resume(hub: Hub, room: Room, connection: Connection, position: Position, up_to_n: int) -> None:
    """Read what the connection missed, then what came meanwhile; in the end it hears all else as it comes."""
    await _read_up_to(hub, room, connection, position, up_to_n)
    while connection.id in hub.connections and not room.facts.join(connection):
        position = Position(n=up_to_n)
        up_to_n = room.facts.wait(connection, position)
        await _read_up_to(hub, room, connection, position, up_to_n)


async def _read_up_to(hub: Hub, room: Room, connection: Connection, position: Position, up_to_n: int) -> None:
    """Page by page, each as soon as the reader has read the one before."""
    more = True
    while more and connection.id in hub.connections:
        try:
            page = await hub.read_facts(room, position.n, position.seq, up_to_n)
            await hub.keys.load([room.key_name])
            payloads = [to_payload(room, fact) for fact in page.facts]
        except Refused:
            await asyncio.sleep(0.5)
            continue
        if not page.known:
            room.facts.reset(connection)
            connection.send(server.ResumeReset(conversation=room.id, last_seq=page.last_seq, last_n=page.last_n))
        for fact, payload in zip(page.facts, payloads, strict=True):
            if payload is not None:
                connection.outgoing.send(payload)
            position = position.after(fact)
        more = page.more
        await connection.outgoing.caught_up()


async def listed(hub: Hub, connection: Connection, frame: client.ConversationList, ref: str) -> server.Ok:
    """A page of conversations, newest first. Raises `Refused` (``not_found``: ``before`` is none of them)."""
    claims = connection.claims
    if frame.before is not None and frame.before not in connection.conversations:
        raise Refused(Code.NOT_FOUND, {"field": "before"})
    if claims.conversation is not None:
        ids, more = ([] if frame.before else [claims.conversation]), False
    else:
        page = await _ids(hub, claims, frame.before, WELCOME_MOST)
        ids, more = page.conversations, page.more
    rooms = [await _unless_erased(hub, conversation, claims.tenant) for conversation in ids]
    return server.Ok(ref=ref, conversations=[room.value() for room in rooms if room], more=more)


async def added(hub: Hub, conversation: str, tenant: str, members: set[str]) -> None:
    """A new conversation: whoever is connected with scope ``participant`` is in it from now on."""
    room = await hub.hold(conversation, tenant)
    for connection in list(hub.connections.values()):
        claims = connection.claims
        mine = claims.tenant == tenant and claims.conversation is None and claims.sub in members
        if mine and conversation not in connection.conversations:
            room.enter(connection)
            connection.send(server.ConversationAdded(conversation=room.id, **dict(room.value())))
            greet(connection, room)
            room.facts.join(connection)


def erased(hub: Hub, room: Room, at: str) -> None:
    """A conversation is no more: nothing of it is shown any longer, and connections that are for it alone end."""
    room.end_live()
    room.facts.fail_askers(Erased())
    for connection in list(room.connections.values()):
        room.leave(connection)
        connection.conversations.discard(room.id)
        connection.erased.add(room.id)
        connection.send(server.ConversationErased(conversation=room.id, at=at))
        if connection.claims.conversation == room.id:
            connection.close(Close.ERASED)
    hub.erase(room)


def refresh(connection: Connection, claims: Connect) -> str:
    """Take a new token of the same participant. Raises `Refused` (``unauthorized``)."""
    if not claims.covers(connection.claims):
        raise Refused(Code.UNAUTHORIZED)
    connection.claims = claims.model_copy(update={"conversation": connection.claims.conversation})
    return rfc3339(claims.expires_at)


def expired(connection: Connection) -> bool:
    return connection.claims.exp <= time.time()


def close_expired(hub: Hub) -> None:
    """Close what has outlived its token."""
    for connection in list(hub.connections.values()):
        if expired(connection):
            connection.close(Close.UNAUTHORIZED)
