"""Signed notes with Ed25519 (c2sp.org/signed-note), and the text form of a key that verifies them."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
NOTE_BYTES = 65_536
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")


class NoteBroken(Exception):  # noqa: N818 - an outcome
    """It is no signed note, or not signed by the key that it should be; or no key."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that verifies: its name and its 32 public bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.public) != KEY_BYTES:
            raise NoteBroken("no key")

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_BYTES]

    @property
    def encoded(self) -> str:
        """Type and public key, base64."""
        return b64encode(ED25519 + self.public).decode()

    def __str__(self) -> str:
        """``<name>+<id, hex>+<type and public key, base64>``, as golang.org/x/mod/sumdb/note writes it."""
        return f"{self.name}+{self.id.hex()}+{self.encoded}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Raises `NoteBroken`: it is no key."""
        name, _, rest = text.strip().partition("+")
        found, _, encoded = rest.partition("+")
        raw = from_base64(encoded)
        key = cls(name, raw[1:])
        if raw[:1] != ED25519 or found != key.id.hex():
            raise NoteBroken("no key")
        return key

    def open(self, note: str) -> str:
        """As `Keys.open`, with this key alone."""
        return Keys((self,)).open(note)

    def check(self, signature: bytes, text: str) -> None:
        """Raises `NoteBroken`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            raise NoteBroken("the signature is wrong") from None


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of one name, newest first: a note counts where one of them signed it, and none of them wrongly."""

    all: tuple[Verifier, ...]

    def __post_init__(self) -> None:
        if len({key.name for key in self.all}) != 1:
            raise NoteBroken("no keys of one name")

    @property
    def name(self) -> str:
        return self.all[0].name

    def __str__(self) -> str:
        """One a line."""
        return "".join(f"{key}\n" for key in self.all)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """Raises `NoteBroken`: a line is no key, or the keys have several names."""
        return cls(tuple(Verifier.parse(line) for line in text.strip().split("\n")))

    def open(self, note: str) -> str:
        """The text of a note that one of these keys signed, with its last newline. Raises `NoteBroken`."""
        text, separator, signatures = note.rpartition("\n\n")
        text += "\n"
        if not separator or len(note) > NOTE_BYTES or not signatures.endswith("\n") or _has_control(note):
            raise NoteBroken("no signed note")
        known = {(key.name, key.id): key for key in self.all}
        signed = False
        for line in signatures[:-1].split("\n"):
            found = _SIGNATURE.fullmatch(line)
            if found is None:
                raise NoteBroken("no signed note")
            raw = from_base64(found[2])
            key = known.get((found[1], raw[:ID_BYTES]))
            if key is not None:
                key.check(raw[ID_BYTES:], text)
                signed = True
        if not signed:
            raise NoteBroken("not signed by a key that is known")
        return text


class Signer:
    """Keys of one name that sign, each a line. ``seeds``: the 32 private bytes of RFC 8032 of each, newest first."""

    def __init__(self, name: str, *seeds: bytes) -> None:
        private = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
        self.verifiers = tuple(Verifier(name, key.public_key().public_bytes_raw()) for key in private)
        self._pairs = list(zip(self.verifiers, private, strict=True))

    @property
    def verifier(self) -> Verifier:
        """Of the newest key."""
        return self.verifiers[0]

    def sign(self, text: str) -> str:
        """The signed note of a text, which ends in a newline."""
        if not text.endswith("\n") or _has_control(text):
            raise ValueError("no text of a note")
        signed = [(key, b64encode(key.id + private.sign(text.encode())).decode()) for key, private in self._pairs]
        return f"{text}\n" + "".join(f"— {key.name} {signature}\n" for key, signature in signed)


def read_keys(text: str) -> tuple[list[bytes], list[bytes]]:
    """Private bytes of the Ed25519 keys that sign, newest first, and public bytes of those that sign no more.

    Args:
        text: keys separated by commas, each in base64: 32 private bytes (RFC 8032), or as a verifier key ends, the byte
            1 and 32 public bytes.

    Raises:
        ValueError: one is neither, or none signs.
    """
    raw = [b64decode(each, validate=True) for each in text.split(",")]
    seeds = [each for each in raw if len(each) == KEY_BYTES]
    retired = [each[1:] for each in raw if len(each) == KEY_BYTES + 1 and each[:1] == ED25519]
    if not seeds or len(seeds) + len(retired) != len(raw):
        raise ValueError("must be keys of 32 bytes in base64, separated by commas")
    return seeds, retired


def _has_control(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)


def from_base64(text: str) -> bytes:
    """Bytes of base64 in its one canonical form (RFC 4648, 3.5). Raises `NoteBroken`."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise NoteBroken("no base64") from None
    if b64encode(raw).decode() != text:
        raise NoteBroken("no base64")
    return raw
