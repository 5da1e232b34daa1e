"""Checkpoints: what a log signs of itself (c2sp.org/tlog-checkpoint)."""

import re
from base64 import b64encode
from dataclasses import dataclass

from shared.transparency.merkle import HASH_BYTES
from shared.transparency.notes import Keys, NoteBroken, Signer, Verifier, from_base64

NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, how many leaves, and the root's hash."""

    origin: str
    size: int
    root: bytes

    def sign(self, signer: Signer) -> str:
        """The signed note."""
        return signer.sign(f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n")


def open_checkpoint(note: str, key: Verifier | Keys) -> Checkpoint:
    """A checkpoint that the log of this name signed. Raises `NoteBroken`."""
    lines = key.open(note).split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[0] != key.name or not NUMBER.fullmatch(lines[1]):
        raise NoteBroken("no checkpoint of this log")
    return Checkpoint(lines[0], int(lines[1]), hash_from(lines[2]))


def hash_from(text: str) -> bytes:
    """A hash in base64. Raises `NoteBroken`."""
    raw = from_base64(text)
    if len(raw) != HASH_BYTES:
        raise NoteBroken("no hash")
    return raw
