"""What goes wrong, row by row of the protocol's table; each time somebody else is connected, and notices nothing."""

import asyncio
import json
import uuid
from typing import Any

import aiohttp
import pytest

from tests.support.participants import Conversation, Participant, Partner

Pair = tuple[Participant, Participant]


async def test_what_is_not_a_json_object(talk: Conversation, pair: Pair) -> None:
    _, therapist = pair
    for nonsense in ("nope", "[1]", '"hello"', "null", "{", '{"type":NaN}', "[" * 60_000):
        guest = await talk.join(talk.client)
        await guest.send_raw(nonsense)
        assert await guest.closed() == 4400
    await therapist.untouched()


async def test_a_binary_frame(talk: Conversation, pair: Pair) -> None:
    for first in (False, True):
        guest = await (talk.knock() if first else talk.join(talk.client))
        await guest.socket.send_bytes(b'{"type":"typing"}')
        assert await guest.closed() == 4400
    await pair[1].untouched()


async def test_invalid_utf_8(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.socket.send_frame(b'{"type":"\xff"}', aiohttp.WSMsgType.TEXT)
    assert await client.closed() == 1007
    await therapist.untouched()


def padded(size: int, sign: str = "x") -> str:
    """A good frame of exactly so many bytes, by an unknown member."""
    frame = {"type": "conversation.list", "ref": "big", "x": ""}
    missing = size - len(json.dumps(frame))
    count, rest = divmod(missing, len(sign.encode()))
    return json.dumps({**frame, "x": sign * count + "x" * rest}, ensure_ascii=False)


async def test_a_frame_may_have_65536_bytes_and_no_more(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for sign in ("x", "𝄞"):
        raw = padded(65_536, sign)
        assert len(raw.encode()) == 65_536
        await client.send_raw(raw)
        assert (await client.until("ok", ref="big"))["more"] is False
    for raw in (padded(65_537), padded(65_540, "𝄞"), padded(900_000)):
        guest = await talk.join(talk.client)
        await guest.send_raw(raw)
        assert await guest.closed() == 4413
    await therapist.untouched()


async def test_a_frame_of_more_than_a_mebibyte(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.send_raw(padded(1_100_000))
    assert await client.closed() in (1009, 4413)
    await therapist.untouched()


async def test_no_hello_in_time(talk: Conversation, pair: Pair) -> None:
    began = asyncio.get_running_loop().time()
    guest = await talk.knock()
    assert await guest.closed() == 4408
    assert 4.5 < asyncio.get_running_loop().time() - began < 7
    await pair[1].untouched()


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "typing", "on": True, "conversation": str(uuid.uuid4())},
        {"type": "conversation.list", "ref": "1"},
        {"type": "unknown"},
        {},
        {"type": "hello"},
        {"type": "hello", "token": None},
        {"type": "hello", "token": 7},
        {"type": "hello", "token": ""},
        {"type": "hello", "token": "a.b.c"},
        {"type": "token.refresh", "ref": "1", "token": "a.b.c"},
    ],
    ids=str,
)
async def test_a_first_frame_that_is_no_hello_with_a_token(
    talk: Conversation, pair: Pair, frame: dict[str, Any]
) -> None:
    guest = await talk.knock()
    await guest.send_raw(json.dumps(frame))
    assert await guest.closed() == 4401
    assert guest.seen == []
    await pair[1].untouched()


async def test_another_hello_may_follow_a_mistyped_one(talk: Conversation, pair: Pair) -> None:
    guest = await talk.knock()
    token = await talk.token(talk.client)
    for wrong, field in (({"device": 7}, "device"), ({"resume": "all"}, "resume"), ({"ref": ""}, "ref")):
        await guest.send("hello", **{"token": token, "ref": "first", **wrong})
        error = await guest.until("error")
        assert (error["code"], error["details"]["field"]) == ("bad_frame", field)
        assert error.get("ref") == (None if field == "ref" else "first")
    await guest.send("hello", token=token, ref="second")
    assert (await guest.until("welcome"))["participant"]["id"] == talk.client
    assert await guest.until("ok") == {"type": "ok", "ref": "second"}
    await pair[1].untouched()


C = "CONVERSATION"
BAD = [
    ({"type": "message.unsend", "conversation": C}, "type"),
    ({"conversation": C}, "type"),
    ({"type": ["typing"], "conversation": C}, "type"),
    ({"type": "typing", "conversation": C, "on": 1}, "on"),
    ({"type": "typing", "conversation": C}, "on"),
    ({"type": "typing", "on": True}, "conversation"),
    ({"type": "typing", "conversation": "mine", "on": True}, "conversation"),
    ({"type": "message.read", "conversation": C, "seq": "1"}, "seq"),
    ({"type": "message.read", "conversation": C, "seq": 1.0}, "seq"),
    ({"type": "message.read", "conversation": C, "seq": 1}, "seq"),
    ({"type": "history", "conversation": C, "limit": 201}, "limit"),
    ({"type": "live.edit", "conversation": C, "draft": str(uuid.uuid4()), "rev": 1, "ops": []}, "ops"),
    ({"type": "message.send", "conversation": C, "message": str(uuid.uuid4()), "text": 5}, "text"),
    ({"type": "message.send", "conversation": C, "message": str(uuid.uuid4()), "text": "a", "tone": ""}, "tone"),
    ({"type": "hello", "token": "a.b.c"}, "type"),
]


@pytest.mark.parametrize(("frame", "field"), BAD, ids=str)
async def test_a_frame_that_is_not_the_protocol(
    talk: Conversation, pair: Pair, frame: dict[str, Any], field: str
) -> None:
    client, therapist = pair
    frame = {key: talk.id if value == C else value for key, value in frame.items()}
    await client.send_raw(json.dumps({**frame, "ref": "r"}))
    error = await client.until("error", ref="r")
    assert (error["code"], error["details"]["field"]) == ("bad_frame", field)
    await client.send_raw(json.dumps(frame))
    error = await client.until("error")
    assert "ref" not in error
    assert (error["code"], error["details"]["field"]) == ("bad_frame", field)
    assert error["details"].get("type") == (frame.get("type") if isinstance(frame.get("type"), str) else None)
    await client.untouched()
    await therapist.untouched()


def frames_about(conversation: str) -> list[dict[str, Any]]:
    """One good frame of each type that names a conversation."""
    one, digest = str(uuid.uuid4()), "0" * 64
    kinds: list[dict[str, Any]] = [
        {"type": "message.send", "message": one, "text": "a"},
        {"type": "history"},
        {"type": "message.read", "seq": 1},
        {"type": "typing", "on": True},
        {"type": "live.toggle", "on": True},
        {"type": "live.toggle", "on": False},
        {"type": "live.edit", "draft": one, "rev": 1, "ops": [[0, "i", 0, "a"]]},
        {"type": "live.reset", "draft": one, "rev": 1, "text": "a"},
        {"type": "live.clear", "draft": one},
        {"type": "live.resync", "draft": one},
        {"type": "consent.forms"},
        {"type": "consent.grant", "purpose": "live_text", "version": 1, "sha256": digest},
        {"type": "consent.withdraw", "purpose": "live_text"},
        {"type": "session.start"},
        {"type": "session.end"},
        {"type": "note.save", "note": one, "format": "text", "text": "a"},
        {"type": "note.list"},
    ]
    return [{**kind, "conversation": conversation} for kind in kinds]


async def test_a_conversation_that_is_not_ones_own(
    talk: Conversation, pair: Pair, partner: Partner, other_talk: Conversation
) -> None:
    """Another's, another tenant's, and one that doesn't exist look the same."""
    client, therapist = pair
    elsewhere = await partner.conversation()
    stranger = await elsewhere.join(elsewhere.therapist)
    for conversation in (elsewhere.id, other_talk.id, str(uuid.uuid4())):
        for frame in frames_about(conversation):
            answer = await client.ask(**{"kind": frame.pop("type"), **frame})
            assert (answer["type"], answer["code"]) == ("error", "not_found")
    await client.say("typing", on=True)
    await stranger.untouched()
    await elsewhere.leave()
    assert [f["type"] for f in await therapist.settled()] == ["typing"]


async def test_too_fast(other_talk: Conversation) -> None:
    client, therapist = await other_talk.both()
    await therapist.settled()
    messages = [str(uuid.uuid4()) for _ in range(60)]
    for number, message in enumerate(messages):
        await client.say("message.send", ref=str(number), message=message, text="a")
    answers = [await client.where(lambda f, ref=str(n): f.get("ref") == ref) for n in range(60)]  # type: ignore[misc]
    done = [a for a in answers if a["type"] == "ok"]
    refused = [a for a in answers if a["type"] == "error"]
    assert 40 <= len(done) < 60  # twice the rate, and what came in meanwhile
    assert all(a["code"] == "rate_limited" and a["details"]["retry_ms"] >= 1 for a in refused)
    assert [a["seq"] for a in done] == list(range(1, len(done) + 1))
    posted = [f for f in await therapist.settled() if f["type"] == "message.posted"]
    assert len(posted) == len(done)  # of those refused nothing was applied
    stored = (await therapist.ok("history", limit=200))["messages"]
    assert [m["seq"] for m in stored] == [a["seq"] for a in done]


async def test_much_too_fast(other_talk: Conversation) -> None:
    client, therapist = await other_talk.both()
    await therapist.settled()
    # Withdrawing and switching off are never limited, even now.
    for _ in range(90):
        await client.say("typing", on=True)
    assert (await client.ok("live.toggle", on=False))["type"] == "ok"
    assert (await client.ok("consent.withdraw", purpose="live_text"))["epoch"] > 0
    for _ in range(700):
        if client.socket.closed:
            break
        await client.say("typing", on=True)
    assert await client.closed() == 4429
    frames = await therapist.settled()
    assert {f["type"] for f in frames} <= {"typing", "consent.changed"}
    await therapist.untouched()


async def test_the_same_device_again(talk: Conversation, pair: Pair) -> None:
    _, therapist = pair
    first = await talk.join(talk.client, device="tab")
    other = await talk.join(talk.client, device="phone")
    second = await talk.join(talk.client, device="tab")
    assert await first.closed() == 4409
    for one in (second, other):
        await one.settled()
        await one.untouched()
    await therapist.untouched()  # somebody is still there: no presence


async def test_the_same_device_name_of_another_participant(talk: Conversation) -> None:
    client = await talk.join(talk.client, device="tab")
    await talk.join(talk.therapist, device="tab")
    await client.until("presence", online=True)
    await client.untouched()
