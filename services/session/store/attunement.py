"""Checks of whether somebody was heard as they meant it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import asyncpg

from services.session.domain.attunement import OPEN, Check, State
from services.session.store import record_fact
from shared.contracts.features.attunement import (
    CheckAnsweredFact,
    CheckReflectedFact,
    FiguresValue,
    RoundsValue,
    StoredCheck,
)
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "attunement.sql")

Said = CheckReflectedFact | CheckAnsweredFact


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest that was said in a check, ascending, and how much went before it."""

    facts: list[Said]
    earlier: int


def _check(row: asyncpg.Record | None) -> Check | None:
    if row is None:
        return None
    return Check(str(row["check_id"]), str(row["message"]), str(row["author"]), State(row["state"]), row["round"])


def _figures(session: str | None, rows: Sequence[asyncpg.Record]) -> FiguresValue:
    heard = [row for row in rows if row["state"] == State.HEARD]
    return FiguresValue(
        session=session,
        checks=sum(row["checks"] for row in rows),
        heard=sum(row["checks"] for row in heard),
        open=sum(row["checks"] for row in rows if row["state"] in OPEN),
        heard_after=[RoundsValue(rounds=row["round"], checks=row["checks"]) for row in heard],
    )


class Attunement:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def check(self, conversation: str, check: str) -> Check | None:
        return _check(await self._tx.fetchrow(_sql["check"], conversation, check))

    async def open_of(self, conversation: str, message: str) -> Check | None:
        """The open check of a message."""
        return _check(await self._tx.fetchrow(_sql["open_check"], conversation, message))

    async def insert(self, tenant: str, conversation: str, new: Check, n: int) -> None:
        """In the session that runs, if one does."""
        await self._tx.execute(
            _sql["insert_check"], tenant, conversation, new.id, n, new.message, new.author, new.state.value, new.round
        )

    async def change(self, conversation: str, changed: Check) -> None:
        await self._tx.execute(_sql["change_check"], conversation, changed.id, changed.state.value, changed.round)

    async def insert_said(self, tenant: str, conversation: str, check: str, n: int) -> None:
        await self._tx.execute(_sql["insert_said"], tenant, conversation, check, n)

    async def listed(
        self, conversation: str, before: int, limit: int, said_most: int, *, only_open: bool
    ) -> list[StoredCheck]:
        """The last checks before an ``n``, newest first, each with the newest that was said in it."""
        rows = await self._tx.fetch(_sql["list_checks"], conversation, before, only_open, limit)
        said = await self._said(conversation, [row["check_id"] for row in rows], said_most)
        found = []
        for row in rows:
            check = str(row["check_id"])
            latest = said.get(check, Latest([], 0))
            found.append(
                StoredCheck(
                    check=check,
                    n=row["n"],
                    message=str(row["message"]),
                    seq=row["seq"],
                    author=str(row["author"]),
                    asked_by=str(row["sender"]),
                    at=rfc3339(row["at"]),
                    session=None if row["session"] is None else str(row["session"]),
                    state=row["state"],
                    round=row["round"],
                    said=latest.facts,
                    earlier=latest.earlier,
                )
            )
        return found

    async def _said(self, conversation: str, checks: Sequence[str], most: int) -> dict[str, Latest]:
        rows = await self._tx.fetch(_sql["said"], conversation, checks, most)
        found: dict[str, Latest] = {}
        for row in rows:
            fact = record_fact(row)
            assert isinstance(fact, Said)
            latest = found.setdefault(str(row["check_id"]), Latest([], row["count"] - min(row["count"], most)))
            latest.facts.append(fact)
        return found

    async def figures(self, conversation: str) -> list[FiguresValue]:
        """Of each session with checks, those with the newest last."""
        rows = await self._tx.fetch(_sql["attunement_figures"], conversation)
        by_session = groupby(rows, key=lambda row: None if row["session"] is None else str(row["session"]))
        return [_figures(session, list(of_it)) for session, of_it in by_session]

    async def empty(self, conversation: str) -> None:
        """Nothing is left that says whether anybody was heard."""
        for query in ("empty_said", "empty_checks"):
            await self._tx.execute(_sql[query], conversation)
