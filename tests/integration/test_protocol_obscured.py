"""Obscured on the wire: within a stretch, one frame of one size a tick, and everything arrives as it is."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.obscuring import TEXT, Pace, Wire, eavesdropped
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

AGREED = {"tick_ms": 100, "frame_bytes": 1024}


def new() -> str:
    return str(uuid.uuid4())


def applied(text: str, frame: Frame) -> str:
    if frame["type"] == "live.reset":
        return str(frame["text"])
    for _, kind, at, what in frame["ops"]:
        text = text[:at] + (what if kind == "i" else "") + text[at + (what if kind == "d" else 0) :]
    return text


async def text_until(reader: Participant, draft: str, wanted: str) -> None:
    """Follow a draft as a reader does, each revision after the one before, until it is what is wanted."""
    text, rev = "", 0
    while text != wanted:
        frame = await reader.where(lambda f: f["type"] in {"live.edit", "live.reset"} and f["draft"] == draft)
        assert frame["type"] == "live.reset" or frame["rev"] == rev + 1
        text, rev = applied(text, frame), frame["rev"]


@pytest_asyncio.fixture
async def wire(platform: Platform) -> AsyncIterator[Wire]:
    async with eavesdropped(int(platform.gateway.rsplit(":", 1)[1])) as found:
        yield found


@pytest_asyncio.fixture
async def paced(talk: Conversation, wire: Wire) -> AsyncIterator[tuple[Participant, Participant, Pace]]:
    """Client and therapist, both obscured; the therapist is eavesdropped on; the client has live text on."""
    client = await talk.join(talk.client, obscure=True)
    token = await talk.token(talk.therapist)
    therapist = await talk.arrive(token, f"http://127.0.0.1:{wire.port}", obscure=True)
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    pace = Pace(therapist)
    await therapist.until("live.changed", on=True)
    yield client, therapist, pace
    pace.stop()


async def test_it_is_agreed_on(talk: Conversation) -> None:
    assert (await talk.join(talk.client, obscure=True)).welcome["obscure"] == AGREED
    assert (await talk.join(talk.therapist)).welcome["obscure"] is None
    stranger = await talk.knock()
    await stranger.send("hello", token=await talk.token(talk.client), obscure="yes")
    refused = await stranger.until("error")
    assert (refused["code"], refused["details"]["field"]) == ("bad_frame", "obscure")


@pytest.mark.parametrize(("policy", "asked", "agreed"), [("forbidden", True, None), ("required", False, AGREED)])
async def test_a_tenant_decides(platform: Platform, policy: str, asked: bool, agreed: object) -> None:
    async with Partner(platform.gateway, *platform.tenant(obscure=policy)) as partner:
        talk = await partner.conversation()
        one = await talk.join(talk.client, obscure=asked)
        assert one.welcome["obscure"] == agreed
        await one.consent("live_text")
        answer = await one.ask("live.toggle", on=True)
        if policy == "required":  # what it types would be seen on the wire
            assert (answer["code"], answer["details"]["reason"]) == ("live_off", "obscure")
        else:
            assert answer["type"] == "ok"
        await talk.leave()


async def test_what_is_typed_arrives_in_frames_of_one_size(
    paced: tuple[Participant, Participant, Pace], wire: Wire
) -> None:
    client, therapist, _ = paced
    await therapist.until("live.pad")
    wire.down.clear()
    draft = new()
    await client.say("live.edit", draft=draft, rev=1, ops=[[120, "i", 0, "I 👩‍👩‍👧"], [90, "d", 2, 5]])
    await client.say("live.edit", draft=draft, rev=2, ops=[[70, "i", 2, "am"]])
    await text_until(therapist, draft, "I am")
    posted = await client.ok("message.send", message=new(), text="short")
    await therapist.until("message.posted", seq=posted["seq"])
    await therapist.until("live.pad")
    assert {seen.size for seen in wire.down} == {1024}
    assert {seen.opcode for seen in wire.down} == {TEXT}


async def test_a_long_text_comes_in_portions(paced: tuple[Participant, Participant, Pace], wire: Wire) -> None:
    client, therapist, _ = paced
    draft, long = new(), "".join(f"{number} é👩‍👩‍👧\n" for number in range(400))
    await therapist.until("live.pad")
    wire.down.clear()
    await client.say("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, long], [5, "i", 0, "a"]])
    await text_until(therapist, draft, "a" + long)
    await client.say("live.reset", draft=draft, rev=9, text=long[:3_000])
    await text_until(therapist, draft, long[:3_000])
    assert {seen.size for seen in wire.down} == {1024}


async def test_a_long_message_shows_that_it_is_long(paced: tuple[Participant, Participant, Pace], wire: Wire) -> None:
    client, therapist, _ = paced
    await therapist.until("live.pad")
    wire.down.clear()
    await client.post("a" * 3_000)
    assert (await therapist.until("message.posted"))["text"] == "a" * 3_000
    assert [seen.size > 3_000 for seen in wire.down if seen.size != 1024] == [True]


async def test_it_ends_with_live_text_and_edits_go_on_as_they_are(
    paced: tuple[Participant, Participant, Pace], wire: Wire
) -> None:
    client, therapist, _ = paced
    draft = new()
    for rev, letter in enumerate("abcdef", start=1):
        await client.say("live.edit", draft=draft, rev=rev, ops=[[0, "i", rev - 1, letter]])
    await text_until(therapist, draft, "abcdef")
    await client.ok("live.toggle", on=False)
    await therapist.until("live.clear", draft=draft)
    await therapist.until("live.changed", on=False)
    wire.down.clear()
    await client.post("after")
    await therapist.until("message.posted")
    assert all(seen.size < 1024 for seen in wire.down)


async def test_withdrawing_silences_at_the_next_tick(paced: tuple[Participant, Participant, Pace]) -> None:
    client, therapist, _ = paced
    draft = new()
    await client.say("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "secret " * 1_000]])
    await therapist.until("live.edit")
    await client.ok("consent.withdraw", purpose="live_text")
    await therapist.until("live.clear", draft=draft)
    await therapist.until("consent.changed", state="withdrawn")
    after = [frame["type"] for frame in await therapist.settled()]
    assert "live.edit" not in after


async def test_who_catches_up_has_everything(talk: Conversation) -> None:
    """Hundreds of messages don't wait for a tick each."""
    client = await talk.join(talk.client, obscure=True)
    await client.consent("live_text")
    for number in range(120):
        await client.post(f"number {number}")
    await client.ok("live.toggle", on=True)
    late = await talk.join(talk.therapist, obscure=True, resume=[{"conversation": talk.id, "after": 0}])
    for seq in range(1, 121):
        assert (await late.until("message.posted"))["seq"] == seq


async def test_a_frame_filled_up_is_the_same_frame(paced: tuple[Participant, Participant, Pace]) -> None:
    client, therapist, pace = paced
    await therapist.consent("live_text")
    pace.send("live.toggle", on=True)
    await client.until("live.changed", on=True, **{"from": therapist.welcome["participant"]["id"]})
    draft = new()
    for rev, letter in enumerate("hello", start=1):
        pace.send("live.edit", draft=draft, rev=rev, ops=[[80, "i", rev - 1, letter]])
    await text_until(client, draft, "hello")
    assert not [frame for frame in therapist.seen if frame["type"] == "error"], json.dumps(therapist.seen[-1])
    await asyncio.wait_for(pace.sent(), 5)
