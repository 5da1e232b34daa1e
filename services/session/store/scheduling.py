"""What the session service keeps of sessions that are scheduled."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from services.session.domain.scheduling import Scheduled
from shared.contracts.features.scheduling import ScheduledValue
from shared.contracts.frames.values import LocalMoment
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "scheduling.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """``timer``: the record of the command that makes it missed."""

    scheduled: Scheduled
    timer: str


@dataclass(frozen=True, slots=True)
class Time:
    """What was set: when, for how long, and after how many minutes it is missed."""

    when: LocalMoment
    minutes: int
    starts_at: datetime
    grace: int
    timer: str


def _kept(row: asyncpg.Record | None) -> Kept | None:
    if row is None:
        return None
    return Kept(Scheduled(str(row["session"]), row["state"], row["revision"]), str(row["timer"]))


def _value(row: asyncpg.Record) -> ScheduledValue:
    return ScheduledValue(
        session=str(row["session"]),
        state=row["state"],
        revision=row["revision"],
        when=LocalMoment(at=row["at_local"], zone=row["zone"]),
        minutes=row["minutes"],
        starts_at=rfc3339(row["starts_at"]),
        held_as=None if row["held_as"] is None else str(row["held_as"]),
        changed_at=rfc3339(row["changed_at"]),
    )


class Schedule:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def scheduled(self, conversation: str, session: str) -> Kept | None:
        return _kept(await self._tx.fetchrow(_sql["scheduled"], conversation, session))

    async def begun_now(self, conversation: str, now: datetime) -> Kept | None:
        """The one that a session is which starts now without naming any."""
        return _kept(await self._tx.fetchrow(_sql["begun_now"], conversation, now))

    async def schedule(self, tenant: str, conversation: str, session: str, n: int, time: Time, at: datetime) -> None:
        await self._tx.execute(
            _sql["schedule"],
            tenant,
            conversation,
            session,
            n,
            time.when.at,
            time.when.zone,
            time.minutes,
            time.starts_at,
            time.grace,
            time.timer,
            at,
        )

    async def reschedule(self, conversation: str, after: Scheduled, time: Time, at: datetime) -> None:
        await self._tx.execute(
            _sql["reschedule"],
            conversation,
            after.id,
            after.revision,
            time.when.at,
            time.when.zone,
            time.minutes,
            time.starts_at,
            time.grace,
            time.timer,
            at,
        )

    async def change(self, conversation: str, after: Scheduled, at: datetime, held_as: str | None = None) -> None:
        await self._tx.execute(_sql["change_scheduled"], conversation, after.id, after.state, held_as, at)

    async def listed(
        self, conversation: str, before: str | None, limit: int, *, only_open: bool
    ) -> tuple[list[ScheduledValue], bool]:
        rows = await self._tx.fetch(_sql["list_scheduled"], conversation, only_open, before, limit + 1)
        return [_value(row) for row in rows[:limit]], len(rows) > limit

    async def empty(self, conversation: str) -> None:
        """Nothing is left that says when they met, or didn't."""
        await self._tx.execute(_sql["empty_scheduled"], conversation)
