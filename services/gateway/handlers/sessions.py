"""Sessions: the therapist starts, either ends. Informed consent is asked of the consent service."""

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.commands import EndSession, StartSession
from shared.contracts.consent_commands import ReadDecisions
from shared.contracts.consent_events import DecisionsRead
from shared.contracts.errors import Code, Refused
from shared.contracts.events import SessionAccepted
from shared.contracts.frames import client
from shared.contracts.ids import new_id


async def start(hub: Hub, room: Room, connection: Connection, frame: client.SessionStart) -> SessionAccepted:
    """Raises `Refused`: ``forbidden``, ``consent_required``."""
    asking = ReadDecisions(tenant=room.tenant, replyto=hub.address, conversation=room.id)
    in_force = (await hub.requests.ask(room.consent_queue, asking, DecisionsRead)).in_force
    missing = []
    for participant in room.roles:
        value = in_force.get(participant, {}).get("informed_consent")
        granted = value is not None and value.state == "granted"
        room.uses.count(participant, "informed_consent", 0 if value is None else value.epoch, through=granted)
        if not granted:
            missing.append(participant)
    command = StartSession(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        session=frame.session or new_id(),
        missing=missing,
    )
    return await hub.requests.ask(hub.session_queue(room.id), command, SessionAccepted)


async def end(hub: Hub, room: Room, connection: Connection) -> SessionAccepted:
    """Raises `Refused` (``conflict``: none runs)."""
    command = EndSession(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=connection.participant
    )
    return await hub.requests.ask(hub.session_queue(room.id), command, SessionAccepted)


def require_therapist(connection: Connection) -> None:
    """Raises `Refused` (``forbidden``)."""
    if not connection.is_therapist:
        raise Refused(Code.FORBIDDEN)
