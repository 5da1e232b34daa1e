"""`./unsaid live off`: an operator stops live text everywhere, or for one tenant, at once."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.home import REPO
from tests.support.instances import gateway, ready
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
AT_ONCE_S = 1.0


async def switched(platform: Platform, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "UNSAID_HOME": str(platform.home)}
    command = [sys.executable, str(REPO / "unsaid"), "live", *words]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=REPO, capture_output=True, text=True, check=False
    )


@pytest_asyncio.fixture
async def on_afterwards(platform: Platform) -> AsyncIterator[None]:
    yield
    for words in (("on",), ("on", "--tenant", "demo")):
        assert (await switched(platform, *words)).returncode == 0


async def draft_of(author: Participant) -> str:
    await author.consent("live_text")
    await author.ok("live.toggle", on=True)
    draft = str(uuid.uuid4())
    await author.ok("live.reset", draft=draft, rev=1, text="a")
    return draft


@pytest.mark.usefixtures("on_afterwards")
@pytest.mark.parametrize("words", [("off",), ("off", "--tenant", "demo")], ids=["everywhere", "tenant"])
async def test_off_stops_it_on_every_gateway(
    platform: Platform, talk: Conversation, pair: Pair, words: tuple[str, ...]
) -> None:
    client, therapist = pair
    draft = await draft_of(client)
    with gateway(platform, "gateway-switched") as (address, _):
        await ready(address)
        far = await talk.arrive(await talk.token(talk.therapist), address)
        for reader in (therapist, far):
            await reader.until("live.reset", draft=draft)
        assert (await switched(platform, *words)).returncode == 0
        done = time.monotonic()
        for reader in (therapist, far):
            await reader.until("live.clear", draft=draft)
            await reader.until("live.changed", on=False)
        assert time.monotonic() - done < AT_ONCE_S
        for kind, members in (("live.toggle", {"on": True}), ("live.reset", {"draft": draft, "rev": 2, "text": "b"})):
            error = await client.ask(kind, **members)
            assert (error["code"], error["details"]["reason"]) == ("live_off", "operator")
        await far.leave()
    assert (await switched(platform, "on", *words[1:])).returncode == 0
    assert await client.refused("live.reset", draft=draft, rev=2, text="b") == "live_off"  # nobody is switched on
    async with asyncio.timeout(AT_ONCE_S):
        while (await client.ask("live.toggle", on=True))["type"] != "ok":
            pass
    await client.ok("live.reset", draft=draft, rev=2, text="b")
    assert (await therapist.until("live.reset"))["text"] == "b"


@pytest.mark.usefixtures("on_afterwards")
async def test_another_tenants_goes_on(platform: Platform, pair: Pair) -> None:
    name, secret = platform.tenant()
    assert (await switched(platform, "off", "--tenant", name)).returncode == 0
    await draft_of(pair[0])
    async with Partner(platform.gateway, name, secret) as partner:
        talk = await partner.conversation()
        theirs = await talk.join(talk.client)
        await theirs.consent("live_text")
        assert await theirs.refused("live.toggle", on=True) == "live_off"
        await talk.leave()


async def test_an_unknown_tenant_is_named_as_the_reason(platform: Platform) -> None:
    done = await switched(platform, "off", "--tenant", "nobody")
    assert done.returncode == 1
    assert "there is no such tenant" in done.stderr
    assert "Traceback" not in done.stderr
