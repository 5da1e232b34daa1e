"""`python -m shared.runtime.keys`: what it says where it can't."""

import os
import subprocess
import sys

import pytest

from deploy.local.home import REPO

NOWHERE = "postgresql://keys:secret@127.0.0.1:1/keys"
ID = "00000000-0000-0000-0000-000000000000"


def said(*words: str, **told: str) -> str:
    """What it says as it fails."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("UNSAID_")}
    command = [sys.executable, "-m", "shared.runtime.keys", *words]
    done = subprocess.run(command, env=plain | told, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert not done.stdout
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "words", [[], ["rotate"], ["rotate", "tenant"], ["rotate", "provider", ID], ["rotate", "all", ID], ["rewrap", ID]]
)
def test_what_there_is_is_said(words: list[str]) -> None:
    assert "rotate tenant ID" in said(*words, UNSAID_KEYS_URL=NOWHERE, UNSAID_KEY_PROVIDER="file:/none")


def test_without_the_owners_address_or_a_provider_nothing_is_done() -> None:
    assert "UNSAID_KEYS_URL must be set" in said("rewrap", UNSAID_KEY_PROVIDER="file:/none")
    assert "UNSAID_KEY_PROVIDER: must be file:" in said("rewrap", UNSAID_KEYS_URL=NOWHERE)


def test_a_store_that_is_away_and_an_id_that_is_none() -> None:
    told = {"UNSAID_KEYS_URL": NOWHERE, "UNSAID_KEY_PROVIDER": "file:/none"}
    assert "the key store or the provider is away" in said("rewrap", **told)
    assert "nonsense has no keys" in said("rotate", "tenant", "nonsense", **told)
