"""Proofs that an entry is in a log, which need nothing else but the log's public key (c2sp.org/tlog-proof)."""

from base64 import b64encode
from dataclasses import dataclass

from shared.transparency.checkpoints import NUMBER, Checkpoint, hash_from, open_checkpoint
from shared.transparency.merkle import leaf_hash, verify_inclusion
from shared.transparency.notes import Keys, NoteBroken, Verifier, from_base64

HEAD = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, the hashes from its sibling up, and the signed checkpoint of the tree that it is in.

    ``extra``: for whom it may concern; nobody vouches for it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def __str__(self) -> str:
        extra = [f"extra {b64encode(self.extra).decode()}"] if self.extra else []
        lines = [HEAD, *extra, f"index {self.index}", *(b64encode(each).decode() for each in self.hashes)]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Raises `NoteBroken`: it is no proof."""
        head, separator, checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = from_base64(lines.pop(0).removeprefix("extra "))
        name, _, number = lines[0].partition(" ") if lines else ("", "", "")
        if not separator or first != HEAD or name != "index" or not NUMBER.fullmatch(number):
            raise NoteBroken("no proof")
        return cls(int(number), tuple(hash_from(line) for line in lines[1:]), checkpoint, extra)

    def verify(self, entry: bytes, key: Verifier | Keys) -> Checkpoint:
        """The checkpoint of the log that holds the entry. Raises `NoteBroken`, `merkle.ProofBroken`."""
        checkpoint = open_checkpoint(self.checkpoint, key)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint
