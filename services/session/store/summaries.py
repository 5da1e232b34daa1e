"""What there is to say of a session, by the place of its beginning and end in the conversation."""

from pathlib import Path

from services.session.domain.sessions import Span
from services.session.store.exercises import stored_rating
from shared.contracts.features import summaries as c
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "summaries.sql")
_END = 2**53


class Summaries:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def span(self, conversation: str, session: str) -> Span | None:
        row = await self._tx.fetchrow(_sql["span"], conversation, session)
        if row is None:
            return None
        return Span(str(row["id"]), row["started_n"], row["ended_n"] or _END, row["started_at"], row["ended_at"])

    async def symbols(self, conversation: str, span: Span) -> list[c.SymbolUses]:
        rows = await self._tx.fetch(_sql["symbols_used"], conversation, span.from_n, span.to_n, 2 * c.MOST)
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(str(row["symbol"]), {})[str(row["author"])] = row["uses"]
        return [c.SymbolUses(symbol=symbol, uses=uses) for symbol, uses in found.items()]

    async def exercises(self, conversation: str, span: Span) -> list[c.StoredExercise]:
        rows = await self._tx.fetch(_sql["exercises_done"], conversation, span.from_n, span.to_n, c.MOST)
        return [
            c.StoredExercise(
                run=str(row["run"]),
                exercise=row["exercise"],
                version=row["version"],
                state=row["state"],
                before=None if row["before_record"] is None else stored_rating(row, "before"),
                after=None if row["after_record"] is None else stored_rating(row, "after"),
            )
            for row in rows
        ]

    async def agreements(self, conversation: str, span: Span) -> list[c.AgreementTouched]:
        rows = await self._tx.fetch(_sql["agreements_touched"], conversation, span.from_n, span.to_n, c.MOST)
        return [c.AgreementTouched(agreement=str(r["agreement"]), state=r["state"], how=r["how"]) for r in rows]

    async def checks_open(self, conversation: str, span: Span) -> list[c.CheckOpen]:
        rows = await self._tx.fetch(_sql["checks_open"], conversation, span.from_n, span.to_n, c.MOST)
        return [
            c.CheckOpen(check=str(r["check_id"]), message=str(r["message"]), state=r["state"], round=r["round"])
            for r in rows
        ]
