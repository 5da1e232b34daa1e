"""Whatever is done to a log, the first place where it breaks is named; and nothing is named in a sound one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transparency.audit import Broken, Item, audit
from shared.transparency.checkpoints import Checkpoint
from shared.transparency.merkle import Frontier, leaf_hash
from shared.transparency.notes import NoteBroken, Signer

SIGNER = Signer("unsaid.example/consent/one", bytes(range(32)))
KEY = SIGNER.verifier

Log = list[Item]


def log_of(size: int) -> Log:
    entries = [f'{{"id":{n}}}'.encode() for n in range(size)]
    return [Item(entry, leaf_hash(entry)) for entry in entries]


def signed(log: Log, size: int | None = None) -> str:
    tree = Frontier()
    for item in log[:size]:
        assert item.known is not None
        tree.append(item.known)
    return Checkpoint(KEY.name, tree.size, tree.root()).sign(SIGNER)


def broken(log: Log, note: str, *former: str) -> tuple[str, int]:
    with pytest.raises(Broken) as caught:
        audit(lambda: log, KEY, note, former)
    return caught.value.what, caught.value.index


def entries_of(log: Log) -> list[bytes]:
    return [item.entry for item in log if item.entry is not None]


def against(entries: list[bytes], log: Log) -> Log:
    """These entries, beside the hashes of that log: what an export has of which somebody changed the entries."""
    longest = max(len(entries), len(log))
    return [
        Item(entries[n] if n < len(entries) else None, log[n].known if n < len(log) else None) for n in range(longest)
    ]


@given(st.data(), st.integers(0, 40))
def test_a_sound_log(data: st.DataObject, size: int) -> None:
    log = log_of(size)
    former = [signed(log, data.draw(st.integers(0, size))) for _ in range(3)]
    found = audit(lambda: log, KEY, signed(log), former)
    assert found.size == size
    older = signed(log, data.draw(st.integers(0, size)))
    audit(lambda: log, KEY, older)  # what came later isn't signed yet


@given(st.data(), st.integers(2, 40))
def test_one_byte(data: st.DataObject, size: int) -> None:
    log, at = log_of(size), data.draw(st.integers(0, size - 1))
    raw = bytearray(entries_of(log)[at])
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = [*log[:at], Item(bytes(raw), log[at].known), *log[at + 1 :]]
    what, index = broken(changed, signed(log))
    if bytes(raw) not in entries_of(log):
        assert what == f"entry {at} was altered"
    assert index == at


@given(st.data(), st.integers(2, 40))
def test_deleting(data: st.DataObject, size: int) -> None:
    log, at = log_of(size), data.draw(st.integers(0, size - 2))
    entries = entries_of(log)
    del entries[at]
    what, index = broken(against(entries, log), signed(log))
    assert (what, index) == (f"entry {at} was deleted; what was entry {at + 1} is in its place", at)
    gap = [*log[:at], Item(None, log[at].known), *log[at + 1 :]]
    assert broken(gap, signed(log)) == (f"entry {at} was deleted", at)
    both = [*log[:at], Item(None, None), *log[at + 1 :]]
    what, index = broken(both, signed(log))
    assert what.startswith(f"entry {at} was deleted; the hashes aren't what was signed")
    assert index == at


@given(st.data(), st.integers(1, 40))
def test_deleting_the_end(data: st.DataObject, size: int) -> None:
    log, left = log_of(size), data.draw(st.integers(0, size - 1))
    assert broken(log[:left], signed(log)) == (f"entry {left} was deleted, and all that followed", left)
    what, index = broken(log[:left], signed(log, left), signed(log))
    assert what == f"the log is cut off: it ends before entry {left}, and once had {size}"
    assert index == left


@given(st.data(), st.integers(1, 40))
def test_inserting(data: st.DataObject, size: int) -> None:
    log, at = log_of(size), data.draw(st.integers(0, size))
    entries = entries_of(log)
    entries.insert(at, b"forged")
    assert broken(against(entries, log), signed(log)) == (f"entry {at} was inserted", at)


@given(st.data(), st.integers(2, 40))
def test_reordering(data: st.DataObject, size: int) -> None:
    log = log_of(size)
    one = data.draw(st.integers(0, size - 2))
    other = data.draw(st.integers(one + 1, size - 1))
    entries = entries_of(log)
    entries[one], entries[other] = entries[other], entries[one]
    what, index = broken(against(entries, log), signed(log))
    assert what == f"entry {one} was reordered: entry {other} is in its place, and it is at place {other}"
    assert index == one


@given(st.data(), st.integers(1, 40))
def test_altering_a_hash_alone(data: st.DataObject, size: int) -> None:
    log, at = log_of(size), data.draw(st.integers(0, size - 1))
    changed = [*log[:at], Item(log[at].entry, bytes(32)), *log[at + 1 :]]
    assert broken(changed, signed(log)) == (f"hash {at} was altered; the entries are what was signed", at)


@given(st.data(), st.integers(1, 40))
def test_rewriting_with_the_hashes(data: st.DataObject, size: int) -> None:
    """Who rewrites the hashes as well is caught between the checkpoints that were signed."""
    log, at = log_of(size), data.draw(st.integers(0, size - 1))
    rewritten = [*log[:at], Item(b"forged", leaf_hash(b"forged")), *log[at + 1 :]]
    what, index = broken(rewritten, signed(log))
    assert what == f"the log was rewritten, with its hashes: first between entry 0 and entry {size - 1}"
    what, index = broken(rewritten, signed(log), *(signed(log, n) for n in range(size + 1)))
    assert what == f"the log was rewritten, with its hashes: first between entry {at} and entry {at}"
    assert index == at


def test_another_key() -> None:
    log = log_of(3)
    stranger = Signer(KEY.name, bytes(32)).verifier
    with pytest.raises(NoteBroken):
        audit(lambda: log, stranger, signed(log))
    with pytest.raises(NoteBroken):
        audit(lambda: log, KEY, signed(log), ["no checkpoint"])
