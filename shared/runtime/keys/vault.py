"""HashiCorp Vault (or OpenBao) as key provider: the Transit secrets engine's HTTP API.

The key must be of type ``aes256-gcm96``, which authenticates what a wrapped key is about (``associated_data``, since
Vault 1.9). https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

import asyncio
from base64 import b64decode, b64encode
from pathlib import Path

import aiohttp
import structlog

from shared.contracts.errors import KeyGone, Unavailable
from shared.runtime.sealing import SealBroken

log = structlog.get_logger()

ANSWER_S = 1.5
AT_ONCE = 16
TOO_OLD = "disallowed by policy"
"""In the error for a version below the key's ``min_decryption_version``."""
NO_SUCH_VERSION = ("no key version", "version is too new", "requested version")
"""In the errors for a version that was trimmed, or never was."""
BROKEN = ("message authentication failed", "invalid ciphertext", "could not decode", "unable to decrypt")


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


class VaultProvider:
    """One key of a Transit engine. A `shared.runtime.keys.providers.KeyProvider`."""

    def __init__(self, address: str, mount: str, key: str, token_file: Path) -> None:
        self._url = f"{address}/v1/{mount}"
        self._key = key
        self._token_file = token_file
        self._http: aiohttp.ClientSession | None = None

    async def wrap(self, key: bytes, about: str) -> str:
        body = {"plaintext": _b64(key), "associated_data": _b64(about.encode())}
        return await self._ask("encrypt", body, "ciphertext")

    async def unwrap(self, wrapped: str, about: str) -> bytes:
        if not wrapped.startswith("vault:v"):
            raise SealBroken
        body = {"ciphertext": wrapped, "associated_data": _b64(about.encode())}
        return b64decode(await self._ask("decrypt", body, "plaintext"))

    async def rewrap(self, wrapped: str, about: str) -> str:
        """Vault's own ``rewrap`` takes no associated data, so it is both of the others."""
        anew = await self.wrap(await self.unwrap(wrapped, about), about)
        return wrapped if _version(wrapped) == _version(anew) else anew

    async def rotate(self) -> None:
        await self._post(f"keys/{self._key}/rotate", {})

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _ask(self, verb: str, body: dict[str, str], member: str) -> str:
        answer = await self._post(f"{verb}/{self._key}", body)
        data = answer.get("data")
        found = data.get(member) if isinstance(data, dict) else None
        if not isinstance(found, str):
            raise Unavailable("key_provider")
        return found

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, object]:
        """Raises `Unavailable`, `KeyGone`, `SealBroken`, by what Vault answers."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE), timeout=aiohttp.ClientTimeout(total=ANSWER_S)
            )
        try:
            token = (await asyncio.to_thread(self._token_file.read_text)).strip()
            headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
            async with self._http.post(f"{self._url}/{path}", json=body, headers=headers) as response:
                answer: object = await response.json(content_type=None) if response.status != 204 else {}
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("key_provider_away", error=type(error).__name__)
            raise Unavailable("key_provider") from None
        found = answer if isinstance(answer, dict) else {}
        if status not in (200, 204):
            _refuse(status, str(found.get("errors", "")).lower(), body.get("ciphertext", ""))
        return found


def _refuse(status: int, reason: str, wrapped: str) -> None:
    if status == 400 and (TOO_OLD in reason or any(each in reason for each in NO_SUCH_VERSION)):
        raise KeyGone(_version(wrapped))
    if status == 400 and any(each in reason for each in BROKEN):
        raise SealBroken
    log.warning("key_provider_away", status=status)  # sealed, no right to it, no such key
    raise Unavailable("key_provider")


def _version(wrapped: str) -> int:
    """Of ``vault:v3:…``; 0 where it isn't that."""
    number = wrapped.removeprefix("vault:v").partition(":")[0]
    return int(number) if number.isdecimal() else 0
