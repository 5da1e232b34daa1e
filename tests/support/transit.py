"""A server that speaks the Transit API of HashiCorp Vault as it is documented, in the little that the platform uses.

https://developer.hashicorp.com/vault/api-docs/secret/transit: encrypt, decrypt, rotate; key type ``aes256-gcm96`` with
``associated_data``, ``min_decryption_version``, errors as ``{"errors": [...]}``. It stands in for a Vault that can't be
had here; it is not one.
"""

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"errors": [text]}, status=status)


@dataclass
class Transit:
    """One key of one engine, at ``/v1/transit``."""

    token: str = "s.token"
    keys: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    min_decryption_version: int = 1
    sealed: bool = False
    asked: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/v1/transit/{verb}/{rest:.+}", self._serve)])
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        verb, rest = request.match_info["verb"], request.match_info["rest"]
        self.asked.append(verb)
        if self.sealed:
            return _error(503, "Vault is sealed")
        if request.headers.get("X-Vault-Token") != self.token:
            return _error(403, "permission denied")
        body = await request.json()
        match verb, rest:
            case "encrypt", "unsaid":
                return self._encrypt(body)
            case "decrypt", "unsaid":
                return self._decrypt(body)
            case "keys", "unsaid/rotate":
                self.keys.append(os.urandom(32))
                return web.Response(status=204)
            case _:
                return _error(400, "encryption key not found")

    def _encrypt(self, body: dict[str, str]) -> web.Response:
        nonce = os.urandom(12)
        about = b64decode(body.get("associated_data", ""))
        raw = nonce + AESGCM(self.keys[-1]).encrypt(nonce, b64decode(body["plaintext"]), about)
        version = len(self.keys)
        return web.json_response(
            {"data": {"ciphertext": f"vault:v{version}:{b64encode(raw).decode()}", "key_version": version}}
        )

    def _decrypt(self, body: dict[str, str]) -> web.Response:
        version, _, sealed = body["ciphertext"].removeprefix("vault:v").partition(":")
        if int(version) < self.min_decryption_version:
            return _error(400, "ciphertext or signature version is disallowed by policy (too old)")
        raw = b64decode(sealed)
        about = b64decode(body.get("associated_data", ""))
        try:
            plain = AESGCM(self.keys[int(version) - 1]).decrypt(raw[:12], raw[12:], about)
        except InvalidTag:
            return _error(400, "cipher: message authentication failed")
        return web.json_response({"data": {"plaintext": b64encode(plain).decode()}})
