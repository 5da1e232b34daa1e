"""Rotation and re-wrapping, by whoever owns the key store. Each step can be repeated, and nothing waits for it.

A new version of a key is for new content; the older ones still open theirs. Nothing seals or wraps under a new version
before every process knows it (`ring.SETTLED_S`), so no process need be told.
"""

import os
from dataclasses import dataclass

import asyncpg

from shared.contracts.errors import KeyGone, Refused
from shared.contracts.keys import KeyName
from shared.runtime.keys.providers import KEY_BYTES, KeyProvider
from shared.runtime.keys.ring import about_tenant_key, unwrap, wrap
from shared.runtime.keys.store import KeyStore, Wrapped
from shared.runtime.sealing import SealBroken

PAGE = 500
NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(slots=True)
class Rewrapped:
    """What was done: keys that are wrapped anew, and keys that don't open any more and were left as they are."""

    tenant_keys: int = 0
    data_keys: int = 0
    gone: int = 0


class Admin:
    """On a store whose owner it is, and a provider."""

    def __init__(self, store: KeyStore, provider: KeyProvider) -> None:
        self._store = store
        self._provider = provider

    async def rotate_provider(self) -> None:
        """A new version of the key above all keys."""
        await self._provider.rotate()

    async def rotate_tenant(self, tenant: str) -> int:
        """A new version of a tenant's key; its number. Raises LookupError: it has none yet."""
        newest = (await self._store.tenants()).get(tenant)
        if newest is None:
            raise LookupError(tenant)
        new = newest + 1
        wrapped = await self._provider.wrap(os.urandom(KEY_BYTES), about_tenant_key(tenant, new))
        await self._store.add_tenant_key(tenant, new, wrapped)
        return new

    async def rotate_owner(self, owner: str) -> dict[str, int]:
        """A new version of each kind of key that an owner (a conversation) has; their numbers.

        Raises:
            LookupError: it has none, or is erased.
            KeyGone: the tenant's key doesn't open any more.
        """
        tenant = await self._store.tenant_of(owner)
        newest = {} if tenant is None else await self._store.newest(tenant, owner)
        if tenant is None or not newest:
            raise LookupError(owner)
        version, by = await self._newest_tenant_key(tenant)
        new = {kind: before + 1 for kind, before in newest.items()}
        await self._store.add([self._made(KeyName(tenant, kind, owner), new[kind], version, by) for kind in new])
        return new

    @staticmethod
    def _made(name: KeyName, version: int, tenant_version: int, by: bytes) -> Wrapped:
        return Wrapped(name, version, tenant_version, wrap(os.urandom(KEY_BYTES), by, name, version))

    async def _tenant_key(self, tenant: str) -> dict[int, bytes]:
        plain: dict[int, bytes] = {}
        for row in await self._store.tenant_keys([tenant]):
            try:
                plain[row.version] = await self._provider.unwrap(row.wrapped, about_tenant_key(tenant, row.version))
            except (KeyGone, SealBroken):
                continue
        return plain

    async def _newest_tenant_key(self, tenant: str) -> tuple[int, bytes]:
        plain = await self._tenant_key(tenant)
        if not plain:
            raise KeyGone(0)
        return max(plain), plain[max(plain)]

    async def rewrap(self) -> Rewrapped:
        """Bring all keys under the newest version of what wraps them. Interrupted, it goes on where it was."""
        done = Rewrapped()
        await self._rewrap_tenant_keys(done)
        for tenant in await self._store.tenants():
            await self._rewrap_data_keys(tenant, done)
        return done

    async def _rewrap_tenant_keys(self, done: Rewrapped) -> None:
        last = (NO_ID, 0)
        while page := await self._store.tenant_keys_after(*last, PAGE):
            for row in page:
                last = (row.tenant, row.version)
                try:
                    wrapped = await self._provider.rewrap(row.wrapped, about_tenant_key(row.tenant, row.version))
                except (KeyGone, SealBroken):
                    done.gone += 1
                    continue
                if wrapped != row.wrapped:
                    await self._store.rewrap_tenant_key(row.tenant, row.version, wrapped)
                    done.tenant_keys += 1

    async def _rewrap_data_keys(self, tenant: str, done: Rewrapped) -> None:
        plain = await self._tenant_key(tenant)
        if not plain:
            return
        newest = max(plain)
        after = (NO_ID, "", 0)
        while page := await self._store.wrapped_older(tenant, newest, after, PAGE):
            after = (page[-1].name.owner, page[-1].name.kind, page[-1].version)
            anew: list[Wrapped] = []
            for one in page:
                try:
                    key = unwrap(one.wrapped, plain[one.tenant_version], one.name, one.version)
                except (KeyError, SealBroken):
                    done.gone += 1
                    continue
                anew.append(Wrapped(one.name, one.version, newest, wrap(key, plain[newest], one.name, one.version)))
            await self._store.rewrap(tenant, newest, anew)
            done.data_keys += len(anew)


TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Refused, SealBroken)
"""What a rotation may end with; what was done stays done."""
