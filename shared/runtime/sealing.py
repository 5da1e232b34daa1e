"""Sealing of content: the one place where what people wrote becomes unreadable, and readable again.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, under a key that HKDF-SHA256 (RFC 5869) derives for each
context (a conversation, a tenant) from the deployment's key. The context is authenticated too, so that a content moved
to another conversation doesn't open. Equality is decided by an HMAC under another derived key: a plain hash of a short
text would give the text away.
"""

import os
from base64 import b64decode, b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

VERSION = b"\x01"
NONCE_BYTES = 12
KEY_CACHE = 20_000


class SealBroken(Exception):  # noqa: N818 - the domain's word
    """The content was made under another key or context, or altered."""


class Sealer:
    """Seals and opens contents under keys derived from the deployment's key (base64, 32 bytes)."""

    def __init__(self, key: SecretStr) -> None:
        self._root = b64decode(key.get_secret_value())
        self._cipher = lru_cache(maxsize=KEY_CACHE)(self._make_cipher)
        self._mac = lru_cache(maxsize=KEY_CACHE)(self._make_mac)

    def _derive(self, purpose: bytes, context: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"unsaid/" + purpose + b"/" + context.encode()).derive(self._root)

    def _make_cipher(self, context: str) -> AESGCM:
        return AESGCM(self._derive(b"seal", context))

    def _make_mac(self, context: str) -> HMAC:
        return HMAC(self._derive(b"mac", context), SHA256())

    def seal(self, context: str, plain: bytes) -> str:
        """Base64 of version, nonce and ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return b64encode(VERSION + nonce + self._cipher(context).encrypt(nonce, plain, context.encode())).decode()

    def open(self, context: str, sealed: str) -> bytes:
        """Raises `SealBroken` if the content isn't what was sealed in this context."""
        try:
            raw = b64decode(sealed)
            if raw[:1] != VERSION:
                raise SealBroken
            return self._cipher(context).decrypt(raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):  # altered, or no seal at all
            raise SealBroken from None

    def fingerprint(self, context: str, *parts: str | None) -> str:
        """Hex HMAC-SHA256 of the parts, each with its length, so that no two lists of parts look alike."""
        mac = self._mac(context).copy()
        for part in parts:
            raw = b"" if part is None else part.encode()
            mac.update((b"-" if part is None else len(raw).to_bytes(4, "big")) + raw)
        return mac.finalize().hex()
