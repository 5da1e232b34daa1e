"""Sealing of content: the one place where what people wrote becomes unreadable, and readable again.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. What people wrote or are called is sealed under a `DataKey` of
its own (`shared.runtime.keys`), which is random; what it is and where it belongs is authenticated with it. A `Sealer`
has keys that are derived from the deployment's: for what passes between processes, for looking people up by HMAC, and
for contents of before there were data keys. Equality is decided by an HMAC: a plain hash of a short text would give the
text away.
"""

import os
from base64 import b64decode, b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from shared.contracts.errors import KeyGone
from shared.contracts.keys import KeyName, Record

DERIVED = b"\x01"
NAMED = b"\x02"
"""First byte of a seal: under a key derived for a context; or under a version of a data key, which follows."""
VERSION_BYTES = 4
NONCE_BYTES = 12
_NONCE = 1 + VERSION_BYTES
_SEALED = _NONCE + NONCE_BYTES
"""Where nonce and ciphertext begin in a seal under a data key."""
KEY_CACHE = 20_000
TAG_CHARACTERS = 32


class SealBroken(Exception):  # noqa: N818 - the domain's word
    """The content was made under another key or context, or altered."""


def _mac_of(key: bytes) -> HMAC:
    return HMAC(key, SHA256())


def _fingerprint(keyed: HMAC, parts: tuple[str | None, ...]) -> str:
    """Hex HMAC-SHA256 of the parts, each with its length, so that no two lists of parts look alike."""
    mac = keyed.copy()
    for part in parts:
        raw = b"" if part is None else part.encode()
        mac.update((b"-" if part is None else len(raw).to_bytes(4, "big")) + raw)
    return mac.finalize().hex()


class Sealer:
    """Seals and opens under keys that HKDF-SHA256 (RFC 5869) derives for each context from the deployment's key."""

    def __init__(self, key: SecretStr) -> None:
        self._root = b64decode(key.get_secret_value())
        self._cipher = lru_cache(maxsize=KEY_CACHE)(self._make_cipher)
        self._mac = lru_cache(maxsize=KEY_CACHE)(self._make_mac)

    def _derive(self, purpose: bytes, context: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=b"unsaid/" + purpose + b"/" + context.encode()).derive(self._root)

    def _make_cipher(self, context: str) -> AESGCM:
        return AESGCM(self._derive(b"seal", context))

    def _make_mac(self, context: str) -> HMAC:
        return _mac_of(self._derive(b"mac", context))

    def seal(self, context: str, plain: bytes) -> str:
        """Base64 of version, nonce and ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return b64encode(DERIVED + nonce + self._cipher(context).encrypt(nonce, plain, context.encode())).decode()

    def open(self, context: str, sealed: str) -> bytes:
        """Raises `SealBroken` if the content isn't what was sealed in this context."""
        try:
            raw = b64decode(sealed)
            if raw[:1] != DERIVED:
                raise SealBroken
            return self._cipher(context).decrypt(raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):  # altered, or no seal at all
            raise SealBroken from None

    def fingerprint(self, context: str, *parts: str | None) -> str:
        """Hex HMAC-SHA256 of the parts under the context's key."""
        return _fingerprint(self._mac(context), parts)


def _header(version: int) -> bytes:
    """What a seal under this version of a data key begins with."""
    return NAMED + version.to_bytes(VERSION_BYTES, "big")


class DataKey:
    """The versions of one data key that there are: the newest that everybody knows seals, and each opens its own."""

    __slots__ = ("_before", "_ciphers", "_header", "_mac", "_prefix", "name")

    def __init__(self, name: KeyName, versions: Mapping[int, bytes], sealing: int, before: Sealer) -> None:
        """Versions are 32 bytes each; ``sealing`` is one of them; ``before`` opens what is older than data keys."""
        self.name = name
        self._header = _header(sealing)
        self._before = before
        self._prefix = f"{name.tenant}/{name.kind}/{name.owner}/"
        self._ciphers = {_header(version): (AESGCM(key), f"/{version}") for version, key in versions.items()}
        # Of the first version, so that a content's fingerprint stays the same when the key is rotated.
        first = versions[min(versions)]
        self._mac = _mac_of(HKDF(SHA256(), 32, salt=None, info=b"unsaid/mac").derive(first))

    def _context(self, record: Record) -> str:
        return self.name.owner if record.before is None else record.before

    def seal(self, record: Record, plain: bytes) -> str:
        """Base64 of the seal's kind, the key's version, nonce and ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        cipher, version = self._ciphers[self._header]
        about = f"{self._prefix}{record.what}/{record.id}{version}".encode()
        return b2a_base64(self._header + nonce + cipher.encrypt(nonce, plain, about), newline=False).decode()

    def open(self, record: Record, sealed: str) -> bytes:
        """Raises `SealBroken` if the content isn't what was sealed as this record; `KeyGone`."""
        try:
            raw = a2b_base64(sealed)
            found = self._ciphers.get(raw[:_NONCE])
            if found is None:
                return self._open_other(record, sealed, raw)
            cipher, version = found
            about = f"{self._prefix}{record.what}/{record.id}{version}".encode()
            return cipher.decrypt(raw[_NONCE:_SEALED], raw[_SEALED:], about)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _open_other(self, record: Record, sealed: str, raw: bytes) -> bytes:
        """What no version that there is has sealed: of before there were data keys, or of one that is gone."""
        if raw[:1] != NAMED:
            return self._before.open(self._context(record), sealed)
        if len(raw) < _SEALED:
            raise SealBroken
        raise KeyGone(int.from_bytes(raw[1:_NONCE], "big"))

    def fingerprint(self, *parts: str | None) -> str:
        """Hex HMAC-SHA256 of the parts."""
        return _fingerprint(self._mac, parts)

    def tag(self, *parts: str) -> str:
        """By what equal things are found again in what this key seals, and nowhere else: 128 bits of an HMAC, hex.

        Unlike a fingerprint it was never derived, so it dies with the key.
        """
        return _fingerprint(self._mac, ("tag", *parts))[:TAG_CHARACTERS]

    def same(self, stored: str, *parts: str | None) -> bool:
        """Whether a stored fingerprint is that of these parts, by this key or as of before there were data keys."""
        return stored in (_fingerprint(self._mac, parts), self._before.fingerprint(self.name.owner, *parts))
