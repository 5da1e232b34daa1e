"""The database of wrapped keys: one typed function for each named query. It holds nothing else."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.contracts.keys import KeyName
from shared.runtime import tenants
from shared.runtime.postgres import Connection, Pool, Queries

FOLDER = Path(__file__).parent / "sql"
ATTEMPTS = 3

_sql = Queries(FOLDER / "queries.sql")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A version of a data key, wrapped by a version of its tenant's key; ``age_s`` by the database's clock."""

    name: KeyName
    version: int
    tenant_version: int
    wrapped: bytes
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WrappedTenantKey:
    tenant: str
    version: int
    wrapped: str
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the store knows of the keys asked for."""

    keys: list[Wrapped]
    erased: set[KeyName]


class KeyStore:
    """Queries on a pool; each raises as asyncpg does."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def _opened(self) -> Pool:
        """The pool, which is opened when it is first needed."""
        await self._pool
        return self._pool

    @asynccontextmanager
    async def _of(self, wanted: Iterable[str]) -> AsyncIterator[Connection]:
        """A transaction that sees these tenants' keys."""
        async with tenants.transaction(await self._opened(), wanted) as tx:
            yield tx

    async def read(self, names: Sequence[KeyName]) -> Found:
        asked = [n.tenant for n in names], [n.kind for n in names], [n.owner for n in names]
        async with self._of(asked[0]) as tx:
            rows = await tx.fetch(_sql["read"], *asked)
        found = Found([], set())
        for row in rows:
            name = KeyName(str(row["tenant"]), row["kind"], str(row["owner"]))
            if row["erased"]:
                found.erased.add(name)
            elif row["version"] is not None:
                found.keys.append(Wrapped(name, row["version"], row["tenant_version"], row["wrapped"], row["age_s"]))
        return found

    async def tenant_keys(self, wanted: Sequence[str]) -> list[WrappedTenantKey]:
        async with self._of(wanted) as tx:
            rows = await tx.fetch(_sql["tenant_keys"], wanted)
        return [WrappedTenantKey(str(r["tenant"]), r["version"], r["wrapped"], r["age_s"]) for r in rows]

    async def add_tenant_key(self, tenant: str, version: int, wrapped: str) -> None:
        """Unless that version is there."""
        async with self._of([tenant]) as tx:
            await tx.execute(_sql["add_tenant_key"], tenant, version, wrapped)

    async def add(self, keys: Sequence[Wrapped]) -> None:
        """Add those versions that aren't there. None is added where one of the owners has been erased meanwhile."""
        of, owners = [k.name.tenant for k in keys], [k.name.owner for k in keys]
        try:
            async with self._of(of) as tx:
                await tx.execute(_sql["add_owners"], of, owners)
                await tx.execute(
                    _sql["add_data_keys"],
                    of,
                    owners,
                    [k.name.kind for k in keys],
                    [k.version for k in keys],
                    [k.tenant_version for k in keys],
                    [k.wrapped for k in keys],
                )
        except asyncpg.ForeignKeyViolationError:
            return

    async def destroy(self, tenant: str, owner: str) -> None:
        """Destroy all keys of an owner, and let it never have others."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._of([tenant]) as tx:
                    await self._destroy(tx, tenant, owner)
                return
            except asyncpg.ForeignKeyViolationError:  # a key was added in this very moment
                if attempt == ATTEMPTS - 1:
                    raise

    @staticmethod
    async def _destroy(tx: Connection, tenant: str, owner: str) -> None:
        await tx.execute(_sql["destroy_keys"], tenant, owner)
        await tx.execute(_sql["erase_owner"], tenant, owner)

    # --- for rotation, by the owner, who keeps house ---------------------------------------------------------------

    async def tenant_of(self, owner: str) -> str | None:
        found = await (await self._opened()).fetchval(_sql["owner_tenant"], owner)
        return None if found is None else str(found)

    async def newest(self, tenant: str, owner: str) -> dict[str, int]:
        """The newest version of each kind of key that an owner has."""
        return {
            row["kind"]: row["version"] for row in await (await self._opened()).fetch(_sql["newest"], tenant, owner)
        }

    async def tenants(self) -> dict[str, int]:
        """All tenants that have a key, with its newest version."""
        return {str(row["tenant"]): row["version"] for row in await (await self._opened()).fetch(_sql["tenants"])}

    async def wrapped_older(self, tenant: str, version: int, after: tuple[str, str, int], limit: int) -> list[Wrapped]:
        """Some of a tenant's data keys that an older version of its key wraps, behind an owner, kind and version."""
        return [
            Wrapped(
                KeyName(tenant, row["kind"], str(row["owner"])), row["version"], row["tenant_version"], row["wrapped"]
            )
            for row in await (await self._opened()).fetch(_sql["wrapped_older"], tenant, version, *after, limit)
        ]

    async def rewrap(self, tenant: str, version: int, keys: Sequence[Wrapped]) -> None:
        await (await self._opened()).execute(
            _sql["rewrap_data_keys"],
            tenant,
            version,
            [k.name.owner for k in keys],
            [k.name.kind for k in keys],
            [k.version for k in keys],
            [k.wrapped for k in keys],
        )

    async def tenant_keys_after(self, tenant: str, version: int, limit: int) -> list[WrappedTenantKey]:
        rows = await (await self._opened()).fetch(_sql["all_tenant_keys"], tenant, version, limit)
        return [WrappedTenantKey(str(r["tenant"]), r["version"], r["wrapped"]) for r in rows]

    async def rewrap_tenant_key(self, tenant: str, version: int, wrapped: str) -> None:
        await (await self._opened()).execute(_sql["rewrap_tenant_key"], tenant, version, wrapped)

    def close(self) -> None:
        with suppress(asyncpg.InterfaceError):  # it was never opened
            self._pool.terminate()
