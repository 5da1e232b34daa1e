"""The keys that a process holds: fetched before they are needed, kept for 5 minutes at most, dropped on erasure.

Fetching is asynchronous and goes together: who asks while a look-up is out gets its keys by the next one. `cached` is
synchronous, for where every microsecond counts; what isn't there is `Unavailable`, and there is no other way to seal.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contracts.errors import Erased, KeyGone, Refused, Unavailable
from shared.contracts.keys import KeyName
from shared.runtime import metrics, postgres
from shared.runtime.keys.providers import KEY_BYTES, KeyProvider, provider_of
from shared.runtime.keys.store import KeyStore, Wrapped, WrappedTenantKey
from shared.runtime.sealing import NONCE_BYTES, DataKey, SealBroken, Sealer
from shared.runtime.settings import KeySettings

log = structlog.get_logger()

CACHED_S = 300.0
"""How long a key that was destroyed may still be in a process's memory."""
STALE_S = 150.0
"""From this age on a key is looked up again, if that can be done."""
SETTLED_S = CACHED_S + 30
"""A new version seals, or wraps, only when it is so old that everybody's cache has it."""
LOOK_UP_S = 2.0
RENEW_S = 15.0
TOGETHER = 500
CACHED_MOST = 100_000
AGAIN_S = 0.5
"""After a look-up failed, what isn't cached fails at once for so long."""
ROUNDS = 3
POOL_SIZE = 2


def about_tenant_key(tenant: str, version: int) -> str:
    return f"unsaid/tenant/{tenant}/{version}"


def _about(name: KeyName, version: int) -> bytes:
    return f"unsaid/data/{name.tenant}/{name.kind}/{name.owner}/{version}".encode()


def wrap(key: bytes, by: bytes, name: KeyName, version: int) -> bytes:
    """A data key, wrapped by its tenant's: AES-256-GCM."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(by).encrypt(nonce, key, _about(name, version))


def unwrap(wrapped: bytes, by: bytes, name: KeyName, version: int) -> bytes:
    """Raises `SealBroken`."""
    try:
        return AESGCM(by).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _about(name, version))
    except (InvalidTag, ValueError):
        raise SealBroken from None


@dataclass(frozen=True, slots=True)
class _Entry:
    """``found``: the key, or why there is none. ``until``: how long it may be used (the loop's clock)."""

    found: DataKey | Refused
    until: float


@dataclass(frozen=True, slots=True)
class _TenantKeys:
    versions: dict[int, bytes]
    wrapping: int
    asked: float


def _settled(ages: dict[int, float]) -> int:
    """The newest version that everybody knows; the first, where there is no other."""
    return max((version for version, age in ages.items() if age >= SETTLED_S), default=min(ages))


class Keyring:
    """Data keys by name. One for each process."""

    def __init__(self, store: KeyStore, provider: KeyProvider, before: Sealer) -> None:
        """``before``: as `DataKey` has it."""
        self._store = store
        self._provider = provider
        self._before = before
        self._keys: dict[KeyName, _Entry] = {}
        self._tenants: dict[str, _TenantKeys] = {}
        self._waiting: dict[KeyName, asyncio.Future[None]] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._failed = float("-inf")

    # --- using -----------------------------------------------------------------------------------------------------

    def cached(self, name: KeyName) -> DataKey:
        """A key that was fetched before.

        Raises:
            Erased: its owner is.
            KeyGone: the tenant's or the provider's version that wrapped it is no more.
            Unavailable: it isn't here, or not any more.
        """
        entry = self._keys.get(name)
        if entry is None or asyncio.get_running_loop().time() >= entry.until:
            raise Unavailable("keys")
        if isinstance(entry.found, Refused):
            raise entry.found
        return entry.found

    async def of(self, name: KeyName) -> DataKey:
        """The key, fetched if need be, and made where there was none. Raises as `cached` does."""
        await self.load([name])
        return self.cached(name)

    async def load(self, names: Iterable[KeyName]) -> None:
        """Have these cached, if that can be done; `cached` tells."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._failed + AGAIN_S:
            return
        ages = {name: now + CACHED_S - self._keys[name].until if name in self._keys else CACHED_S for name in names}
        for name, age in ages.items():
            if age > STALE_S and name not in self._waiting:
                self._waiting[name] = loop.create_future()
        if self._waiting and self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        needed = [self._waiting[name] for name, age in ages.items() if age >= CACHED_S]
        if needed:
            await asyncio.wait(needed)

    def index(self, tenant: str, *parts: str) -> str:
        """Hex HMAC by which a tenant's names are found again; of a key of the deployment, since it can't change."""
        return self._before.fingerprint(tenant, *parts)

    def drop(self, tenant: str, owner: str) -> None:
        """The owner is erased: none of its keys is known here any more."""
        for name in [name for name in self._keys if name.owner == owner and name.tenant == tenant]:
            self._keys[name] = _Entry(Erased(), asyncio.get_running_loop().time() + CACHED_S)

    async def keep(self, held: Callable[[], Iterable[KeyName]]) -> None:
        """Look up again what is held, before it is too old; for ever."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.load(list(held()))
            metrics.KEYS.set(len(self._keys))

    async def destroy(self, tenant: str, owner: str) -> None:
        """Destroy all keys of an owner, for ever. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await self._store.destroy(tenant, owner)
        except (*postgres.AWAY, asyncpg.PostgresError):
            raise Unavailable("keys") from None
        self.drop(tenant, owner)

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._provider.close()
        self._store.close()

    # --- fetching --------------------------------------------------------------------------------------------------

    async def _fetch(self) -> None:
        """Look up all that is waited for, as much at a time as goes together. Who waits hears of it in any case."""
        try:
            while self._waiting:
                names = list(self._waiting)[:TOGETHER]
                try:
                    async with asyncio.timeout(LOOK_UP_S):
                        self._remember(await self._look_up(names))
                except (Unavailable, *postgres.AWAY, asyncpg.PostgresError) as error:
                    self._failed = asyncio.get_running_loop().time()
                    metrics.KEY_LOOK_UPS.labels("failed").inc()
                    log.warning("keys_away", error=type(error).__name__)
                else:
                    metrics.KEY_LOOK_UPS.labels("done").inc()
                self._settle(names)
        finally:
            self._fetching = None
            self._settle(list(self._waiting))

    def _settle(self, names: Sequence[KeyName]) -> None:
        for name in names:
            waiting = self._waiting.pop(name)
            if not waiting.done():
                waiting.set_result(None)

    def _remember(self, found: dict[KeyName, _Entry]) -> None:
        for name, entry in found.items():
            self._keys.pop(name, None)  # the newest stand last
            self._keys[name] = entry
        while len(self._keys) > CACHED_MOST:
            del self._keys[next(iter(self._keys))]

    async def _look_up(self, names: Sequence[KeyName]) -> dict[KeyName, _Entry]:
        """Read and unwrap; make those that aren't there."""
        entries: dict[KeyName, _Entry] = {}
        missing = list(names)
        for _ in range(ROUNDS):
            until = asyncio.get_running_loop().time() + CACHED_S  # of when the look-up begins
            found = await self._store.read(missing)
            entries |= {name: _Entry(Erased(), until) for name in found.erased}
            versions: dict[KeyName, list[Wrapped]] = {}
            for wrapped in found.keys:
                versions.setdefault(wrapped.name, []).append(wrapped)
            missing = [name for name in missing if name not in versions and name not in entries]
            tenants = await self._tenant_keys({name.tenant for name in [*versions, *missing]}, found.keys)
            entries |= {name: _Entry(self._unwrap(name, of, tenants), until) for name, of in versions.items()}
            gone = {name: _Entry(KeyGone(0), until) for name in missing if not tenants[name.tenant].versions}
            entries |= gone
            missing = [name for name in missing if name not in gone]
            if not missing:
                break
            await self._store.add([self._made(name, tenants[name.tenant]) for name in missing])
        return entries

    def _made(self, name: KeyName, tenant: _TenantKeys) -> Wrapped:
        by = tenant.versions[tenant.wrapping]
        return Wrapped(name, 1, tenant.wrapping, wrap(os.urandom(KEY_BYTES), by, name, 1))

    def _unwrap(self, name: KeyName, wrapped: Sequence[Wrapped], tenants: dict[str, _TenantKeys]) -> DataKey | Refused:
        by = tenants[name.tenant].versions
        plain: dict[int, bytes] = {}
        for one in wrapped:
            key = by.get(one.tenant_version)
            try:
                if key is not None:
                    plain[one.version] = unwrap(one.wrapped, key, name, one.version)
            except SealBroken:
                log.error("key_broken", kind=name.kind, owner=name.owner, version=one.version)
        if not plain:
            return KeyGone(wrapped[-1].version)
        sealing = _settled({one.version: one.age_s for one in wrapped if one.version in plain})
        return DataKey(name, plain, sealing, self._before)

    async def _tenant_keys(self, tenants: set[str], needed: Sequence[Wrapped]) -> dict[str, _TenantKeys]:
        """The keys of these tenants; read again where they are too old, or a version is wanted that isn't known."""
        now = asyncio.get_running_loop().time()
        known = {t: k for t in tenants if (k := self._tenants.get(t)) is not None and now < k.asked + CACHED_S}
        for wrapped in needed:
            keys = known.get(wrapped.name.tenant)
            if keys is not None and wrapped.tenant_version not in keys.versions:
                del known[wrapped.name.tenant]
        unknown = [tenant for tenant in tenants if tenant not in known]
        if unknown:
            known |= await self._read_tenant_keys(unknown)
        return known

    async def _read_tenant_keys(self, tenants: Sequence[str]) -> dict[str, _TenantKeys]:
        asked = asyncio.get_running_loop().time()
        rows = await self._store.tenant_keys(tenants)
        new = set(tenants) - {row.tenant for row in rows}
        if new:
            for tenant in sorted(new):
                wrapped = await self._provider.wrap(os.urandom(KEY_BYTES), about_tenant_key(tenant, 1))
                await self._store.add_tenant_key(tenant, 1, wrapped)
            rows = await self._store.tenant_keys(tenants)
        plain = await asyncio.gather(*(self._unwrapped(row) for row in rows))
        for tenant in tenants:
            own = {row.version: (key, row.age_s) for row, key in zip(rows, plain, strict=True) if row.tenant == tenant}
            there = {version: key for version, (key, _) in own.items() if key is not None}
            wrapping = _settled({version: own[version][1] for version in there}) if there else 0
            self._tenants[tenant] = _TenantKeys(there, wrapping, asked)
        return {tenant: self._tenants[tenant] for tenant in tenants}

    async def _unwrapped(self, row: WrappedTenantKey) -> bytes | None:
        """None: it doesn't open any more, and neither does anything below it."""
        try:
            return await self._provider.unwrap(row.wrapped, about_tenant_key(row.tenant, row.version))
        except (KeyGone, SealBroken) as error:
            log.error("tenant_key_gone", tenant=row.tenant, version=row.version, error=type(error).__name__)
            return None


def make_keyring(settings: KeySettings, before: Sealer) -> Keyring:
    """The keyring of a service. It opens nothing until a key is asked for."""
    store = KeyStore(postgres.make_pool(settings.keys_url, POOL_SIZE))
    return Keyring(store, provider_of(settings.key_provider, settings.vault_token_file), before)
