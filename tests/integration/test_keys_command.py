"""`./unsaid keys`: what it does, and what it says where it can't."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from deploy.local.home import REPO
from tests.support.instances import database
from tests.support.participants import Conversation
from tests.support.platform import Platform


def keys(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(REPO / "unsaid"), "keys", *words],
        env={**os.environ, "UNSAID_HOME": str(home)},
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.timeout(180)
async def test_each_level_is_rotated_and_wrapped_anew(platform: Platform, talk: Conversation) -> None:
    await (await talk.join(talk.client)).post("still here")
    for words in (["conversation", talk.id], ["tenant", "demo"], ["provider"]):
        done = keys(platform.home, "rotate", *words)
        assert done.returncode == 0, done.stderr
    done = keys(platform.home, "rewrap")
    assert done.returncode == 0, done.stderr
    store = await database(platform, "keys")
    assert await store.fetchval("select count(*) from data_key where owner = $1", talk.id) == 2
    assert await store.fetchval("select bool_and(wrapped like 'file:2:%') from tenant_key")
    await store.close()
    status, body = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/messages")
    assert (status, [each["text"] for each in body["messages"]]) == (200, ["still here"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rotate", "conversation", str(uuid.uuid4())], "has no keys"),
        (["rotate", "conversation", "nonsense"], "has no keys"),
        (["rotate", "tenant", "nobody"], "has no keys"),
        (["rotate", "provider", "x"], "the provider has one key"),
        (["rotate", "tenant"], "the provider has one key"),
        (["rotate", "all"], "Invalid value"),
    ],
    ids=["unknown", "no id", "no tenant", "too much", "too little", "no level"],
)
def test_what_can_not_be_done_is_said(platform: Platform, words: list[str], said: str) -> None:
    done = keys(platform.home, *words)
    assert done.returncode != 0
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_without_a_platform_it_says_so(tmp_path: Path) -> None:
    done = keys(tmp_path / "none", "rewrap")
    assert done.returncode == 1
    assert "there is no platform here" in done.stderr + done.stdout
