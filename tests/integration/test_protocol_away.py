"""A part that is away, a gateway that goes, a reader that doesn't read; others notice nothing."""

import asyncio
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator

import aiohttp
import pytest

from tests.support.instances import Instance, gateway, ready
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]


@pytest.fixture
def second(platform: Platform) -> Iterator[tuple[str, Instance]]:
    """Another gateway of the same platform: its address and process."""
    with gateway(platform, "gateway-2") as found:
        yield found


async def closed_as_too_slow(platform: Platform) -> int:
    """How many readers the gateway has closed as too slow."""
    local = json.loads((platform.home / "local.json").read_text())
    async with aiohttp.ClientSession() as http, http.get(local["metrics"]["gateway"]) as response:
        lines = (await response.text()).splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if "_total" in line and 'code="4508"' in line)


async def test_two_gateways_and_one_that_goes(talk: Conversation, pair: Pair, second: tuple[str, Instance]) -> None:
    address, other = second
    client, therapist = pair
    await ready(address)
    far = await talk.arrive(await talk.token(talk.therapist), address)
    await client.post("a")
    assert (await far.until("message.posted"))["seq"] == 1
    await far.post("b")
    assert (await client.until("message.posted"))["seq"] == 2
    await far.say("typing", on=True)
    await client.until("typing", on=True)
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    await far.until("live.changed", on=True)
    draft = str(uuid.uuid4())
    await client.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "I am"]])
    assert (await far.until("live.edit"))["ops"] == [[0, "i", 0, "I am"]]
    began = time.monotonic()
    await client.ok("consent.withdraw", purpose="live_text")
    await far.until("live.clear", draft=draft)
    await far.until("live.changed", on=False)
    await far.until("consent.changed", state="withdrawn")
    assert time.monotonic() - began < 1
    await therapist.settled()
    other.send(signal.SIGTERM)
    assert (await far.until("reconnect"))["retry_ms"] >= 0
    assert await far.closed() == 1012
    await therapist.untouched()


async def test_a_part_that_is_away(platform: Platform, pair: Pair) -> None:
    client, therapist = pair
    note = {"note": str(uuid.uuid4()), "format": "text", "text": "a"}
    pid = platform.pid("notes")
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        error = await therapist.ask("note.save", **note)
        assert (error["code"], time.monotonic() - began < 5) == ("unavailable", True)
        assert error["details"]["retry_ms"] >= 1
        await client.untouched()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (await therapist.ok("note.save", **note))["version"] == 1  # the same again, with the same id
    assert len((await therapist.ok("note.list"))["notes"]) == 1


async def test_live_text_is_suspended_while_a_withdrawal_might_not_be_heard(platform: Platform, pair: Pair) -> None:
    client, therapist = pair
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    draft = str(uuid.uuid4())
    await client.ok("live.reset", draft=draft, rev=1, text="a")
    await therapist.settled()
    pid = platform.pid("consent")
    os.kill(pid, signal.SIGSTOP)
    try:
        await therapist.until("live.clear", draft=draft)
        assert (await therapist.until("live.changed"))["reason"] == "suspended"
        error = await client.ask("live.reset", draft=draft, rev=2, text="b")
        assert error["code"] == "live_off"
        assert error["details"]["retry_ms"] >= 1
        await client.post("messages go on")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (await therapist.until_late("live.changed"))["on"] is True
    await client.ok("live.reset", draft=draft, rev=2, text="b")
    assert (await therapist.until("live.reset"))["text"] == "b"


async def test_a_reader_that_does_not_read(platform: Platform, talk: Conversation, pair: Pair) -> None:
    """It asks for far more than the way to it holds, and takes none of it."""
    client, therapist = pair
    for _ in range(8):
        await client.post("𝄞" * 8_000)
    await therapist.settled()
    before = await closed_as_too_slow(platform)
    url = talk.partner.gateway.replace("http", "ws", 1) + "/v1/ws"
    async with aiohttp.ClientSession() as http:
        slow = await http.ws_connect(url)
        await slow.send_str(json.dumps({"type": "hello", "token": await talk.token(talk.client)}))
        ask = {"type": "history", "ref": "h", "conversation": talk.id}
        for _ in range(160):
            await slow.send_str(json.dumps(ask))
        async with asyncio.timeout(20):
            while await closed_as_too_slow(platform) == before:  # noqa: ASYNC110 - of a process that tells by its metrics
                await asyncio.sleep(0.05)
            while True:
                message = await slow.receive()
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                    break
    assert slow.close_code == 4508
    for one in pair:
        await one.untouched()
