"""Consent: forms, grants and withdrawals. A withdrawal takes effect here at once, and is recorded as soon as can be."""

import asyncio

import structlog

from services.gateway.egress import receipts
from services.gateway.handlers import live, uses
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.consent_commands import (
    Decide,
    DecisionPlace,
    ReadForm,
    ReadForms,
    ReadLogKey,
    ReadProof,
    ReadRecord,
)
from shared.contracts.consent_events import (
    Decided,
    DecisionValue,
    FormRead,
    FormsRead,
    LogKeyRead,
    ProofRead,
    RecordRead,
)
from shared.contracts.errors import Code, Refused
from shared.contracts.frames import client, server
from shared.contracts.frames.values import FormValue, RecordValue
from shared.contracts.ids import FIRST_OF_GENERATION, Purpose, new_id

log = structlog.get_logger()

RETRY_S = (0.5, 1.0, 2.0, 5.0)


async def forms(hub: Hub, room: Room, connection: Connection, ref: str) -> server.Ok:
    command = ReadForms(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=connection.participant
    )
    reply = await hub.requests.ask(room.consent_queue, command, FormsRead)
    return server.Ok(ref=ref, forms=reply.forms)


def _pseudonym(hub: Hub, room: Room, connection: Connection) -> str:
    """A device's name may say whose it is (``Anna's phone``): recorded is only whether it is the same one."""
    return hub.keys.index(room.tenant, "device", connection.participant, connection.device)


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
        device=_pseudonym(hub, room, connection),
        expires_at=frame.expires_at,
    )
    return (await hub.requests.ask(room.consent_queue, command, Decided)).decision


def require_own(connection: Connection, frame: client.ConsentGrant | client.ConsentWithdraw) -> None:
    """Nobody decides for somebody else here. Raises `Refused` (``forbidden``)."""
    if frame.participant not in (None, connection.participant):
        raise Refused(Code.FORBIDDEN, {"field": "participant"})


def stop(hub: Hub, room: Room, participant: str, purpose: Purpose) -> None:
    """The first half of a withdrawal: an author's live text ends here and, told directly, at the other gateways."""
    if purpose == "live_text":
        room.withdrawn.add(participant)
        hub.peers.withdrawn(room, participant)
        live.silence(hub, room, participant)
    if purpose == "composition_replay":
        room.unkept.add(participant)
        hub.keeping.drop(room, participant)


def restored(hub: Hub, queue: str, generation: int) -> list[Room]:
    """The consent database came from a backup: what was granted before is in force no more, whatever is known here.

    Returns:
        the rooms that know less than the service now; none, where that generation isn't news.
    """
    if generation <= hub.generations.get(queue, 0):
        return []
    hub.generations[queue] = generation
    rooms = [room for room in hub.rooms.values() if room.consent_queue == queue]
    for room in rooms:
        live.learn_all(hub, room, room.revoke(generation * FIRST_OF_GENERATION))
    return rooms


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
        device=_pseudonym(hub, room, connection),
    )
    # Its own task: who withdraws may close the window at once, and the withdrawal stands all the same.
    return await asyncio.shield(hub.spawn(record(hub, room, command)))


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
            who = None if command.via == "partner" else command.participant
            hub.audit.note(refused, room.tenant, room.id, who, "consent.withdraw")
        _settled(room, command)
        return


# --- a person's record -----------------------------------------------------------------------------------------------


async def history(hub: Hub, room: Room, connection: Connection, frame: client.ConsentHistory, ref: str) -> server.Ok:
    """One's own decisions here; what this gateway counted so far goes before the question.

    Raises:
        Refused: ``not_found``, naming ``before``.
    """
    uses.send(hub, room)
    command = ReadRecord(
        tenant=room.tenant,
        replyto=hub.address,
        participant=connection.participant,
        conversation=room.id,
        before=None if frame.before is None else DecisionPlace(conversation=room.id, decision=frame.before),
    )
    reply = await hub.requests.ask(room.consent_queue, command, RecordRead)
    return server.Ok(ref=ref, decisions=reply.decisions, more=reply.more)


async def receipted(hub: Hub, room: Room, connection: Connection, frame: client.ConsentReceipt, ref: str) -> server.Ok:
    """Raises `Refused` (``not_found``): there is no such decision of one's own."""
    made = await receipt(hub, room.tenant, room.id, frame.decision, connection.participant)
    return server.Ok(ref=ref, receipt=made, html=receipts.html(made))


async def decided(
    hub: Hub, tenant: str, conversation: str, decision: str, participant: str | None = None
) -> RecordValue:
    """A decision with all that is known of it. Raises `Refused` (``not_found``)."""
    command = ReadRecord(
        tenant=tenant, replyto=hub.address, participant=participant, conversation=conversation, decision=decision
    )
    found = (await hub.requests.ask(hub.consent_queue(conversation), command, RecordRead)).decisions
    if not found:
        raise Refused(Code.NOT_FOUND, {"field": "decision"})
    return found[0]


async def receipt(hub: Hub, tenant: str, conversation: str, decision: str, participant: str | None) -> receipts.Receipt:
    """A receipt with the exact text, the proof and the key. Raises `Refused` (``not_found``)."""
    record = await decided(hub, tenant, conversation, decision, participant)
    queue, address = hub.consent_queue(tenant), hub.address
    asked = ReadProof(tenant=tenant, replyto=address, decision=decision, conversation=conversation)
    proof, key, form = await asyncio.gather(
        hub.requests.ask(queue, asked, ProofRead),
        hub.requests.ask(queue, ReadLogKey(tenant=tenant, replyto=address), LogKeyRead),
        _form(hub, tenant, record),
    )
    newest = key.key.partition("\n")[0]
    return receipts.make(record, form, proof.proof, newest, hub.settings.public_url.rstrip("/"))


async def _form(hub: Hub, tenant: str, record: RecordValue) -> FormValue | None:
    if record.sha256 is None:
        return None
    command = ReadForm(tenant=tenant, replyto=hub.address, sha256=record.sha256)
    return (await hub.requests.ask(hub.consent_queue(tenant), command, FormRead)).form
