"""Commands whose time comes later: put aside in the transaction that decides it, sent to their queue when due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.contracts.commands import SendPlanned
from shared.contracts.records import RecordCommand
from shared.runtime import tenants
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "due.sql")


@dataclass(frozen=True, slots=True)
class Came:
    """What has come due. ``command``: JSON."""

    conversation: str
    record: str
    command: str


class Due:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def put(self, at: datetime, command: RecordCommand | SendPlanned) -> None:
        """To be sent at that time; in place of one with the same ``record``. ``replyto`` is empty: nobody waits."""
        await self._tx.execute(
            _sql["put"], command.tenant, command.conversation, command.record, at, command.model_dump_json()
        )

    async def take_out(self, conversation: str, record: str) -> None:
        await self._tx.execute(_sql["take_out"], conversation, record)

    async def empty(self, conversation: str) -> None:
        await self._tx.execute(_sql["empty_due"], conversation)

    async def come(self, limit: int) -> list[Came]:
        """What is due, locked, without what another has in hand. The transaction sees its tenants from then on."""
        came = await self._tx.fetch(_sql["came_due"], limit)
        if not came:
            return []
        await tenants.become(self._tx, {str(row["tenant"]) for row in came})
        which = [row["conversation"] for row in came], [row["record"] for row in came]
        rows = await self._tx.fetch(_sql["take_in_hand"], *which)
        return [Came(str(row["conversation"]), str(row["record"]), row["command"]) for row in rows]

    async def sent(self, came: Sequence[Came]) -> None:
        await self._tx.execute(_sql["sent"], [one.conversation for one in came], [one.record for one in came])
