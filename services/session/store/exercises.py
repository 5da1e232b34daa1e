"""What the session service keeps of exercises: definitions, runs, and which record answered which step."""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import asyncpg

from services.session.domain.exercises import Run
from services.session.store import PAGE_BYTES
from shared.contracts.exercises import Definition
from shared.contracts.features.exercises import StoredAnswer, StoredRating, StoredRatings
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection, Queries

EVERYBODY = "00000000-0000-0000-0000-000000000000"
"""The tenant of the definitions that come with the platform."""

_sql = Queries(Path(__file__).parent.parent / "sql" / "exercises.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """A run as it is kept, with the title of what was started."""

    run: Run
    title: dict[str, str]
    started_by: str
    started_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A definition, and whether it is the tenant's own."""

    definition: Definition
    own: bool


@lru_cache(maxsize=256)
def _definition(text: str) -> Definition:
    return Definition.model_validate_json(text)


def _tenants(tenant: str) -> list[str]:
    return [tenant, EVERYBODY]


def _kept(row: asyncpg.Record) -> Kept:
    run = Run(str(row["run"]), row["exercise"], row["version"], row["state"], row["step"])
    return Kept(run, json.loads(row["title"]), str(row["started_by"]), row["started_at"], row["changed_at"])


def _answer(row: asyncpg.Record, *, with_content: bool) -> StoredAnswer:
    return StoredAnswer(
        step=row["step"],
        record=str(row["record"]),
        n=row["n"],
        at=rfc3339(row["at"]),
        content=b64encode(row["content"]).decode() if with_content else None,
    )


def stored_rating(row: asyncpg.Record, which: str) -> StoredRating:
    return StoredRating(record=str(row[f"{which}_record"]), content=b64encode(row[f"{which}_content"]).decode())


class Exercises:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    # --- definitions -----------------------------------------------------------------------------------------------

    async def lock_definitions(self) -> None:
        await self._tx.execute(_sql["lock_definitions"])

    async def tenants(self) -> list[str]:
        """Who ever had definitions."""
        return [str(row["tenant"]) for row in await self._tx.fetch(_sql["tenants_with_exercises"])]

    async def bodies(self) -> dict[tuple[str, str, int], str]:
        """All that was ever offered: by tenant, exercise and version."""
        rows = await self._tx.fetch(_sql["definition_bodies"])
        return {(str(row["tenant"]), row["exercise"], row["version"]): row["definition"] for row in rows}

    async def withdraw_all(self) -> None:
        await self._tx.execute(_sql["withdraw_definitions"])

    async def offer(self, tenant: str, definition: Definition) -> None:
        title, body = json.dumps(definition.title), definition.model_dump_json()
        await self._tx.execute(_sql["offer_definition"], tenant, definition.exercise, definition.version, title, body)

    async def catalog(self, tenant: str, after: str, limit: int) -> list[Offer]:
        rows = await self._tx.fetch(_sql["catalog"], _tenants(tenant), after, limit)
        return [Offer(_definition(row["definition"]), str(row["tenant"]) != EVERYBODY) for row in rows]

    async def offered(self, tenant: str, exercise: str, version: int | None) -> Definition | None:
        text = await self._tx.fetchval(_sql["offered"], _tenants(tenant), exercise, version)
        return None if text is None else _definition(text)

    # --- runs ------------------------------------------------------------------------------------------------------

    async def insert_run(self, tenant: str, conversation: str, n: int, run: Run, started_by: str, at: datetime) -> None:
        await self._tx.execute(
            _sql["insert_run"], tenant, conversation, run.id, n, run.exercise, run.version, run.state, run.step,
            started_by, at,
        )  # fmt: skip

    async def run(self, tenant: str, conversation: str, run: str) -> tuple[Kept, Definition] | None:
        """A run with the definition that it was started in."""
        row = await self._tx.fetchrow(_sql["run"], _tenants(tenant), conversation, run)
        return None if row is None else (_kept(row), _definition(row["definition"]))

    async def change_run(self, conversation: str, run: Run, at: datetime) -> None:
        await self._tx.execute(_sql["change_run"], conversation, run.id, run.state, run.step, at)

    async def runs(
        self, tenant: str, conversation: str, before: str | None, limit: int, *, only_open: bool
    ) -> list[Kept]:
        rows = await self._tx.fetch(_sql["list_runs"], _tenants(tenant), conversation, only_open, before, limit)
        return [_kept(row) for row in rows]

    async def insert_answer(self, tenant: str, conversation: str, run: str, step: str, n: int) -> None:
        await self._tx.execute(_sql["insert_answer"], tenant, conversation, run, step, n)

    async def answers(
        self, conversation: str, run: str, after: int, limit: int, only: Iterable[str] | None
    ) -> tuple[list[StoredAnswer], bool]:
        """A page behind an ``n``, and whether there is more. ``only``: the steps whose content is wanted; None: all."""
        rows = await self._tx.fetch(_sql["answers"], conversation, run, after, limit + 1)
        whole = None if only is None else frozenset(only)
        if whole is not None:
            fitting = rows[:limit]
        else:
            fitting = [row for index, row in enumerate(rows[:limit]) if index == 0 or row["size"] <= PAGE_BYTES]
        found = [_answer(row, with_content=whole is None or row["step"] in whole) for row in fitting]
        return found, len(fitting) < len(rows)

    async def empty(self, conversation: str) -> None:
        """What was done there, and in which order, says something of who did it."""
        await self._tx.execute(_sql["empty_answers"], conversation)
        await self._tx.execute(_sql["empty_runs"], conversation)

    async def series(self, conversation: str, exercise: str, limit: int) -> list[StoredRatings]:
        """The last runs, ascending."""
        rows = await self._tx.fetch(_sql["series"], conversation, exercise, limit)
        return [
            StoredRatings(
                run=str(row["run"]),
                version=row["version"],
                state=row["state"],
                started_at=rfc3339(row["started_at"]),
                before=stored_rating(row, "before"),
                after=None if row["after_record"] is None else stored_rating(row, "after"),
            )
            for row in reversed(rows)
        ]
