"""Sessions: the therapist starts, either ends. Informed consent is asked of the consent service."""

import asyncio
from collections.abc import Sequence

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.commands import EndSession, StartSession
from shared.contracts.consent_commands import ListForms, ReadDecisions
from shared.contracts.consent_events import DecisionsRead, FormsListed
from shared.contracts.errors import Code, Refused
from shared.contracts.events import SessionAccepted
from shared.contracts.frames import client
from shared.contracts.frames.values import FormVersionValue
from shared.contracts.ids import PURPOSES, Purpose, new_id


async def start(hub: Hub, room: Room, connection: Connection, frame: client.SessionStart) -> SessionAccepted:
    """Raises `Refused`: ``forbidden``, ``consent_required``."""
    asking = ReadDecisions(tenant=room.tenant, replyto=hub.address, conversation=room.id)
    decided, forms = await asyncio.gather(
        hub.requests.ask(room.consent_queue, asking, DecisionsRead),
        hub.requests.ask(
            hub.consent_queue(room.tenant), ListForms(tenant=room.tenant, replyto=hub.address), FormsListed
        ),
    )
    in_force = decided.in_force
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
        outdated=outdated(decided, forms.forms),
    )
    return await hub.requests.ask(hub.session_queue(room.id), command, SessionAccepted)


def outdated(decided: DecisionsRead, forms: Sequence[FormVersionValue]) -> dict[str, list[Purpose]]:
    """What each person has agreed to in a form of which there is a newer version by now."""
    newest = {purpose: max((f.version for f in forms if f.purpose == purpose), default=0) for purpose in PURPOSES}
    found: dict[str, list[Purpose]] = {}
    for decision in decided.decisions:
        now = decided.in_force.get(decision.participant, {}).get(decision.purpose)
        stands = now is not None and now.state == "granted" and now.epoch == decision.epoch
        if stands and decision.version is not None and decision.version < newest[decision.purpose]:
            found.setdefault(decision.participant, []).append(decision.purpose)
    return found


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
