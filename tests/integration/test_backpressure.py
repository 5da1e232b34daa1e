"""The broker takes nothing: sending is slow, then refused; reading goes on; nothing is lost by it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.home import Home
from tests.chaos.cluster import control
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
WELL_S = 30.0


@asynccontextmanager
async def disk_alarm(platform: Platform) -> AsyncIterator[None]:
    """A disk limit that no disk meets: RabbitMQ blocks whoever publishes."""
    home, state = Home(platform.home), platform.state
    await control(home, state, "set_disk_free_limit", "900000GB")
    try:
        yield
    finally:
        await control(home, state, "set_disk_free_limit", "50MB")


async def sent(participant: Participant, message: str, text: str) -> int:
    """Send it as the protocol says, again and again, until it has its ``ok``; where it stands."""
    async with asyncio.timeout(WELL_S):
        while (frame := await participant.ask("message.send", message=message, text=text))["type"] != "ok":
            assert frame["code"] == "unavailable", frame
            await asyncio.sleep(frame["details"]["retry_ms"] / 1000)
    seq: int = frame["seq"]
    return seq


async def test_under_an_alarm_reading_goes_on(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for number in range(3):
        await client.post(str(number))
    await therapist.settled()
    token = await talk.token(talk.therapist)
    message = str(uuid.uuid4())
    async with disk_alarm(platform):
        refused = await client.ask("message.send", message=message, text="3")
        assert (refused["type"], refused["code"]) == ("error", "unavailable")
        assert refused["details"]["retry_ms"] > 0
        page = await therapist.ok("history", limit=2)
        assert ([m["text"] for m in page["messages"]], page["more"]) == (["1", "2"], True)
        status, body = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/messages?after=0")
        assert (status, [m["text"] for m in body["messages"]]) == (200, ["0", "1", "2"])
        guest = await talk.arrive(token, resume=[{"conversation": talk.id, "after": 1}])
        assert [(await guest.until("message.posted"))["text"] for _ in range(2)] == ["1", "2"]
    assert await sent(client, message, "3") == 4
    assert (await therapist.until_late("message.posted"))["seq"] == 4
    assert (await guest.until_late("message.posted"))["seq"] == 4


async def test_a_conversation_that_is_not_there_is_not_found_past_the_broker_either(
    platform: Platform, talk: Conversation
) -> None:
    async with disk_alarm(platform):
        status, body = await talk.partner.ask("GET", f"/v1/conversations/{uuid.uuid4()}/messages")
    assert (status, body["code"]) == (404, "not_found")
