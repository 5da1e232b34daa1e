"""Whose rows a transaction may see and write: row-level security, besides the checks in code (docs/adr/0013).

Every table with a tenant's rows has a policy that compares their tenant with the setting ``unsaid.tenants``, which ends
with its transaction. Where it isn't set there is nothing to see.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from shared.runtime.postgres import Connection, Pool


def setting(tenants: Iterable[str]) -> str:
    """The value of ``unsaid.tenants``: an array of ids in Postgres' own writing."""
    return "{" + ",".join(str(UUID(tenant)) for tenant in sorted(set(tenants))) + "}"


async def become(tx: Connection, tenants: Iterable[str]) -> None:
    """From here to the end of the transaction, or of the savepoint, these tenants' rows are there, and no others."""
    await tx.execute(f"set local unsaid.tenants = '{setting(tenants)}'")


@asynccontextmanager
async def as_tenant(tx: Connection, tenant: str) -> AsyncIterator[None]:
    """One command's part of a transaction: its own tenant's rows only, and undone, alone, where it raises.

    A savepoint like asyncpg's, which has the setting on board without another round trip.
    """
    await tx.execute(f"savepoint command; set local unsaid.tenants = '{setting([tenant])}'")
    try:
        yield
    except BaseException:
        await tx.execute("rollback to savepoint command; release savepoint command")
        raise
    await tx.execute("release savepoint command; set local unsaid.tenants = ''")


@asynccontextmanager
async def transaction(pool: Pool, tenants: Iterable[str], wait_s: float | None = None) -> AsyncIterator[Connection]:
    """A transaction of its own that sees these tenants' rows."""
    async with pool.acquire(timeout=wait_s) as tx, tx.transaction():
        await become(tx, tenants)
        yield tx
