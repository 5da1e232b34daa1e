"""What the session service keeps of agreements: how each stands, and when to remind of it."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from services.session.domain.agreements import Agreement
from shared.contracts.features.agreements import StoredAgreement
from shared.contracts.frames.values import LocalMoment
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

PAGE_BYTES = 150_000

_sql = Queries(Path(__file__).parent.parent / "sql" / "agreements.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """An agreement as it is kept. ``reminder``: the record of the one that both want, while it is to come."""

    agreement: Agreement
    remind: LocalMoment | None
    reminder: str | None


@dataclass(frozen=True, slots=True)
class Worded:
    """A wording's place, and what of it isn't text."""

    n: int
    author: str
    until: datetime | None
    remind: LocalMoment | None
    at: datetime

    def columns(self) -> tuple[datetime | None, str | None, str | None, datetime]:
        at, zone = (None, None) if self.remind is None else (self.remind.at, self.remind.zone)
        return self.until, at, zone, self.at


def _remind(row: asyncpg.Record) -> LocalMoment | None:
    return None if row["remind_at"] is None else LocalMoment(at=row["remind_at"], zone=row["remind_zone"])


class Agreements:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def agreement(self, conversation: str, agreement: str) -> Kept | None:
        row = await self._tx.fetchrow(_sql["agreement"], conversation, agreement)
        if row is None:
            return None
        found = Agreement(str(row["agreement"]), row["state"], row["wording"], str(row["author"]))
        return Kept(found, _remind(row), str(row["reminder"]) if row["reminder"] else None)

    async def propose(self, tenant: str, conversation: str, agreement: str, worded: Worded) -> None:
        await self._tx.execute(
            _sql["propose"], tenant, conversation, agreement, worded.n, worded.author, *worded.columns()
        )

    async def revise(self, conversation: str, revised: Agreement, worded: Worded) -> None:
        await self._tx.execute(
            _sql["revise"], conversation, revised.id, revised.wording, worded.n, worded.author, *worded.columns()
        )

    async def change(
        self, conversation: str, changed: Agreement, at: datetime, *, reminder: str | None, how: str | None = None
    ) -> None:
        await self._tx.execute(_sql["change"], conversation, changed.id, changed.state, reminder, how, at)

    async def listed(
        self, conversation: str, before: str | None, limit: int, *, only_open: bool
    ) -> tuple[list[StoredAgreement], bool]:
        """The newest first, and whether there are more."""
        rows = await self._tx.fetch(_sql["list_agreements"], conversation, only_open, before, limit + 1)
        fitting = [row for index, row in enumerate(rows[:limit]) if index == 0 or row["size"] <= PAGE_BYTES]
        found = [
            StoredAgreement(
                agreement=str(row["agreement"]),
                state=row["state"],
                wording=row["wording"],
                author=str(row["author"]),
                until=None if row["until"] is None else rfc3339(row["until"]),
                remind=_remind(row),
                will_remind=row["reminder"] is not None,
                how=row["how"],
                changed_at=rfc3339(row["changed_at"]),
                worded=str(row["worded"]),
                content=b64encode(row["content"]).decode(),
            )
            for row in fitting
        ]
        return found, len(fitting) < len(rows)

    async def empty(self, conversation: str) -> None:
        await self._tx.execute(_sql["empty_agreements"], conversation)

    async def to_look_at_again(self, conversation: str, now: datetime, limit: int) -> list[str]:
        rows = await self._tx.fetch(_sql["to_look_at_again"], conversation, now, limit)
        return [str(row["agreement"]) for row in rows]
