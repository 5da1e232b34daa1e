"""Consent: forms, grants and withdrawals. A withdrawal takes effect here at once, and is recorded as soon as can be."""

import asyncio

import structlog

from services.gateway.handlers import live
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.commands import Decide, ReadForms
from shared.contracts.errors import Code, Refused
from shared.contracts.events import Decided, DecisionValue, FormsRead
from shared.contracts.frames import client, server
from shared.contracts.ids import Purpose, new_id

log = structlog.get_logger()

RETRY_S = (0.5, 1.0, 2.0, 5.0)


async def forms(hub: Hub, room: Room, connection: Connection, ref: str) -> server.Ok:
    command = ReadForms(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=connection.participant
    )
    reply = await hub.requests.ask(room.consent_queue, command, FormsRead)
    return server.Ok(ref=ref, forms=reply.forms)


async def grant(hub: Hub, room: Room, connection: Connection, frame: client.ConsentGrant) -> DecisionValue:
    """Raises `Refused`: ``stale_form``, ``stale_epoch``, ``conflict``."""
    seen = connection.epochs.get((room.id, frame.purpose), 0)
    command = Decide(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        purpose=frame.purpose,
        grant=True,
        decision=frame.decision or new_id(),
        version=frame.version,
        sha256=frame.sha256,
        if_epoch=seen if frame.if_epoch is None else frame.if_epoch,
        via="device",
        device=connection.device,
    )
    return (await hub.requests.ask(room.consent_queue, command, Decided)).decision


def stop(hub: Hub, room: Room, participant: str, purpose: Purpose) -> None:
    """The first half of a withdrawal: an author's live text ends here and, told directly, at the other gateways."""
    if purpose == "live_text":
        room.withdrawn.add(participant)
        hub.peers.withdrawn(room, participant)
        live.silence(hub, room, participant)
    if purpose == "composition_replay":
        room.unkept.add(participant)
        hub.keeping.drop(room, participant)


def _settled(room: Room, command: Decide) -> None:
    """A withdrawal is on record, or refused for good: from here on the record decides."""
    if command.purpose == "live_text":
        room.withdrawn.discard(command.participant)
    if command.purpose == "composition_replay":
        room.unkept.discard(command.participant)


async def withdraw(hub: Hub, room: Room, connection: Connection, frame: client.ConsentWithdraw) -> DecisionValue:
    """The second half: the record. Raises as `record` does."""
    command = Decide(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        purpose=frame.purpose,
        grant=False,
        decision=frame.decision or new_id(),
        version=None,
        sha256=None,
        if_epoch=None,
        via="device",
        device=connection.device,
    )
    return await record(hub, room, command)


async def record(hub: Hub, room: Room, command: Decide) -> DecisionValue:
    """Record a withdrawal. Where that can't be done now it is tried again in the background, until it is.

    Raises:
        Refused: ``conflict``; `Unavailable`: not on record yet, though in effect at this gateway.
    """
    try:
        decided = await hub.requests.ask(room.consent_queue, command, Decided)
    except Refused as refused:
        if refused.code is Code.UNAVAILABLE:
            hub.spawn(_keep_trying(hub, room, command))
        else:
            _settled(room, command)
        raise
    _settled(room, command)
    return decided.decision


async def _keep_trying(hub: Hub, room: Room, command: Decide) -> None:
    attempt = 0
    while True:
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        attempt += 1
        again = command.model_copy(update={"id": new_id(), "replyto": hub.address})
        try:
            await hub.requests.ask(room.consent_queue, again, Decided)
        except Refused as refused:
            if refused.code is Code.UNAVAILABLE:
                continue
            log.warning("withdrawal_refused", code=refused.code, conversation=room.id)
        _settled(room, command)
        return
