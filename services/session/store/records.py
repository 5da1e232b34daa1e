"""What features record in the conversation's order, and what they change of messages."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.session.store import PAGE_BYTES, record_fact
from shared.contracts import features
from shared.contracts.features.symbols import SymbolUsedFact
from shared.contracts.ids import Intervention
from shared.contracts.records import RecordFact
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "records.sql")

_BASE = frozenset((*RecordFact.model_fields, "kind"))
"""Members that have columns of their own; those of a kind's own are in ``data``."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, without what it says."""

    n: int
    seq: int
    sender: str
    intervention: Intervention | None
    deleted: bool


class Records:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def made(self, conversation: str, records: Sequence[str]) -> tuple[list[features.Fact], str | None]:
        """The facts that were made under these ids, in order, and the fingerprint of the first."""
        rows = await self._tx.fetch(_sql["made"], conversation, records)
        return [record_fact(row) for row in rows], rows[0]["fingerprint"] if rows else None

    async def insert(self, conversation: str, fact: features.Fact, at: datetime, fingerprint: str | None) -> None:
        await self._tx.execute(
            _sql["insert_record"],
            conversation,
            fact.n,
            fact.kind,
            at,
            fact.sender,
            fact.record,
            fact.model_dump_json(exclude=set(_BASE)),
            fingerprint,
            None if fact.content is None else b64decode(fact.content),
            getattr(fact, "message", None),
        )

    async def insert_uses(self, conversation: str, facts: Sequence[SymbolUsedFact], at: datetime) -> None:
        """What one message used."""
        first = facts[0]
        await self._tx.execute(
            _sql["insert_uses"],
            conversation,
            first.kind,
            at,
            first.sender,
            first.message,
            [fact.n for fact in facts],
            [fact.record for fact in facts],
            [fact.model_dump_json(exclude=set(_BASE)) for fact in facts],
        )

    async def after(self, conversation: str, n: int, limit: int) -> tuple[list[features.Fact], bool]:
        """Records behind an ``n``, ascending, and whether there are more."""
        return await self._page("records_after", conversation, n, limit)

    async def before(self, conversation: str, n: int, limit: int) -> tuple[list[features.Fact], bool]:
        """The last records before an ``n``, ascending, and whether there are more."""
        found, more = await self._page("records_before", conversation, n, limit)
        return found[::-1], more

    async def _page(self, query: str, conversation: str, n: int, limit: int) -> tuple[list[features.Fact], bool]:
        rows = await self._tx.fetch(_sql[query], conversation, n, limit + 1)
        fitting = [row for index, row in enumerate(rows[:limit]) if index == 0 or row["size"] <= PAGE_BYTES]
        return [record_fact(row) for row in fitting], len(fitting) < len(rows)

    async def message(self, conversation: str, message: str) -> Message | None:
        row = await self._tx.fetchrow(_sql["message"], conversation, message)
        if row is None:
            return None
        return Message(row["n"], row["seq"], str(row["sender"]), row["intervention"], row["deleted"])

    async def take_back(self, conversation: str, message: str) -> None:
        """Empty a message, and what records say of the emoji in it and on it."""
        for query in ("take_back", "take_back_emoji"):
            await self._tx.execute(_sql[query], conversation, message)

    async def set_intervention(self, conversation: str, message: str, intervention: Intervention) -> None:
        await self._tx.execute(_sql["set_intervention"], conversation, message, intervention)
