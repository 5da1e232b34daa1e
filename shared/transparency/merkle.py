"""Merkle trees as RFC 9162 hashes them (section 2.1; RFC 6962 has the same), with proofs made of stored hashes.

A *node* (level, index) is the perfect subtree over the 2^level leaves from index × 2^level on. Once all its leaves are
there its hash never changes, so a log stores the hash of each complete node, two for each leaf. Every other hash is a
fold of few of those: a root or a proof needs O(log n) of them, never the leaves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()

Node = tuple[int, int]
"""Level and index of a perfect subtree."""

Span = tuple[int, int]
"""Leaves from the first number up to, without, the second."""


class ProofBroken(Exception):  # noqa: N818 - an outcome
    """A proof doesn't show what it should."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside each other."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that is needed to append and to tell the root, in O(log n) memory."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        peaks, carry = self._peaks, self.size
        while carry & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            carry >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return fold(self._peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over adjoining perfect subtrees, each smaller than the one before it."""
    if not peaks:
        return EMPTY_ROOT
    *rest, root = peaks
    for peak in reversed(rest):
        root = node_hash(peak, root)
    return root


def cover(span: Span) -> list[Node]:
    """The perfect subtrees, from left to right, that a subtree of the log's tree consists of."""
    begin, end = span
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def _split(size: int) -> int:
    """The largest power of two below a size of two or more: where RFC 9162 divides a tree."""
    return 1 << (size - 1).bit_length() - 1


def inclusion(index: int, size: int) -> list[Span]:
    """Whose hashes prove that the leaf is in the tree, from its sibling up (RFC 9162, 2.1.3.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    found: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin = middle
    return found[::-1]


def consistency(first: int, second: int) -> list[Span]:
    """Whose hashes prove that the tree of ``second`` leaves begins with that of ``first`` (RFC 9162, 2.1.4.1).

    Raises:
        ValueError: ``first`` is 0, or above ``second``.
    """
    if not 0 < first <= second:
        raise ValueError("no such sizes")
    found: list[Span] = []
    begin, end = 0, second
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin = middle
    return ([] if begin == 0 else [(begin, end)]) + found[::-1]


def nodes(spans: Iterable[Span]) -> set[Node]:
    """The stored hashes that these spans need."""
    return {node for span in spans for node in cover(span)}


def hashes(spans: Iterable[Span], stored: Mapping[Node, bytes]) -> list[bytes]:
    """The spans' hashes. Raises `KeyError`: one that they need isn't stored."""
    return [fold([stored[node] for node in cover(span)]) for span in spans]


def completed(size: int) -> list[Node]:
    """The nodes above the leaves that the last leaf of a tree of this size completes, from below."""
    return [(level, (size >> level) - 1) for level in range(1, (size & -size).bit_length())]


def _climb(here: int, last: int, proof: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Each sibling on the way to the root, and whether it is the left one. Raises `ProofBroken`: another length."""
    for sibling in proof:
        if last == 0:
            raise ProofBroken("the proof is too long")
        left = bool(here & 1) or here == last
        while left and here and not here & 1:
            here, last = here >> 1, last >> 1
        yield left, sibling
        here, last = here >> 1, last >> 1
    if last:
        raise ProofBroken("the proof is too short")


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf's hash is in a tree (RFC 9162, 2.1.3.2). Raises `ProofBroken`."""
    if not 0 <= index < size:
        raise ProofBroken("no such leaf")
    for left, sibling in _climb(index, size - 1, proof):
        leaf = node_hash(sibling, leaf) if left else node_hash(leaf, sibling)
    if leaf != root:
        raise ProofBroken("the entry isn't in the tree")


def verify_consistency(first: int, second: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that a tree begins with an older one (RFC 9162, 2.1.4.2). Raises `ProofBroken`."""
    if not 0 <= first <= second:
        raise ProofBroken("the tree is smaller than it was")
    if first in {0, second}:
        if proof or old_root != (root if first else EMPTY_ROOT):
            raise ProofBroken("the trees differ")
        return
    path = list(proof) if first & (first - 1) else [old_root, *proof]
    if not path:
        raise ProofBroken("the proof is too short")
    shared = (first & -first).bit_length() - 1  # levels of the older tree's last complete subtree
    old = new = path[0]
    for left, sibling in _climb((first - 1) >> shared, (second - 1) >> shared, path[1:]):
        old = node_hash(sibling, old) if left else old
        new = node_hash(sibling, new) if left else node_hash(new, sibling)
    if (old, new) != (old_root, root):
        raise ProofBroken("the tree doesn't begin with the older one")
