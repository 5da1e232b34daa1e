"""Who left a conversation, what was reported of it, who is away from it, and when somebody wants to hear nothing."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.contracts.features.leaving import ReportConversation, StoredReport
from shared.contracts.features.quiet import QuietHours
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "leaving.sql")


@dataclass(frozen=True, slots=True)
class Absence:
    """``record`` and ``content``: what is said meanwhile, as it was recorded."""

    since: datetime
    until: datetime | None
    timer: str | None
    record: str
    content: str


class Leaving:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def set_left(self, conversation: str, by: str | None) -> None:
        await self._tx.execute(_sql["set_left"], conversation, by)

    async def insert_report(self, command: ReportConversation, at: datetime) -> None:
        await self._tx.execute(
            _sql["insert_report"],
            command.tenant,
            command.conversation,
            command.record,
            command.participant,
            command.reason,
            at,
            None if command.content is None else b64decode(command.content),
        )

    async def reports(self, tenant: str, after: int, limit: int) -> list[StoredReport]:
        return [
            StoredReport(
                number=row["number"],
                report=str(row["report"]),
                conversation=str(row["conversation"]),
                participant=str(row["participant"]),
                reason=row["reason"],
                at=rfc3339(row["at"]),
                content=None if row["content"] is None else b64encode(row["content"]).decode(),
            )
            for row in await self._tx.fetch(_sql["list_reports"], tenant, after, limit)
        ]

    async def absence(self, conversation: str) -> Absence | None:
        row = await self._tx.fetchrow(_sql["absence"], conversation)
        if row is None:
            return None
        timer = None if row["timer"] is None else str(row["timer"])
        content = b64encode(row["content"]).decode()
        return Absence(row["at"], row["until"], timer, str(row["record"]), content)

    async def set_absence(
        self, tenant: str, conversation: str, n: int, until: datetime | None, timer: str | None
    ) -> None:
        await self._tx.execute(_sql["set_absence"], tenant, conversation, n, until, timer)

    async def clear_absence(self, conversation: str) -> None:
        await self._tx.execute(_sql["clear_absence"], conversation)

    async def set_quiet(self, tenant: str, conversation: str, participant: str, hours: QuietHours | None) -> None:
        if hours is None:
            await self._tx.execute(_sql["clear_quiet"], conversation, participant)
            return
        told = hours.starts, hours.ends, hours.zone
        await self._tx.execute(_sql["set_quiet"], tenant, conversation, participant, *told)

    async def quiet(self, conversation: str, participant: str) -> QuietHours | None:
        row = await self._tx.fetchrow(_sql["quiet"], conversation, participant)
        return None if row is None else QuietHours(**row)

    async def quiet_of_all(self, conversation: str) -> list[QuietHours]:
        return [QuietHours(**row) for row in await self._tx.fetch(_sql["quiet_of_all"], conversation)]

    async def empty(self, conversation: str) -> None:
        for query in ("empty_reports", "clear_absence", "empty_quiet"):
            await self._tx.execute(_sql[query], conversation)
