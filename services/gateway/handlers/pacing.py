"""Pacing, as people ask for it, and on its way to them."""

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.records import Feature
from services.gateway.handlers.room import Room
from shared.contracts.events import Done
from shared.contracts.features.pacing import (
    MuteOffers,
    PacingGet,
    PacingMute,
    PacingOffered,
    PacingOfferFrame,
    PacingOk,
    PacingRead,
    PacingSeries,
    PacingSeriesOk,
    PacingSeriesRead,
    PacingUpdated,
    PacingUpdatedFrame,
    ReadPacing,
    ReadPacingSeries,
)
from shared.contracts.frames import server

PAGE = 50


async def _get(hub: Hub, room: Room, connection: Connection, frame: PacingGet, ref: str) -> PacingOk:
    """Raises `Refused` (``not_found``: no such session)."""
    command = ReadPacing(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        session=frame.session,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, PacingRead)
    muted = reply.muted if connection.is_therapist else None
    return PacingOk(ref=ref, participants=reply.figures.participants, ratios=reply.figures.ratios, muted=muted)


async def _series(hub: Hub, room: Room, connection: Connection, frame: PacingSeries, ref: str) -> PacingSeriesOk:
    command = ReadPacingSeries(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, PacingSeriesRead)
    return PacingSeriesOk(ref=ref, sessions=reply.sessions, more=reply.more)


async def _mute(hub: Hub, room: Room, connection: Connection, frame: PacingMute, ref: str) -> server.Ok:
    command = MuteOffers(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        muted=frame.muted,
    )
    await hub.requests.ask(hub.session_queue(room.id), command, Done)
    return server.Ok(ref=ref)


FEATURE = Feature(
    answers={PacingGet: _get, PacingSeries: _series, PacingMute: _mute},
    only={PacingMute: "therapist"},
    notices={PacingUpdated: PacingUpdatedFrame, PacingOffered: PacingOfferFrame},
)
