"""Sessions to come: scheduled, changed, called off; started, or missed when nobody did in the tenant's time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from services.session import errors
from services.session.domain import scheduling as domain
from services.session.domain.heads import Head
from services.session.domain.times import local_moment, require_to_come
from services.session.handlers.records import Feature, Step
from services.session.store import Store
from services.session.store.due import Due
from services.session.store.records import Records
from services.session.store.scheduling import Kept, Schedule, Time
from shared.contracts.features import scheduling as c
from shared.contracts.ids import Purpose, new_id, rfc3339
from shared.runtime.postgres import Connection


async def _kept(tx: Connection, conversation: str, session: str) -> Kept:
    found = await Schedule(tx).scheduled(conversation, session)
    if found is None:
        raise errors.not_found("session")
    return found


def _time(step: Step, command: c.ScheduleSession) -> Time:
    """Raises `Refused`: ``past_time``, ``bad_frame``."""
    starts_at = local_moment(command.when.at, command.when.zone, "when")
    require_to_come(starts_at, step.head.now, "when")
    return Time(command.when, command.minutes, starts_at, command.grace, new_id())


async def _set_timer(step: Step, session: str, time: Time) -> None:
    miss = c.MissSession(
        tenant=step.head.tenant,
        replyto="",
        conversation=step.head.id,
        participant=step.head.therapist,
        record=time.timer,
        fingerprint=sha256(session.encode()).hexdigest(),
        session=session,
    )
    await Due(step.tx).put(time.starts_at + timedelta(minutes=time.grace), miss)


async def schedule(step: Step, command: c.ScheduleSession) -> None:
    """A session, or another time for one.

    Raises `Refused`: ``forbidden``, ``not_found``, ``wrong_state``, ``past_time``, ``bad_frame`` (no such time),
    ``conflict`` (a session has this id already).
    """
    step.require("therapist")
    time = _time(step, command)
    kept = Schedule(step.tx)
    new = command.revision == 0
    if new:
        if await Store(step.tx).session(step.head.id, command.session) is not None:
            raise errors.conflict()
        after = domain.Scheduled(command.session, "scheduled", 1)
    else:
        before = await _kept(step.tx, step.head.id, command.session)
        after = domain.reschedule(before.scheduled, command.revision)
        await Due(step.tx).take_out(step.head.id, before.timer)
    fact = step.record(
        c.SessionScheduledFact,
        kind="session.scheduled" if new else "session.rescheduled",
        session=after.id,
        revision=after.revision,
        when=command.when,
        minutes=command.minutes,
        starts_at=rfc3339(time.starts_at),
    )
    if new:
        await kept.schedule(step.head.tenant, step.head.id, after.id, fact.n, time, step.head.last_at)
    else:
        await kept.reschedule(step.head.id, after, time, step.head.last_at)
    await _set_timer(step, after.id, time)


async def cancel(step: Step, command: c.CancelSession) -> None:
    """Raises `Refused`: ``not_found``, ``wrong_state``."""
    before = await _kept(step.tx, step.head.id, command.session)
    after = domain.end(before.scheduled, "cancelled", command.revision)
    await Due(step.tx).take_out(step.head.id, before.timer)
    step.record(c.SessionOffFact, kind="session.cancelled", session=after.id)
    await Schedule(step.tx).change(step.head.id, after, step.head.last_at)


async def miss(step: Step, command: c.MissSession) -> None:
    """Its time is over, and it is missed; unless they are in a session, which then is this one.

    Raises `Refused` (``wrong_state``): it was changed when this was on its way already.
    """
    before = await _kept(step.tx, step.head.id, command.session)
    if before.timer != command.record:
        raise errors.wrong_state({"state": before.scheduled.state, "revision": before.scheduled.revision})
    running = await Store(step.tx).running_session(step.head.id)
    if running is not None and domain.may_be(running.started_at, step.head.now):
        after = domain.end(before.scheduled, "started")
        await Schedule(step.tx).change(step.head.id, after, step.head.next_at(), running.id)
        return
    after = domain.end(before.scheduled, "missed")
    step.record(c.SessionOffFact, kind="session.missed", session=after.id)
    await Schedule(step.tx).change(step.head.id, after, step.head.last_at)


async def listed(tx: Connection, head: Head, command: c.ListScheduled) -> c.ScheduledListed:
    found, more = await Schedule(tx).listed(head.id, command.before, command.limit, only_open=command.open)
    return c.ScheduledListed(causationid=command.id, sessions=found, more=more)


async def at_start(tx: Connection, head: Head, session: str) -> None:
    """A session starts: the one that was scheduled under this id, or else the one whose time it is.

    Raises `Refused` (``wrong_state``): it was called off, or is missed.
    """
    kept = Schedule(tx)
    found = await kept.scheduled(head.id, session) or await kept.begun_now(head.id, head.now)
    if found is None:
        return
    after = domain.end(found.scheduled, "started")
    await Due(tx).take_out(head.id, found.timer)
    await kept.change(head.id, after, head.last_at, session if session != after.id else None)


async def disclaim(
    tx: Connection, head: Head, session: str, starter: str, outdated: Mapping[str, Sequence[Purpose]]
) -> c.SessionDisclaimerFact | None:
    """What is to be shown again as a session starts, recorded; None: nothing is. The caller raises the head."""
    if not outdated:
        return None
    at = head.next_at()
    fact = c.SessionDisclaimerFact(
        n=head.next_n(),
        record=new_id(),
        sender=starter,
        at=rfc3339(at),
        session=session,
        forms={who: list(purposes) for who, purposes in outdated.items()},
    )
    await Records(tx).insert(head.id, fact, at, None)
    return fact


async def empty(tx: Connection, conversation: str) -> None:
    await Schedule(tx).empty(conversation)


FEATURE = Feature(
    writes={c.ScheduleSession: schedule, c.CancelSession: cancel, c.MissSession: miss},
    reads={c.ListScheduled: listed},
    empty=empty,
)
