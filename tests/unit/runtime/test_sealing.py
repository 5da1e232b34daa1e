"""Sealing: what one context sealed opens there and nowhere else."""

import base64
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.contracts.ids import new_id
from shared.runtime.sealing import SealBroken, Sealer

SEALER = Sealer(SecretStr(base64.b64encode(bytes(range(32))).decode()))
OTHER = Sealer(SecretStr(base64.b64encode(bytes(range(1, 33))).decode()))
HERE, THERE = new_id(), new_id()
contents = st.binary(max_size=300)


@given(contents)
def test_what_is_sealed_opens_to_the_same(plain: bytes) -> None:
    assert SEALER.open(HERE, SEALER.seal(HERE, plain)) == plain


@given(contents)
def test_it_opens_in_no_other_context_and_under_no_other_key(plain: bytes) -> None:
    sealed = SEALER.seal(HERE, plain)
    for sealer, context in ((SEALER, THERE), (OTHER, HERE)):
        with pytest.raises(SealBroken):
            sealer.open(context, sealed)


@given(contents, st.integers(min_value=0), st.integers(1, 255))
def test_no_byte_can_be_altered(plain: bytes, where: int, flip: int) -> None:
    raw = bytearray(base64.b64decode(SEALER.seal(HERE, plain)))
    raw[where % len(raw)] ^= flip
    with pytest.raises(SealBroken):
        SEALER.open(HERE, base64.b64encode(raw).decode())


@given(contents, st.integers(0, 40))
def test_nothing_can_be_cut_off(plain: bytes, kept: int) -> None:
    raw = base64.b64decode(SEALER.seal(HERE, plain))
    for cut in (raw[: min(kept, len(raw) - 1)], raw[:-1], raw + b"\0"):
        with pytest.raises(SealBroken):
            SEALER.open(HERE, base64.b64encode(cut).decode())


def test_what_is_no_seal_at_all() -> None:
    for junk in ("", "!", "AQ==", "é", "AAAA"):
        with pytest.raises(SealBroken):
            SEALER.open(HERE, junk)


def test_the_same_content_never_looks_the_same() -> None:
    assert len({SEALER.seal(HERE, b"yes") for _ in range(50)}) == 50


def test_a_fingerprint_tells_lists_of_parts_apart() -> None:
    lists: list[tuple[str | None, ...]] = [
        (),
        ("",),
        (None,),
        ("", ""),
        ("a", "b"),
        ("ab",),
        ("ab", ""),
        ("", "ab"),
        ("ab", None),
        ("-",),
        (None, None),
        ("\0\0\0\0",),
        ("é",),
        ("e\u0301",),
    ]
    prints = [SEALER.fingerprint(HERE, *parts) for parts in lists]
    assert len(set(prints)) == len(lists)


@given(*[st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=4)] * 2)
def test_fingerprints_are_equal_exactly_where_the_parts_are(one: list[str | None], other: list[str | None]) -> None:
    same = SEALER.fingerprint(HERE, *one) == SEALER.fingerprint(HERE, *other)
    assert same == (one == other)


def test_a_fingerprint_is_its_contexts_and_its_keys_own() -> None:
    prints = [s.fingerprint(c, "yes") for s in (SEALER, OTHER) for c in (HERE, THERE)]
    assert all(a != b for a, b in combinations(prints, 2))
    assert SEALER.fingerprint(HERE, "yes") == SEALER.fingerprint(HERE, "yes")
