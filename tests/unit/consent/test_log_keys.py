"""The setting that names the keys of the consent logs."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.local import consent_cli
from services.consent.domain.log import Logs
from shared.transparency.notes import Keys, Signer, read_keys


def key(raw: bytes) -> str:
    return b64encode(raw).decode()


FIRST, SECOND = bytes(range(32)), bytes(32)
SECOND_PUBLIC = b"\x01" + Signer("any", SECOND).verifier.public


def test_the_first_is_the_newest_and_public_keys_only_verify() -> None:
    both = Logs("unsaid.example", SecretStr(f"{key(FIRST)},{key(SECOND)}"))
    retired = Logs("unsaid.example", SecretStr(f"{key(FIRST)},{key(SECOND_PUBLIC)}"))
    assert both.keys(both.signer("t", 0)) == retired.keys(retired.signer("t", 0))
    assert both.signer("t", 0).verifier == Signer("unsaid.example/consent/t", FIRST).verifier
    assert len(both.signer("t", 0).sign("x\n").split("\n\n")[1].splitlines()) == 2
    note = retired.signer("t", 0).sign("x\n")
    assert len(note.split("\n\n")[1].splitlines()) == 1
    assert Keys.parse(str(both.keys(both.signer("t", 0)))).open(note) == "x\n"


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=4, unique=True))
def test_turning_keys_never_loses_one(seeds: list[bytes]) -> None:
    """Base64 may hold the `+` that parts a verifier key."""
    before = Logs("unsaid.example", SecretStr(",".join(map(key, seeds))))
    setting = consent_cli.retired(",".join(map(key, seeds)))
    assert consent_cli.retired(setting) == setting
    after = Logs("unsaid.example", SecretStr(setting))
    assert after.keys(after.signer("t", 0)) == before.keys(before.signer("t", 0))
    assert after.signer("t", 0).verifiers == before.signer("t", 0).verifiers[:1]
    for seed in seeds[1:]:
        assert key(seed) not in setting


@pytest.mark.parametrize(
    "keys",
    ["", "x", key(FIRST[1:]), f"{key(FIRST)},", key(SECOND_PUBLIC), f"{key(FIRST)},{key(bytes(33))}"],
    ids=["none", "no base64", "too short", "an empty one", "none signs", "no public key"],
)
def test_what_is_no_setting_is_refused(keys: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_keys(keys)
