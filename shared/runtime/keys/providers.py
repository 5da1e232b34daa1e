"""The key above all keys: never in the platform's databases, and asked for by this interface alone."""

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contracts.errors import KeyGone, Unavailable
from shared.runtime.keys.vault import VaultProvider
from shared.runtime.sealing import NONCE_BYTES, SealBroken

KEY_BYTES = 32


class KeyProvider(Protocol):
    """Wraps tenants' keys. Each method raises `Unavailable` where the provider is away."""

    async def wrap(self, key: bytes, about: str) -> str:
        """Wrap under the newest version. ``about`` is authenticated: what it names, and nothing else, opens it."""

    async def unwrap(self, wrapped: str, about: str) -> bytes:
        """Raises `KeyGone` (the version that wrapped it is no more), `SealBroken`."""

    async def rewrap(self, wrapped: str, about: str) -> str:
        """The same under the newest version, which it may have already. Raises as `unwrap` does."""

    async def rotate(self) -> None:
        """Add a version, which wraps from now on. The older ones still unwrap."""

    async def close(self) -> None: ...


class FileProvider:
    """Keys in a file that only its owner can read: ``{"1": base64 of 32 bytes, …}``; the highest number is the newest.

    AES-256-GCM. The file is read each time, so that a rotation needs no restart; the reads are as rare as misses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def _keys(self) -> dict[int, bytes]:
        try:
            found: object = json.loads(self._path.read_bytes())
            if not isinstance(found, dict) or not found:
                raise Unavailable("key_provider")
            keys = {int(version): b64decode(key, validate=True) for version, key in found.items()}
        except (OSError, ValueError, TypeError):
            raise Unavailable("key_provider") from None
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise Unavailable("key_provider")
        return keys

    async def wrap(self, key: bytes, about: str) -> str:
        keys = self._keys()
        version, nonce = max(keys), os.urandom(NONCE_BYTES)
        return f"file:{version}:{b64encode(nonce + AESGCM(keys[version]).encrypt(nonce, key, about.encode())).decode()}"

    async def unwrap(self, wrapped: str, about: str) -> bytes:
        kind, _, rest = wrapped.partition(":")
        number, _, sealed = rest.partition(":")
        if kind != "file" or not number.isdecimal():
            raise SealBroken
        key = self._keys().get(int(number))
        if key is None:
            raise KeyGone(int(number))
        try:
            raw = b64decode(sealed, validate=True)
            return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError):
            raise SealBroken from None

    async def rewrap(self, wrapped: str, about: str) -> str:
        key = await self.unwrap(wrapped, about)
        return wrapped if wrapped.startswith(f"file:{max(self._keys())}:") else await self.wrap(key, about)

    async def rotate(self) -> None:
        keys = self._keys() if self._path.exists() else {}
        new = max(keys, default=0) + 1
        keys[new] = os.urandom(KEY_BYTES)
        part = self._path.with_name(self._path.name + ".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({str(version): b64encode(key).decode() for version, key in keys.items()}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)

    async def close(self) -> None:
        """Nothing is open."""


def provider_of(address: str, token_file: Path | None = None) -> KeyProvider:
    """The provider that an address names. Raises ValueError.

    Args:
        address: ``file:/path``, or ``vault:http://host:8200/MOUNT/KEY``, a key of a Transit secrets engine.
        token_file: where the token for Vault is, which somebody else renews.
    """
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return FileProvider(Path(rest))
    if kind == "vault" and (parts := urlsplit(rest)).scheme in ("http", "https") and parts.path.count("/") == 2:
        if token_file is None:
            raise ValueError("Vault needs UNSAID_VAULT_TOKEN_FILE")
        _, mount, key = parts.path.split("/")
        return VaultProvider(f"{parts.scheme}://{parts.netloc}", mount, key, token_file)
    raise ValueError("must be file:/path or vault:http://host:8200/MOUNT/KEY")
