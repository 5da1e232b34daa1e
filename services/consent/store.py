"""What the consent service keeps: one typed function for each named query, on the transaction it is given."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from services.consent.domain.decisions import Decision
from shared.contracts.commands import RegisterConversation
from shared.contracts.ids import Purpose
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who may decide in a conversation, and the language each of them reads."""

    id: str
    tenant: str
    locales: dict[str, str | None]


def _decision(row: asyncpg.Record) -> Decision:
    return Decision(
        conversation=str(row["conversation"]),
        id=str(row["id"]),
        participant=str(row["participant"]),
        purpose=row["purpose"],
        grant=row["is_grant"],
        version=row["version"],
        sha256=row["sha256"],
        locale=row["locale"],
        epoch=row["epoch"],
        at=row["at"],
        via=row["via"],
        device=row["device"],
    )


class Store:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def register(self, new: RegisterConversation) -> None:
        await self._tx.execute(
            _sql["register"],
            new.conversation,
            new.tenant,
            new.client,
            new.therapist,
            new.client_locale,
            new.therapist_locale,
        )

    async def conversation(self, conversation: str) -> Conversation | None:
        row = await self._tx.fetchrow(_sql["conversation"], conversation)
        if row is None:
            return None
        locales = {str(row["client"]): row["client_locale"], str(row["therapist"]): row["therapist_locale"]}
        return Conversation(str(row["id"]), str(row["tenant"]), locales)

    async def tick(self, conversation: str) -> datetime:
        """Lock the conversation and take its time."""
        moment: datetime = await self._tx.fetchval(_sql["tick"], conversation)
        return moment

    async def decision(self, conversation: str, decision: str) -> Decision | None:
        row = await self._tx.fetchrow(_sql["decision"], conversation, decision)
        return None if row is None else _decision(row)

    async def current(self, conversation: str, participant: str, purpose: Purpose) -> Decision | None:
        row = await self._tx.fetchrow(_sql["current"], conversation, participant, purpose)
        return None if row is None else _decision(row)

    async def in_force(self, conversation: str) -> list[Decision]:
        return [_decision(row) for row in await self._tx.fetch(_sql["in_force"], conversation)]

    async def decisions(self, conversation: str) -> list[Decision]:
        return [_decision(row) for row in await self._tx.fetch(_sql["decisions"], conversation)]

    async def insert_decision(self, d: Decision) -> None:
        values = (d.version, d.sha256, d.locale, d.epoch, d.at, d.via, d.device)
        sql = _sql["insert_decision"]
        await self._tx.execute(sql, d.conversation, d.id, d.participant, d.purpose, d.grant, *values)

    async def generation(self) -> int:
        found: int = await self._tx.fetchval(_sql["generation"])
        return found
