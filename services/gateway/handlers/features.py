"""The features of the gateway: one line for each. ARCHITECTURE.md, "Adding a feature"."""

from services.gateway.handlers import (
    absence,
    agreements,
    attunement,
    calendars,
    exercises,
    interventions,
    later,
    leaving,
    pacing,
    records,
    safety,
    safety_plan,
    scheduling,
    suitability,
    summaries,
    symbols,
    taking_back,
)
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.records import Feature
from services.gateway.handlers.room import Room
from shared.contracts import features
from shared.contracts.errors import Code, Refused
from shared.contracts.features.safety import SafetyAlert
from shared.contracts.frames.base import Answer, Lasting
from shared.contracts.frames.values import Value
from shared.contracts.records import Notice

FEATURES: tuple[Feature, ...] = (
    taking_back.FEATURE,
    interventions.FEATURE,
    symbols.FEATURE,
    attunement.FEATURE,
    pacing.FEATURE,
    exercises.FEATURE,
    agreements.FEATURE,
    safety.FEATURE,
    safety_plan.FEATURE,
    suitability.FEATURE,
    scheduling.FEATURE,
    summaries.FEATURE,
    later.FEATURE,
    leaving.FEATURE,
    absence.FEATURE,
    calendars.FEATURE,
)

BUILDS = {frame: build for feature in FEATURES for frame, build in feature.builds.items()}
ANSWERS = {frame: reply for feature in FEATURES for frame, reply in feature.answers.items()}
ONLY = {frame: role for feature in FEATURES for frame, role in feature.only.items()}
UNLIMITED = frozenset(frame for feature in FEATURES for frame in feature.unlimited)
NOTICES = {notice: frame for feature in FEATURES for notice, frame in feature.notices.items()}


def require_role(connection: Connection, frame: features.ClientFrame) -> None:
    """Raises `Refused` (``forbidden``)."""
    only = ONLY.get(type(frame))
    if only is not None and connection.claims.role != only:
        raise Refused(Code.FORBIDDEN)


async def answer(hub: Hub, room: Room, connection: Connection, frame: features.ClientFrame, ref: str) -> Answer:
    """Raises `Refused`, as the feature says."""
    reply = ANSWERS.get(type(frame))
    if reply is not None:
        return await reply(hub, room, connection, frame, ref)
    assert isinstance(frame, Lasting)
    return await records.ask(hub, room, connection, frame, ref, BUILDS[type(frame)])


def noticed(room: Room, notice: Notice) -> None:
    """Tell those whom it is for, who are connected here."""
    frame: Value | None
    if isinstance(notice, SafetyAlert):
        frame = safety.alerted(room, notice)
    else:
        kind = NOTICES[type(notice)]  # its members are the notice's own, of the same types
        frame = kind(**{name: getattr(notice, name) for name in kind.model_fields if name != "type"})
    if frame is None:
        return
    payload = frame.model_dump_json().encode()
    for connection in room.connections.values():
        if notice.audience in (None, connection.claims.role):
            connection.outgoing.send(payload)
