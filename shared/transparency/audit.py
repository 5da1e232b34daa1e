"""Auditing a log: each entry against the hash that the log keeps of it, and all of them against what was signed.

Streamed: memory doesn't grow with the log. Where something is wrong, the first place is named.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.transparency.checkpoints import Checkpoint, open_checkpoint
from shared.transparency.merkle import Frontier, leaf_hash
from shared.transparency.notes import Keys, Verifier


@dataclass(frozen=True, slots=True)
class Item:
    """What a log has at one place: the entry, and the hash of it as a leaf. Neither may be missing."""

    entry: bytes | None
    known: bytes | None

    @property
    def fits(self) -> bool:
        return self.entry is not None and leaf_hash(self.entry) == self.known


class Broken(Exception):  # noqa: N818 - an outcome
    """The log isn't what was signed.

    Args:
        what: in words.
        index: the first place where it breaks.
        entry: what is there now, if anything.
    """

    def __init__(self, what: str, index: int, entry: bytes | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.index = index
        self.entry = entry


Read = Callable[[], Iterable[Item]]
"""Begins to read the log, from its first entry on. Called again where a break is to be explained."""


def audit(read: Read, key: Verifier | Keys, note: str, former: Sequence[str] = ()) -> Checkpoint:
    """Check a log against its checkpoint and against former ones that somebody kept; the checkpoint.

    What was appended after the checkpoint was signed is checked against its hashes alone.

    Raises:
        NoteBroken: a checkpoint isn't signed by this key, or by one of these.
        Broken: the log is another one than was signed.
    """
    checkpoint = open_checkpoint(note, key)
    signed = sorted([checkpoint, *(open_checkpoint(each, key) for each in former)], key=lambda each: each.size)
    if signed[-1].size > checkpoint.size:
        what = f"the log is cut off: it ends before entry {checkpoint.size}, and once had {signed[-1].size}"
        raise Broken(what, checkpoint.size)
    tree, sure = Frontier(), 0
    for item in read():
        sure = _compare(signed, tree, sure)
        if not item.fits or item.known is None:
            raise _explained(read, tree.size, item, checkpoint)
        tree.append(item.known)
    sure = _compare(signed, tree, sure)
    if signed:
        raise Broken(f"entry {tree.size} was deleted, and all that followed", tree.size)
    return checkpoint


def _compare(signed: list[Checkpoint], tree: Frontier, sure: int) -> int:
    """Compare the tree with what was signed of this size; up to where it is sure to be right."""
    while signed and signed[0].size == tree.size:
        if signed.pop(0).root != tree.root():
            what = f"the log was rewritten, with its hashes: first between entry {sure} and entry {tree.size - 1}"
            raise Broken(what, sure)
        sure = tree.size
    return sure


def _explained(read: Read, index: int, item: Item, checkpoint: Checkpoint) -> Broken:
    """What became of the entry at the first place that doesn't fit."""
    found = None if item.entry is None else leaf_hash(item.entry)
    wanted, place, came_from, known, entries = item.known, None, None, Frontier(), Frontier()
    for at, other in enumerate(read()):
        other_hash = None if other.entry is None else leaf_hash(other.entry)
        if found is not None and other.known == found:
            place = at
        if wanted is not None and other_hash == wanted:
            came_from = at
        if at < checkpoint.size:
            known.append(other.known or b"")
            entries.append(other_hash or b"")
    if index < entries.size == checkpoint.size and entries.root() == checkpoint.root:
        return Broken(f"hash {index} was altered; the entries are what was signed", index, item.entry)
    what = f"entry {index} {_change(item, place, came_from)}"
    if known.size != checkpoint.size or known.root() != checkpoint.root:
        what += "; the hashes aren't what was signed either"
    return Broken(what, index, item.entry)


def _change(item: Item, place: int | None, came_from: int | None) -> str:
    """``place``: where what is here belongs. ``came_from``: where what belongs here is."""
    if item.entry is None:
        return "was deleted" if came_from is None else f"was moved to place {came_from}"
    if item.known is None or (place is None and came_from is not None):
        return "was inserted"
    if place is None:
        return "was altered"
    if came_from is None:
        return f"was deleted; what was entry {place} is in its place"
    return f"was reordered: entry {place} is in its place, and it is at place {came_from}"
