"""Keys for tests: in memory for what stands alone, and a keyring of the tests' own on a platform's key store."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from pydantic import SecretStr

from deploy.local import postgres
from shared.contracts.keys import KeyName
from shared.runtime.keys.providers import FileProvider
from shared.runtime.keys.ring import Keyring
from shared.runtime.keys.store import KeyStore
from shared.runtime.postgres import make_pool
from shared.runtime.sealing import DataKey, Sealer
from tests.support.platform import Platform

SEALER = Sealer(SecretStr(b64encode(bytes(32)).decode()))


class Nowhere(KeyStore):
    """A store that is never asked."""

    def __init__(self) -> None:
        """Without a database."""


class HeldKeys(Keyring):
    """A key for every name, always at hand."""

    def __init__(self, folder: Path = Path("nowhere")) -> None:
        super().__init__(Nowhere(), FileProvider(folder), SEALER)

    def cached(self, name: KeyName) -> DataKey:
        return DataKey(name, {1: sha256(repr(name).encode()).digest()}, 1, SEALER)


@asynccontextmanager
async def keyring(platform: Platform) -> AsyncIterator[Keyring]:
    """What the session service has."""
    state = platform.state
    store = KeyStore(make_pool(SecretStr(postgres.keys_url(state, "session")), 1))
    ring = Keyring(store, FileProvider(platform.home / "keys.json"), Sealer(SecretStr(state.content_key)))
    try:
        yield ring
    finally:
        await ring.close()
