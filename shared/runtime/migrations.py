"""Schema migrations: numbered .sql files, applied by yoyo under an advisory lock of the database; then who may do what.

The owner of a database applies them (`python -m services.X migrate`, `./unsaid up`). The serving role owns nothing, and
waits until it is done.
"""

from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path

import psycopg
import yoyo
from pydantic import SecretStr

from shared.runtime.postgres import Pool

GRANTS = "grants.sql"
"""Beside the folder of migrations: takes everything away from the serving roles and gives what they need."""
NOT_PUBLIC = b"revoke create on schema public from public"
"""Functions with the owner's rights look names up there. A database that began before Postgres 15 lets everybody in."""
LOCK = 0x756E73616964  # "unsaid"


def apply(url: SecretStr, folder: Path) -> int:
    """Bring the database up to the newest migration, then give the grants; several processes may try at once.

    Returns:
        how many migrations were applied.

    Raises:
        psycopg.OperationalError: the server can't be reached.
    """
    dsn = url.get_secret_value()
    with closing(psycopg.connect(dsn, autocommit=True, connect_timeout=5)) as guard:
        guard.execute("select pg_advisory_lock(%s)", (LOCK,))
        with yoyo.get_backend(dsn.replace("postgresql://", "postgresql+psycopg://", 1)) as backend:
            todo = backend.to_apply(yoyo.read_migrations(str(folder)))
            with redirect_stdout(StringIO()):  # it prints what a statement selects
                backend.apply_migrations(todo)
        grants = folder.parent / GRANTS
        with guard.transaction():
            guard.execute(NOT_PUBLIC)
            guard.execute(grants.read_bytes())
        return len(todo)


def names(folder: Path) -> set[str]:
    """The migrations that there are."""
    return {path.stem for path in folder.glob("*.sql")}


async def missing(pool: Pool, wanted: set[str]) -> list[str]:
    """What of these migrations the database hasn't had yet. Waits for one that is under way, with its grants.

    Raises as asyncpg does: the server is away, the wait was too long, or this role may not do anything yet.
    """
    async with pool.acquire() as tx, tx.transaction():
        await tx.execute("select pg_advisory_xact_lock_shared($1)", LOCK)
        there = {row["migration_id"] for row in await tx.fetch("select migration_id from _yoyo_migration")}
    return sorted(wanted - there)
