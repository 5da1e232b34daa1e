"""What the session service keeps of safety: raises, the plan's versions, which questions were answered."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from services.session.domain.safety import Raise
from shared.contracts.features.safety import RaisePlace, StoredRaise, TenantRaise
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

PAGE_BYTES = 150_000

_sql = Queries(Path(__file__).parent.parent / "sql" / "safety.sql")


def _moment(found: datetime | None) -> str | None:
    return None if found is None else rfc3339(found)


def _open(row: asyncpg.Record) -> OpenRaise:
    return OpenRaise(
        raised=str(row["raised"]),
        sender=str(row["sender"]),
        at=rfc3339(row["raised_at"]),
        escalated_at=_moment(row["escalated_at"]),
    )


def _summary(row: asyncpg.Record) -> dict[str, Any]:
    return {
        **_open(row).model_dump(by_alias=False),
        "acknowledged_at": _moment(row["acknowledged_at"]),
        "acknowledged_by": None if row["acknowledged_by"] is None else str(row["acknowledged_by"]),
    }


def _content(row: asyncpg.Record) -> str | None:
    return None if row["content"] is None else b64encode(row["content"]).decode()


@dataclass(frozen=True, slots=True)
class Plan:
    """A version of the plan; its content is sealed as ``record``."""

    version: int
    author: str
    at: datetime
    record: str
    content: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Which questions were answered last; the content is sealed as ``record``."""

    version: int
    at: datetime
    record: str
    content: str | None


class Safety:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    # --- raises ----------------------------------------------------------------------------------------------------

    async def raise_(self, conversation: str, raised: str) -> Raise | None:
        row = await self._tx.fetchrow(_sql["raise"], conversation, raised)
        if row is None:
            return None
        return Raise(
            str(row["raised"]),
            str(row["sender"]),
            row["raised_at"],
            str(row["escalation"]),
            row["escalated_at"],
            row["acknowledged_at"],
            None if row["acknowledged_by"] is None else str(row["acknowledged_by"]),
        )

    async def count_open(self, conversation: str, sender: str) -> int:
        found: int = await self._tx.fetchval(_sql["count_open"], conversation, sender)
        return found

    async def insert_raise(self, tenant: str, conversation: str, n: int, made: Raise) -> None:
        await self._tx.execute(
            _sql["insert_raise"], tenant, conversation, made.id, n, made.sender, made.raised_at, made.escalation
        )

    async def acknowledge(self, conversation: str, raised: str, at: datetime, by: str) -> None:
        await self._tx.execute(_sql["acknowledge"], conversation, raised, at, by)

    async def escalate(self, conversation: str, raised: str, at: datetime) -> None:
        await self._tx.execute(_sql["escalate"], conversation, raised, at)

    async def open_raises(self, conversation: str, limit: int) -> list[OpenRaise]:
        """What nobody has acknowledged, the newest first."""
        return [_open(row) for row in await self._tx.fetch(_sql["open_raises"], conversation, limit)]

    async def raises(
        self, conversation: str, before: str | None, limit: int, *, only_open: bool
    ) -> tuple[list[StoredRaise], bool]:
        """The newest first, and whether there are more."""
        rows = await self._tx.fetch(_sql["list_raises"], conversation, only_open, before, limit + 1)
        fitting = [row for index, row in enumerate(rows[:limit]) if index == 0 or row["size"] <= PAGE_BYTES]
        return [StoredRaise(**_summary(row), content=_content(row)) for row in fitting], len(fitting) < len(rows)

    async def has_tenant_raise(self, tenant: str, place: RaisePlace) -> bool:
        found: bool = await self._tx.fetchval(_sql["has_tenant_raise"], tenant, place.conversation, place.raised)
        return found

    async def tenant_raises(
        self, tenant: str, after: RaisePlace | None, limit: int, *, only_open: bool
    ) -> tuple[list[TenantRaise], bool]:
        """The oldest first, and whether there are more."""
        place = (None, None) if after is None else (after.conversation, after.raised)
        rows = await self._tx.fetch(_sql["list_tenant_raises"], tenant, only_open, *place, limit + 1)
        found = [
            TenantRaise(**_summary(row), conversation=str(row["conversation"]), role=row["role"])
            for row in rows[:limit]
        ]
        return found, len(rows) > limit

    # --- the plan, and suitability ---------------------------------------------------------------------------------

    async def newest_plan(self, conversation: str) -> int:
        found: int = await self._tx.fetchval(_sql["newest_plan"], conversation)
        return found

    async def plan(self, conversation: str, version: int) -> Plan | None:
        row = await self._tx.fetchrow(_sql["plan"], conversation, version)
        if row is None:
            return None
        return Plan(row["version"], str(row["author"]), row["saved_at"], str(row["record"]), _content(row))

    async def insert_plan(
        self, tenant: str, conversation: str, version: int, n: int, author: str, at: datetime
    ) -> None:
        await self._tx.execute(_sql["insert_plan"], tenant, conversation, version, n, author, at)

    async def put_suitability(self, tenant: str, conversation: str, version: int, n: int, at: datetime) -> None:
        await self._tx.execute(_sql["put_suitability"], tenant, conversation, version, n, at)

    async def suitability(self, conversation: str) -> Answered | None:
        row = await self._tx.fetchrow(_sql["suitability"], conversation)
        return None if row is None else Answered(row["version"], row["answered_at"], str(row["record"]), _content(row))

    async def empty(self, conversation: str) -> None:
        for query in ("empty_raises", "empty_plans", "empty_suitability"):
            await self._tx.execute(_sql[query], conversation)
