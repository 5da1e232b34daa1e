"""Sessions that are to come. After which time one is missed is the tenant's to say."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.records import Asked, Feature
from services.gateway.store import MISSED_MIN
from shared.contracts.features import scheduling as c

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room

PAGE = 50


async def _grace(asked: Asked) -> int:
    tenant = await asked.hub.tenants.find(asked.room.tenant)
    return MISSED_MIN if tenant is None else tenant.missed_min


async def _schedule(asked: Asked, frame: c.SessionSchedule) -> c.ScheduleSession:
    return c.ScheduleSession(
        **asked.base,
        session=asked.record,
        revision=0,
        when=frame.when,
        minutes=frame.minutes,
        grace=await _grace(asked),
    )


async def _reschedule(asked: Asked, frame: c.SessionReschedule) -> c.ScheduleSession:
    return c.ScheduleSession(
        **asked.base,
        session=frame.session,
        revision=frame.revision,
        when=frame.when,
        minutes=frame.minutes,
        grace=await _grace(asked),
    )


def _cancel(asked: Asked, frame: c.SessionCancel) -> c.CancelSession:
    return c.CancelSession(**asked.base, session=frame.session, revision=frame.revision)


async def listed(
    hub: "Hub", room: "Room", participant: str, limit: int, before: str | None = None, *, only_open: bool = False
) -> c.ScheduledListed:
    question = c.ListScheduled(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=participant,
        open=only_open,
        before=before,
        limit=limit,
    )
    return await hub.requests.ask(hub.session_queue(room.id), question, c.ScheduledListed)


async def _list(hub: "Hub", room: "Room", connection: Connection, frame: c.SessionList, ref: str) -> c.ScheduledOk:
    reply = await listed(
        hub, room, connection.participant, frame.limit or PAGE, frame.before, only_open=bool(frame.open)
    )
    return c.ScheduledOk(ref=ref, sessions=reply.sessions, more=reply.more)


FEATURE = Feature(
    builds={c.SessionSchedule: _schedule, c.SessionReschedule: _reschedule, c.SessionCancel: _cancel},
    answers={c.SessionList: _list},
    only={c.SessionSchedule: "therapist", c.SessionReschedule: "therapist"},
)
