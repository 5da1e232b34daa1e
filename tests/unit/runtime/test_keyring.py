"""The keyring: one look-up for many, nothing kept too long, nothing made up where the store is away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.errors import Erased, KeyGone, Unavailable
from shared.contracts.ids import new_id
from shared.contracts.keys import KeyName, conversation_key, message
from shared.runtime.keys import ring as module
from shared.runtime.keys.providers import FileProvider
from shared.runtime.keys.ring import CACHED_S, SETTLED_S, STALE_S, Keyring
from shared.runtime.keys.store import Found, KeyStore, Wrapped, WrappedTenantKey
from shared.runtime.sealing import _header as module_header
from tests.support.keys import SEALER

TENANT = new_id()


class Memory(KeyStore):
    """A key store without a database."""

    def __init__(self) -> None:
        self.keys: list[Wrapped] = []
        self.of_tenants: list[WrappedTenantKey] = []
        self.gone: set[str] = set()
        self.reads: list[list[KeyName]] = []
        self.away = False
        self.hold: asyncio.Event | None = None

    async def read(self, names: Any) -> Found:
        self.reads.append(list(names))
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise ConnectionRefusedError
        erased = {name for name in names if name.owner in self.gone}
        return Found([key for key in self.keys if key.name in set(names) - erased], erased)

    async def tenant_keys(self, tenants: Any) -> list[WrappedTenantKey]:
        return [key for key in self.of_tenants if key.tenant in tenants]

    async def add_tenant_key(self, tenant: str, version: int, wrapped: str) -> None:
        self.of_tenants.append(WrappedTenantKey(tenant, version, wrapped))

    async def add(self, keys: Any) -> None:
        self.keys += [key for key in keys if key.name.owner not in self.gone]

    async def destroy(self, tenant: str, owner: str) -> None:
        self.gone.add(owner)

    def close(self) -> None:
        """Nothing is open."""


class Clock:
    """The loop's clock, set forward at will."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self._ahead)

    def pass_by(self, seconds: float) -> None:
        self._ahead += seconds


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> FileProvider:
    found = FileProvider(tmp_path / "keys.json")
    await found.rotate()
    return found


def name() -> KeyName:
    return conversation_key(TENANT, new_id())


async def test_a_key_is_made_once_and_is_the_same_for_all(provider: FileProvider) -> None:
    store, wanted = Memory(), name()
    one, other = Keyring(store, provider, SEALER), Keyring(store, provider, SEALER)
    sealed = (await one.of(wanted)).seal(message(TENANT), b"x")
    assert (await other.of(wanted)).open(message(TENANT), sealed) == b"x"
    assert len(store.keys) == 1


async def test_what_is_asked_for_meanwhile_goes_together(provider: FileProvider) -> None:
    store, names = Memory(), [name() for _ in range(50)]
    keys = Keyring(store, provider, SEALER)
    store.hold = asyncio.Event()
    asking = [asyncio.create_task(keys.of(each)) for each in names]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.hold.set()
    await asyncio.gather(*asking)
    # The first alone, then all others; each once before there was a key, and once after.
    assert [len(read) for read in store.reads] in ([1, 1, 49, 49], [50, 50])
    await keys.load(names)
    assert len(store.reads) <= 4


async def test_without_the_store_nothing_is_made_up(provider: FileProvider) -> None:
    store, wanted = Memory(), name()
    keys = Keyring(store, provider, SEALER)
    store.away = True
    with pytest.raises(Unavailable):
        await keys.of(wanted)
    reads = len(store.reads)
    with pytest.raises(Unavailable):
        await keys.of(wanted)
    assert len(store.reads) == reads, "asked again at once"


async def test_a_key_is_kept_for_five_minutes_at_most(provider: FileProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    store, wanted, clock = Memory(), name(), Clock(monkeypatch)
    keys = Keyring(store, provider, SEALER)
    await keys.of(wanted)
    store.away = True
    clock.pass_by(STALE_S + 1)
    assert await keys.of(wanted) is keys.cached(wanted)  # the store is away, and the key still good
    clock.pass_by(CACHED_S - STALE_S)
    with pytest.raises(Unavailable):
        keys.cached(wanted)
    with pytest.raises(Unavailable):
        await keys.of(wanted)
    store.away = False
    clock.pass_by(1)
    await keys.of(wanted)


async def test_its_time_begins_with_the_look_up_not_with_its_answer(
    provider: FileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, wanted, clock = Memory(), name(), Clock(monkeypatch)
    keys = Keyring(store, provider, SEALER)
    monkeypatch.setattr(module, "LOOK_UP_S", 1_000)
    await Keyring(store, provider, SEALER).of(wanted)
    store.hold = asyncio.Event()
    asking = asyncio.create_task(keys.of(wanted))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.pass_by(CACHED_S - 1)
    store.hold.set()
    await asking
    store.away = True
    clock.pass_by(2)
    with pytest.raises(Unavailable):
        keys.cached(wanted)


async def test_what_is_held_is_looked_up_again_in_time(provider: FileProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    store, wanted, clock = Memory(), name(), Clock(monkeypatch)
    monkeypatch.setattr(module, "RENEW_S", 0)
    keys = Keyring(store, provider, SEALER)
    await keys.of(wanted)
    clock.pass_by(STALE_S + 1)
    first = keys.cached(wanted)
    keeping = asyncio.create_task(keys.keep(lambda: [wanted]))
    async with asyncio.timeout(5):
        while keys.cached(wanted) is first:  # noqa: ASYNC110 - a task of its own sees to it
            await asyncio.sleep(0)
    keeping.cancel()


async def test_an_erased_one_is_forgotten_at_once_and_never_made_again(provider: FileProvider) -> None:
    store, wanted = Memory(), name()
    keys = Keyring(store, provider, SEALER)
    await keys.of(wanted)
    keys.drop(TENANT, wanted.owner)
    with pytest.raises(Erased):
        keys.cached(wanted)
    await keys.destroy(TENANT, wanted.owner)
    with pytest.raises(Erased):
        await Keyring(store, provider, SEALER).of(wanted)


async def test_a_new_version_seals_only_when_everybody_can_know_it(provider: FileProvider) -> None:
    store, wanted = Memory(), name()
    await Keyring(store, provider, SEALER).of(wanted)
    (tenant_key,) = store.of_tenants
    by = await provider.unwrap(tenant_key.wrapped, module.about_tenant_key(TENANT, 1))
    for age_s, version in ((SETTLED_S - 1, 1), (SETTLED_S, 2)):
        new = Wrapped(wanted, 2, 1, module.wrap(bytes(32), by, wanted, 2), age_s)
        store.keys = [store.keys[0], new]
        key = await Keyring(store, provider, SEALER).of(wanted)
        assert key._header == module_header(version)
        assert key.open(message(TENANT), key.seal(message(TENANT), b"x")) == b"x"


async def test_where_no_version_of_the_tenants_key_opens_only_its_own_keys_are_gone(provider: FileProvider) -> None:
    store, wanted = Memory(), name()
    await Keyring(store, provider, SEALER).of(wanted)
    store.of_tenants = [WrappedTenantKey(TENANT, 1, store.of_tenants[0].wrapped.replace("file:1:", "file:7:"))]
    keys, other = Keyring(store, provider, SEALER), conversation_key(new_id(), new_id())
    await keys.load([wanted, other])
    with pytest.raises(KeyGone):
        keys.cached(wanted)
    assert keys.cached(other).name == other
    with pytest.raises(KeyGone):
        await keys.of(name())  # nothing new can be sealed either
