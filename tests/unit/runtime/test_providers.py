"""Both key providers keep the same promises; Vault's is tried against a server that speaks its documented API."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, TestServer

from shared.contracts.errors import KeyGone, Unavailable
from shared.runtime.keys.providers import FileProvider, KeyProvider, provider_of
from shared.runtime.sealing import SealBroken
from tests.support.transit import Transit

KEY = os.urandom(32)


@pytest_asyncio.fixture
async def transit() -> AsyncIterator[tuple[Transit, BaseTestServer]]:
    vault = Transit()
    async with TestServer(vault.app()) as server:
        yield vault, server


@pytest_asyncio.fixture(params=["file", "vault"])
async def provider(
    request: pytest.FixtureRequest, tmp_path: Path, transit: tuple[Transit, BaseTestServer]
) -> AsyncIterator[KeyProvider]:
    if request.param == "file":
        found = provider_of(f"file:{tmp_path / 'keys.json'}")
        await found.rotate()
    else:
        (tmp_path / "token").write_text(transit[0].token + "\n")
        found = provider_of(f"vault:{transit[1].make_url('/transit/unsaid')}", tmp_path / "token")
    yield found
    await found.close()


async def test_what_is_wrapped_opens_to_the_same_and_for_nothing_else(provider: KeyProvider) -> None:
    wrapped = await provider.wrap(KEY, "a")
    assert await provider.unwrap(wrapped, "a") == KEY
    with pytest.raises(SealBroken):
        await provider.unwrap(wrapped, "b")
    assert await provider.wrap(KEY, "a") != wrapped


async def test_older_versions_still_open_until_they_are_wrapped_anew(provider: KeyProvider) -> None:
    old = await provider.wrap(KEY, "a")
    assert await provider.rewrap(old, "a") == old
    await provider.rotate()
    assert await provider.unwrap(old, "a") == KEY
    new = await provider.rewrap(old, "a")
    assert new.split(":")[1] != old.split(":")[1]
    assert await provider.unwrap(new, "a") == KEY
    assert await provider.rewrap(new, "a") == new


@pytest.mark.parametrize("junk", ["", "other:1:AAAA", "file:x:AAAA"])
async def test_what_another_provider_wrapped_is_broken(provider: KeyProvider, junk: str) -> None:
    with pytest.raises(SealBroken):
        await provider.unwrap(junk, "a")


# --- a file ----------------------------------------------------------------------------------------------------------


async def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    await FileProvider(file).rotate()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"1":"AAAA"}', '{"x":"AAAA"}', '{"1":5}'])
async def test_a_file_that_is_gone_or_none_is_unavailable(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Unavailable):
        await FileProvider(file).wrap(KEY, "a")


async def test_a_version_that_was_taken_from_the_file_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    provider = FileProvider(file)
    await provider.rotate()
    wrapped = await provider.wrap(KEY, "a")
    file.write_text(file.read_text().replace('"1"', '"2"'))
    with pytest.raises(KeyGone) as gone:
        await provider.unwrap(wrapped, "a")
    assert gone.value.details == {"version": 1}


# --- Vault -----------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def vault(tmp_path: Path, transit: tuple[Transit, BaseTestServer]) -> AsyncIterator[KeyProvider]:
    (tmp_path / "token").write_text(transit[0].token)
    found = provider_of(f"vault:{transit[1].make_url('/transit/unsaid')}", tmp_path / "token")
    yield found
    await found.close()


async def test_vault_away_sealed_or_without_a_right_is_unavailable(
    vault: KeyProvider, transit: tuple[Transit, BaseTestServer], tmp_path: Path
) -> None:
    wrapped = await vault.wrap(KEY, "a")
    transit[0].sealed = True
    for asking in (vault.wrap(KEY, "a"), vault.unwrap(wrapped, "a"), vault.rotate()):
        with pytest.raises(Unavailable):
            await asking
    transit[0].sealed = False
    (tmp_path / "token").write_text("another")
    with pytest.raises(Unavailable):
        await vault.unwrap(wrapped, "a")
    (tmp_path / "token").unlink()
    with pytest.raises(Unavailable):
        await vault.unwrap(wrapped, "a")
    (tmp_path / "token").write_text(transit[0].token)  # renewed by whoever renews it
    assert await vault.unwrap(wrapped, "a") == KEY
    await transit[1].close()
    with pytest.raises(Unavailable):
        await vault.unwrap(wrapped, "a")


async def test_a_version_that_vault_may_not_open_any_more_is_gone(
    vault: KeyProvider, transit: tuple[Transit, BaseTestServer]
) -> None:
    wrapped = await vault.wrap(KEY, "a")
    await vault.rotate()
    transit[0].min_decryption_version = 2
    with pytest.raises(KeyGone) as gone:
        await vault.unwrap(wrapped, "a")
    assert gone.value.details == {"version": 1}


async def test_vault_is_asked_for_nothing_but_what_is_documented(
    vault: KeyProvider, transit: tuple[Transit, BaseTestServer]
) -> None:
    await vault.rewrap(await vault.wrap(KEY, "a"), "a")
    await vault.rotate()
    assert set(transit[0].asked) == {"encrypt", "decrypt", "keys"}


@pytest.mark.parametrize(
    "address", ["", "file:", "vault:", "vault:ftp://x/a/b", "vault:http://x/a", "vault:http://x/a/b/c", "kms:x"]
)
def test_an_address_that_names_no_provider(address: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        provider_of(address, Path("token"))


def test_vault_needs_a_token() -> None:
    with pytest.raises(ValueError, match="UNSAID_VAULT_TOKEN_FILE"):
        provider_of("vault:http://127.0.0.1:8200/transit/unsaid")
