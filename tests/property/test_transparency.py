"""Merkle trees against the definitions of RFC 9162, section 2.1, written down as they stand there."""

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transparency import merkle
from shared.transparency.checkpoints import Checkpoint, open_checkpoint
from shared.transparency.merkle import Frontier, Node, ProofBroken
from shared.transparency.notes import Keys, NoteBroken, Signer, Verifier
from shared.transparency.proofs import Proof

SIZES = st.integers(1, 300)
ENTRIES = [f"entry {n}".encode() for n in range(300)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def mth(entries: list[bytes]) -> bytes:
    """Section 2.1.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """Section 2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = split(n)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def stored(size: int) -> dict[Node, bytes]:
    """The nodes as a log stores them, leaf by leaf."""
    found: dict[Node, bytes] = {}
    for index in range(size):
        found[0, index] = LEAVES[index]
        for level, number in merkle.completed(index + 1):
            found[level, number] = merkle.node_hash(found[level - 1, 2 * number], found[level - 1, 2 * number + 1])
    return found


STORED = stored(300)


def root(size: int) -> bytes:
    return mth(ENTRIES[:size])


def test_every_complete_subtree_is_stored_once() -> None:
    for (level, index), found in STORED.items():
        assert found == mth(ENTRIES[index << level : (index + 1) << level])
    assert merkle.nodes((0, size) for size in range(301)) <= set(STORED)


@given(st.integers(0, 300))
def test_a_root(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert frontier.size == size
    assert frontier.root() == root(size)
    assert merkle.hashes([(0, size)], STORED) == [root(size)]


@given(st.data(), SIZES)
def test_inclusion(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.hashes(merkle.inclusion(index, size), STORED)
    assert proof == path(index, ENTRIES[:size])
    merkle.verify_inclusion(LEAVES[index], index, size, proof, root(size))
    assert len(merkle.nodes(merkle.inclusion(index, size))) <= 2 * size.bit_length()


@given(st.data(), SIZES)
def test_consistency(data: st.DataObject, second: int) -> None:
    first = data.draw(st.integers(1, second))
    proof = merkle.hashes(merkle.consistency(first, second), STORED)
    assert proof == subproof(first, ENTRIES[:second], True)
    merkle.verify_consistency(first, second, proof, root(first), root(second))


@given(st.data(), SIZES, st.integers(1, 300))
def test_a_wrong_proof_of_inclusion_is_refused(data: st.DataObject, size: int, claimed: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, 299))
    proof = merkle.hashes(merkle.inclusion(index, size), STORED)
    changed = data.draw(st.sampled_from(wrong(proof)))
    for leaf, at, of, shown, top in (
        (LEAVES[index], index, size, changed, root(size)),
        (LEAVES[other], index, size, proof, root(size)),
        (LEAVES[index], other, size, proof, root(size)),
        (LEAVES[index], index, size, proof, root(claimed)),
    ):
        if (leaf, at, shown, top) == (LEAVES[index], index, proof, root(size)):
            continue  # nothing was changed
        with pytest.raises(ProofBroken):
            merkle.verify_inclusion(leaf, at, of, shown, top)


@given(st.data(), st.integers(2, 300))
def test_a_wrong_proof_of_consistency_is_refused(data: st.DataObject, second: int) -> None:
    first = data.draw(st.integers(1, second - 1))
    other = data.draw(st.integers(1, 300).filter(lambda n: n != first))
    proof = merkle.hashes(merkle.consistency(first, second), STORED)
    for shown, old, new in (
        (data.draw(st.sampled_from(wrong(proof))), root(first), root(second)),
        (proof, root(other), root(second)),
        (proof, root(first), sha256(b"").digest()),
    ):
        with pytest.raises(ProofBroken):
            merkle.verify_consistency(first, second, shown, old, new)
    with pytest.raises(ProofBroken):
        merkle.verify_consistency(second, first, proof, root(second), root(first))


def wrong(proof: list[bytes]) -> list[list[bytes]]:
    """Proofs that differ from this one: a hash altered, missing, or one too many."""
    found = [[*proof, bytes(32)]]
    for index, one in enumerate(proof):
        found += [[*proof[:index], bytes([one[0] ^ 1]) + one[1:], *proof[index + 1 :]]]
        found += [[*proof[:index], *proof[index + 1 :]]]
    return found


def test_no_proof_of_what_is_not_there() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="no such leaf"):
            merkle.inclusion(index, size)
    for first, second in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="no such sizes"):
            merkle.consistency(first, second)
    merkle.verify_consistency(0, 5, [], root(0), root(5))
    merkle.verify_consistency(5, 5, [], root(5), root(5))
    with pytest.raises(ProofBroken):
        merkle.verify_consistency(5, 5, [], root(5), root(4))


# --- notes -----------------------------------------------------------------------------------------------------------

SIGNER = Signer("unsaid.example/consent/one", bytes(range(32)))
KEY = SIGNER.verifier


def test_the_example_of_the_go_library() -> None:
    """The key and the note of the documentation of golang.org/x/mod/sumdb/note, where the formats come from."""
    key = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    note = f"{text}\n— PeterNeumann {signature}\n"
    assert key.open(note) == text
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    with pytest.raises(NoteBroken):
        key.open(note.replace("cryptography", "kryptography"))


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_and_back(size: int, top: bytes) -> None:
    made = Checkpoint(KEY.name, size, top)
    note = made.sign(SIGNER)
    assert open_checkpoint(note, Verifier.parse(str(KEY))) == made
    cosigned = note + Signer("witness.example", bytes(32)).sign("another\n").split("\n\n")[1]
    assert open_checkpoint(cosigned, KEY) == made  # signatures of unknown keys are passed over


@given(st.data())
def test_a_changed_checkpoint_is_refused(data: st.DataObject) -> None:
    note = Checkpoint(KEY.name, 8, root(8)).sign(SIGNER)
    raw = bytearray(note.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 127))
    with pytest.raises(NoteBroken):
        open_checkpoint(raw.decode(errors="replace"), KEY)


@given(st.permutations(range(3)), st.sets(st.integers(0, 2), min_size=1))
def test_any_of_several_keys_is_enough_and_none_may_be_wrong(order: list[int], trusted: set[int]) -> None:
    """c2sp.org/signed-note: unknown signatures are passed over, one is needed, a wrong one refused."""
    signer = Signer(KEY.name, *(bytes([each]) * 32 for each in order))
    made = Checkpoint(KEY.name, 8, root(8))
    note = made.sign(signer)
    assert open_checkpoint(note, Keys(tuple(signer.verifiers[each] for each in trusted))) == made
    text, _, signatures = note.rpartition("\n\n")
    other = signer.sign("another\n").rpartition("\n\n")[2].splitlines()
    lines = [other[n] if n in trusted else line for n, line in enumerate(signatures.splitlines())]
    with pytest.raises(NoteBroken):
        open_checkpoint(text + "\n\n" + "".join(f"{line}\n" for line in lines), Keys(signer.verifiers))


def test_keys_of_several_names_are_none_of_a_log() -> None:
    with pytest.raises(NoteBroken):
        Keys((KEY, Signer("other", bytes(32)).verifier))
    with pytest.raises(NoteBroken):
        Keys.parse("")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n1\n",
        "a\n1\nAAAA\n",
        "{o}\n01\n{r}\n",
        "{o}\n-1\n{r}\n",
        "other\n1\n{r}\n",
        "{o}\n1\n{r}\n\nmore\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint(text: str) -> None:
    filled = text.format(o=KEY.name, r=b64encode(bytes(32)).decode())
    with pytest.raises((NoteBroken, ValueError)):
        open_checkpoint(SIGNER.sign(filled), KEY)


@pytest.mark.parametrize("text", ["", "a", "a+b", "a+b+c", str(KEY)[:-4] + "AAA=", "x" + str(KEY), str(KEY) + "+"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(NoteBroken):
        Verifier.parse(text)


# --- proofs ----------------------------------------------------------------------------------------------------------


def proof_of(index: int, size: int) -> Proof:
    hashes = tuple(merkle.hashes(merkle.inclusion(index, size), STORED))
    return Proof(index, hashes, Checkpoint(KEY.name, size, root(size)).sign(SIGNER))


@given(st.data(), SIZES)
def test_a_proof_and_back(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = proof_of(index, size)
    assert Proof.parse(str(made)) == made
    head, rest = str(made).split("\n", 1)
    more = replace(made, extra=b"abc")
    assert str(more) == f"{head}\nextra YWJj\n{rest}"
    assert Proof.parse(str(more)) == more
    assert more.verify(ENTRIES[index], KEY).size == size
    assert made.verify(ENTRIES[index], KEY).size == size
    with pytest.raises(ProofBroken):
        made.verify(ENTRIES[index] + b" ", KEY)
    with pytest.raises(NoteBroken):
        made.verify(ENTRIES[index], Signer(KEY.name, bytes(32)).verifier)


@given(st.data())
def test_a_changed_proof_is_refused(data: st.DataObject) -> None:
    raw = bytearray(str(proof_of(5, 11)).encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 127))
    with pytest.raises((NoteBroken, ProofBroken)):
        Proof.parse(raw.decode(errors="replace")).verify(ENTRIES[5], KEY)
