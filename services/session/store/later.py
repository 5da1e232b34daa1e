"""Messages that wait for their time, and the requests that are one person's own."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from shared.contracts.commands import SendMessage
from shared.contracts.features.later import State, StoredLater
from shared.contracts.ids import rfc3339
from shared.contracts.records import OwnCommand
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "later.sql")


@dataclass(frozen=True, slots=True)
class Planned:
    """``command``: what sends it; None: it doesn't wait any more."""

    message: str
    author: str
    state: State
    wording: int
    send_at: datetime
    timer: str
    command: SendMessage | None


def _planned(row: asyncpg.Record) -> Planned:
    command = None if row["command"] is None else SendMessage.model_validate_json(row["command"])
    return Planned(
        str(row["message"]),
        str(row["author"]),
        row["state"],
        row["wording"],
        row["send_at"],
        str(row["timer"]),
        command,
    )


class Later:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def planned(self, conversation: str, message: str) -> Planned | None:
        row = await self._tx.fetchrow(_sql["planned"], conversation, message)
        return None if row is None else _planned(row)

    async def waiting(self, conversation: str, author: str, limit: int) -> list[StoredLater]:
        rows = await self._tx.fetch(_sql["waiting"], conversation, author, limit)
        found = [(_planned(row), row["in_reply_to"]) for row in rows]
        return [
            StoredLater(
                message=one.message,
                wording=one.wording,
                at=rfc3339(one.send_at),
                in_reply_to=None if original is None else str(original),
                content=one.command.content,
            )
            for one, original in found
            if one.command is not None
        ]

    async def count_waiting(self, conversation: str, author: str) -> int:
        found: int = await self._tx.fetchval(_sql["count_waiting"], conversation, author)
        return found

    async def plan(self, planned: Planned) -> None:
        assert planned.command is not None
        command = planned.command
        await self._tx.execute(
            _sql["plan"],
            command.tenant,
            command.conversation,
            planned.message,
            planned.author,
            planned.wording,
            planned.send_at,
            command.in_reply_to,
            planned.timer,
            command.model_dump_json(),
        )

    async def end(self, conversation: str, message: str, state: State) -> None:
        """It doesn't wait any more, and what it says is gone from here."""
        await self._tx.execute(_sql["end_planned"], conversation, message, state)

    async def empty(self, conversation: str) -> None:
        await self._tx.execute(_sql["empty_planned"], conversation)
        await self._tx.execute(_sql["empty_own_requests"], conversation)


class OwnRequests:
    """What was asked before, by the asker's id for it."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def made(self, conversation: str, record: str) -> tuple[str, datetime] | None:
        """Its fingerprint, and when."""
        row = await self._tx.fetchrow(_sql["own_request"], conversation, record)
        return None if row is None else (row["fingerprint"], row["at"])

    async def insert(self, command: OwnCommand, at: datetime) -> None:
        await self._tx.execute(
            _sql["insert_own_request"], command.tenant, command.conversation, command.record, command.fingerprint, at
        )
