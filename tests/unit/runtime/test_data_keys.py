"""What a data key sealed opens as that record under that key and version, and as nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.errors import KeyGone
from shared.contracts.ids import new_id
from shared.contracts.keys import KeyName, Record, conversation_key, message, names
from shared.runtime.sealing import DataKey, SealBroken
from tests.support.keys import SEALER

NAME = conversation_key(new_id(), new_id())
RECORD = message(new_id())
OLD, NEW = bytes(range(32)), bytes(range(1, 33))
KEY = DataKey(NAME, {1: OLD, 2: NEW}, 2, SEALER)
contents = st.binary(max_size=300)


@given(contents)
def test_what_is_sealed_opens_to_the_same(plain: bytes) -> None:
    assert KEY.open(RECORD, KEY.seal(RECORD, plain)) == plain


@pytest.mark.parametrize("changed", ["tenant", "kind", "owner"])
def test_it_opens_under_no_other_name(changed: str) -> None:
    other: KeyName = NAME._replace(**{changed: new_id()})
    with pytest.raises(SealBroken):  # not even by the very same bytes
        DataKey(other, {2: NEW}, 2, SEALER).open(RECORD, KEY.seal(RECORD, b"x"))


@pytest.mark.parametrize("other", [message(new_id()), Record("mark", RECORD.id)], ids=["id", "what"])
def test_it_opens_as_no_other_record(other: Record) -> None:
    with pytest.raises(SealBroken):
        KEY.open(other, KEY.seal(RECORD, b"x"))


@given(contents, st.integers(min_value=0), st.integers(1, 255))
def test_no_byte_can_be_altered(plain: bytes, where: int, flip: int) -> None:
    raw = bytearray(base64.b64decode(KEY.seal(RECORD, plain)))
    raw[where % len(raw)] ^= flip
    with pytest.raises((SealBroken, KeyGone)):
        KEY.open(RECORD, base64.b64encode(raw).decode())


def test_a_version_can_not_be_passed_off_as_another() -> None:
    same = DataKey(NAME, {1: NEW, 2: NEW}, 2, SEALER)
    raw = bytearray(base64.b64decode(same.seal(RECORD, b"x")))
    raw[4] = 1
    with pytest.raises(SealBroken):
        same.open(RECORD, base64.b64encode(raw).decode())


@given(contents, st.integers(0, 40))
def test_nothing_can_be_cut_off(plain: bytes, kept: int) -> None:
    raw = base64.b64decode(KEY.seal(RECORD, plain))
    for cut in (raw[: min(kept, len(raw) - 1)], raw[:-1], raw + b"\0"):
        with pytest.raises(SealBroken):
            KEY.open(RECORD, base64.b64encode(cut).decode())


def test_what_is_no_seal_at_all() -> None:
    for junk in ("", "!", "Ag==", "é", "AAAA", base64.b64encode(b"\x02\0\0\0\x02" + bytes(12)).decode()):
        with pytest.raises(SealBroken):
            KEY.open(RECORD, junk)


def test_old_versions_still_open_and_a_version_that_is_gone_has_its_own_error() -> None:
    before = DataKey(NAME, {1: OLD}, 1, SEALER).seal(RECORD, b"before")
    assert KEY.open(RECORD, before) == b"before"
    with pytest.raises(KeyGone) as gone:
        DataKey(NAME, {2: NEW}, 2, SEALER).open(RECORD, before)
    assert gone.value.details == {"version": 1}


def test_what_was_sealed_before_there_were_data_keys_still_opens() -> None:
    assert KEY.open(RECORD, SEALER.seal(NAME.owner, b"old")) == b"old"
    conversation = new_id()
    assert KEY.open(names(conversation), SEALER.seal(conversation, b"old")) == b"old"
    with pytest.raises(SealBroken):
        KEY.open(RECORD, SEALER.seal(new_id(), b"old"))


def test_a_fingerprint_outlives_a_rotation_and_is_no_other_keys() -> None:
    first = DataKey(NAME, {1: OLD}, 1, SEALER)
    assert first.fingerprint("yes") == KEY.fingerprint("yes")
    assert first.fingerprint("yes") != DataKey(NAME, {1: NEW}, 1, SEALER).fingerprint("yes")
    assert first.fingerprint("yes") != SEALER.fingerprint(NAME.owner, "yes")
    for known in (KEY.fingerprint("yes"), SEALER.fingerprint(NAME.owner, "yes")):
        assert KEY.same(known, "yes")
        assert not KEY.same(known, "no")


def test_the_same_content_never_looks_the_same() -> None:
    assert len({KEY.seal(RECORD, b"yes") for _ in range(50)}) == 50


def test_a_tag_finds_the_same_again_under_its_key_alone() -> None:
    tag = KEY.tag("emoji", "🐢")
    rotated = DataKey(NAME, {1: OLD, 2: NEW, 3: bytes(range(2, 34))}, 3, SEALER)
    assert tag == rotated.tag("emoji", "🐢")
    assert len(tag) == 32
    assert len({tag, KEY.tag("emoji", "🐇"), KEY.tag("other", "🐢"), KEY.tag("emoji🐢")}) == 4
    assert DataKey(NAME, {2: NEW}, 2, SEALER).tag("emoji", "🐢") != tag
    assert not KEY.fingerprint("emoji", "🐢").startswith(tag)
