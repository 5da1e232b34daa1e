"""Messages for later through the real gateway: their author's alone until their time, then sent once, in order."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_protocol_records import state_of
from tests.support.due import due_rows, time_passes
from tests.support.erasure import caches_expired, erase
from tests.support.exercising import insist, new
from tests.support.instances import database, instance
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
TEXT = "I thought about what you said on the bridge."


def in_days(days: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


async def planned(who: Participant, text: str = TEXT, **fields: Any) -> str:
    message = new()
    await who.ok("message.later", message=message, text=text, **{"at": in_days(), **fields})
    return message


async def waiting(who: Participant) -> list[Frame]:
    found: list[Frame] = (await who.ok("message.later_list"))["later"]
    return found


def posted(who: Participant) -> list[Frame]:
    return [f for f in who.seen if f["type"] == "message.posted"]


async def test_only_its_author_knows_of_it(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    at = in_days()
    message = await planned(client, at=at, tone="🙂", composed_s=95)
    told = await client.until("message.later_changed")
    assert (told["message"], told["wording"], told["state"]) == (message, 1, "waiting")
    [found] = await waiting(client)
    assert (found["message"], found["text"], found["tone"], found["composed_s"]) == (message, TEXT, "🙂", 95)
    assert datetime.fromisoformat(found["at"]) == datetime.fromisoformat(at)
    assert await waiting(therapist) == []
    await therapist.untouched()
    assert await therapist.refused("message.later_recall", message=message, wording=1) == "not_found"
    assert await therapist.refused("message.later_change", message=message, wording=1, text="x", at=at) == "not_found"
    assert (await client.ok("record.list"))["records"] == []


async def test_at_its_time_it_is_a_message_like_any_other(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    first = (await client.post("before"))["seq"]
    message = await planned(client, composed_s=95)
    await time_passes(platform, talk)
    for one in pair:
        told = await one.until_late("message.posted", message=message)
        assert (told["text"], told["from"], told["seq"], told["composed_s"]) == (TEXT, talk.client, first + 1, 95)
    assert (await client.until("message.later_changed", state="sent"))["message"] == message
    assert (await therapist.post("after"))["seq"] == first + 2
    assert await waiting(client) == []
    assert await state_of(client, "message.later_recall", message=message, wording=1) == {"state": "sent", "wording": 1}
    await therapist.settled()
    assert len([f for f in posted(therapist) if f["message"] == message]) == 1
    session = await database(platform, "session")
    assert await session.fetchval("select command from planned_message where message = $1", message) is None
    await session.close()


async def test_it_is_changed_and_recalled(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    changed, recalled = await planned(client), await planned(client)
    await client.ok("message.later_change", message=changed, wording=1, text="In other words.", at=in_days(2))
    now = {"state": "waiting", "wording": 2}
    assert await state_of(client, "message.later_recall", message=changed, wording=1) == now
    await client.ok("message.later_recall", message=recalled, wording=1)
    assert [one["text"] for one in await waiting(client)] == ["In other words."]
    assert len(await due_rows(platform, talk)) == 1
    await time_passes(platform, talk)
    assert (await therapist.until_late("message.posted"))["text"] == "In other words."
    await therapist.settled()
    assert [f["message"] for f in posted(therapist)] == [changed]


async def test_a_request_has_the_effect_of_once(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client = pair[0]
    message, at, record = new(), in_days(), new()
    asked: dict[str, Any] = {"message": message, "text": TEXT, "at": at}
    first, again = [await client.ok("message.later", **asked) for _ in range(2)]
    assert {**first, "ref": ""} == {**again, "ref": ""}
    assert "n" not in first
    assert await client.refused("message.later", **{**asked, "text": "other"}) == "conflict"
    for _ in range(2):
        await client.ok("message.later_recall", message=message, wording=1, record=record)
    assert await due_rows(platform, talk) == []
    sent = new()
    await client.ok("message.send", message=sent, text="said")
    assert await client.refused("message.later", message=sent, text="said", at=at) == "conflict"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"text": " "}, "bad_text", "text"),
        ({"text": "x" * 8_001}, "bad_text", "text"),
        ({"at": "2020-01-01T00:00:00Z"}, "past_time", "at"),
        ({"at": "2999-01-01T00:00:00Z"}, "bad_frame", "at"),
        ({"at": "tomorrow"}, "bad_frame", "at"),
        ({"tone": "sulky"}, "bad_tone", "tone"),
        ({"composed_s": -1}, "bad_frame", "composed_s"),
        ({"in_reply_to": "00000000-0000-4000-8000-000000000000"}, "not_found", "in_reply_to"),
    ],
)
async def test_what_is_wrong_has_a_name_and_no_effect(
    platform: Platform, talk: Conversation, pair: Pair, fields: dict[str, Any], code: str, field: str
) -> None:
    client = pair[0]
    frame = await client.ask("message.later", **{"message": new(), "text": TEXT, "at": in_days(), **fields})
    assert (frame["code"], frame["details"]["field"]) == (code, field)
    assert await waiting(client) == []
    assert await due_rows(platform, talk) == []


async def test_what_waits_is_not_sent_into_what_was_left_or_erased(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    message, _ = await planned(client), await planned(therapist, at=in_days(3))
    await therapist.ok("conversation.leave")
    assert await state_of(client, "message.later", message=new(), text=TEXT, at=in_days()) == "left"
    session = await database(platform, "session")
    await session.execute(
        "update due set at = now() where at < now() + interval '2 days' and conversation = $1", talk.id
    )
    assert (await client.until_late("message.later_changed", state="not_sent"))["message"] == message
    assert posted(therapist) == []
    assert len(await due_rows(platform, talk)) == 1
    await erase(talk)
    await caches_expired(platform, talk)
    assert await due_rows(platform, talk) == []
    for table in ("planned_message", "own_request"):
        assert await session.fetchval(f"select count(*) from {table} where conversation = $1", talk.id) == 0
    await session.close()


async def test_another_text_under_its_id_stays_and_this_one_is_not_sent(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    other, same = await planned(client), await planned(client)
    await client.ok("message.send", message=other, text="something else")
    await client.ok("message.send", message=same, text=TEXT)
    await time_passes(platform, talk)
    told = [await client.until_late("message.later_changed", message=one, state=state)
            for one, state in ((other, "not_sent"), (same, "sent"))]  # fmt: skip
    assert [one["state"] for one in told] == ["not_sent", "sent"]
    await therapist.settled()
    assert [f["text"] for f in posted(therapist)] == ["something else", TEXT]


# --- whatever dies ----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(180)
async def test_it_is_sent_once_whatever_dies(own: Platform) -> None:
    """Killed before it is due, again and again while it is sent, and with a second instance beside it."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        message = await planned(pair[0])
        pid = own.kill("session")
        await time_passes(own, talk)  # its hour comes while nobody is there
        await own.until_restarted("session", pid)
        with instance(own, "session", "session-twin"):
            for _ in range(2):
                pid = own.kill("session")
                await own.until_restarted("session", pid)
            await own.until_ready("session")
            for one in pair:
                assert (await one.until_late("message.posted", message=message))["text"] == TEXT
            await insist(pair[1], "conversation.leave")
        for one in pair:
            await one.until_late("conversation.left")
            assert len([f for f in posted(one) if f["message"] == message]) == 1
        await talk.leave()


@pytest.mark.timeout(120)
async def test_what_was_on_its_way_when_it_was_recalled_is_not_sent(own: Platform) -> None:
    """As when the clock dies between the broker's confirm and the commit: the row is there, and so is the command."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        client, therapist = await talk.both()
        message = await planned(client)
        session = await database(own, "session")
        row = await session.fetchrow("select * from due where conversation = $1", talk.id)
        assert row is not None
        await client.ok("message.later_recall", message=message, wording=1)
        await session.execute("insert into due select ($1::due).*", row)
        await time_passes(own, talk)
        async with asyncio.timeout(20):
            while await due_rows(own, talk):  # noqa: ASYNC110 - another process takes it out
                await asyncio.sleep(0.1)
        await session.close()
        await client.post("something else")  # behind it, in the same queue
        await therapist.until_late("message.posted")
        assert [f["text"] for f in posted(therapist)] == ["something else"]
        await talk.leave()
