"""Messages, and everything else that lasts: order, repetition, history, resume, read marks."""

import asyncio
import re
import uuid
from typing import Any

import pytest

from tests.support.participants import Conversation, Frame, Participant

Pair = tuple[Participant, Participant]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def new() -> str:
    return str(uuid.uuid4())


def seqs(frames: list[Frame]) -> list[int]:
    return [f["seq"] for f in frames if f["type"] == "message.posted"]


async def test_a_message(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message, text = new(), "What I meant 𝄞\n👩🏽‍💻 e\u0301"
    other_tab = await talk.join(talk.client)
    ok = await client.ok("message.send", message=message, text=text)
    assert set(ok) == {"type", "ref", "seq", "n", "at"}
    assert (ok["seq"], ok["n"]) == (1, 1)
    assert TIME.fullmatch(ok["at"])
    posted = {
        "type": "message.posted",
        "conversation": talk.id,
        "seq": 1,
        "n": 1,
        "message": message,
        "from": talk.client,
        "text": text,
        "at": ok["at"],
    }
    assert await therapist.until("message.posted") == posted
    assert await other_tab.until("message.posted") == posted
    assert seqs(await client.settled()) == []


async def test_a_reply_with_a_tone(pair: Pair) -> None:
    client, therapist = pair
    first, second = new(), new()
    await client.ok("message.send", message=first, text="a", in_reply_to=None, tone=None)
    await therapist.ok("message.send", message=second, text="b", in_reply_to=first, tone="🙂")
    got = await client.until("message.posted")
    assert (got["in_reply_to"], got["tone"], got["seq"], got["n"]) == (first, "🙂", 2, 2)
    answer = await client.ask("message.send", message=new(), text="c", in_reply_to=new())
    assert (answer["code"], answer["details"]["field"]) == ("not_found", "in_reply_to")
    assert (await client.post("d"))["seq"] == 3


async def test_everybody_sees_one_order(talk: Conversation, pair: Pair) -> None:
    """Two people write at once, on two connections each; every seq comes to each connection once, in order."""
    extra = await talk.join(talk.client)
    writers = [*pair, extra]

    async def write(who: Participant) -> list[int]:
        refs = [new() for _ in range(20)]
        for ref in refs:
            await who.say("message.send", ref=ref, message=ref, text=ref)
        return [(await who.where(lambda f, ref=ref: f.get("ref") == ref))["seq"] for ref in refs]  # type: ignore[misc]

    own = await asyncio.gather(*(write(w) for w in writers))
    assert sorted(seq for of_one in own for seq in of_one) == list(range(1, 61))
    for writer, mine in zip(writers, own, strict=True):
        assert mine == sorted(mine)  # what one connection sends keeps its order
        await writer.settled()
        numbered = [f["seq"] for f in writer.seen if "seq" in f and f["type"] in ("ok", "message.posted")]
        assert numbered == list(range(1, 61))  # an ok comes only after all that is below it


async def test_without_a_ref_a_message_comes_back_as_any_other(pair: Pair) -> None:
    client, therapist = pair
    message = new()
    await client.say("message.send", message=message, text="a")
    for one in pair:
        assert (await one.until("message.posted"))["message"] == message
    await therapist.settled()


async def test_the_same_again_is_the_same_ok(pair: Pair) -> None:
    client, therapist = pair
    first, message = new(), new()
    await client.ok("message.send", message=first, text="first")
    frame = {"message": message, "text": "a\u0301", "in_reply_to": first, "tone": "calm"}
    ok = await client.ok("message.send", **frame)
    await client.post("later")
    for _ in range(2):
        again = await client.ok("message.send", **frame)
        assert {**again, "ref": ""} == {**ok, "ref": ""}
    for changed in ({"text": "á"}, {"in_reply_to": None}, {"tone": None}, {"tone": "warm"}, {"text": "a"}):
        assert await client.refused("message.send", **{**frame, **changed}) == "conflict"
    assert await therapist.refused("message.send", **frame) == "conflict"
    assert seqs(await therapist.settled()) == [1, 2, 3]
    assert seqs(await client.settled()) == []


async def test_the_same_again_twice_at_once(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.client)
    message = new()
    oks = await asyncio.gather(*(one.ok("message.send", message=message, text="a") for one in (client, tab, client)))
    assert {(ok["seq"], ok["n"]) for ok in oks} == {(1, 1)}
    assert seqs(await therapist.settled()) == [1]


BAD_TEXTS = ["", " ", "\n\t\u3000\u00a0", "\0", "a\0b", "x" * 8_001, "𝄞" * 8_001]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=range(len(BAD_TEXTS)))
async def test_texts_that_may_not_be(pair: Pair, text: str) -> None:
    client, therapist = pair
    assert await client.refused("message.send", message=new(), text=text) == "bad_text"
    await therapist.untouched()


async def test_a_lone_surrogate_is_a_bad_text(pair: Pair) -> None:
    client, therapist = pair
    for escape in ("\\ud83d", "a\\ude00", "\\ude00\\ud83d"):
        frame = f'{{"type":"message.send","ref":"s","conversation":"{client.conversation}","message":"{new()}"'
        await client.send_raw(frame + f',"text":"{escape}"}}')
        assert (await client.until("error", ref="s"))["code"] == "bad_text"
    await therapist.untouched()


@pytest.mark.parametrize("text", ["x" * 8_000, "𝄞" * 8_000, "\u200d", " a ", "\ufeff", "\u202e"], ids=range(6))
async def test_texts_that_may_be(pair: Pair, text: str) -> None:
    client, therapist = pair
    await client.post(text)
    assert (await therapist.until("message.posted"))["text"] == text


# --- history ---------------------------------------------------------------------------------------------------------


async def test_history(pair: Pair) -> None:
    client, therapist = pair
    empty = await client.ok("history")
    assert (empty["messages"], empty["more"]) == ([], False)
    for number in range(1, 8):
        await client.post(str(number))

    async def page(**where: int) -> tuple[list[int], bool]:
        ok = await therapist.ok("history", **where)
        return [m["seq"] for m in ok["messages"]], ok["more"]

    assert await page() == ([1, 2, 3, 4, 5, 6, 7], False)
    assert await page(limit=3) == ([5, 6, 7], True)
    assert await page(before=5, limit=3) == ([2, 3, 4], True)
    assert await page(before=2, limit=3) == ([1], False)
    assert await page(before=1) == ([], False)
    assert await page(after=5) == ([6, 7], False)
    assert await page(after=0, limit=2) == ([1, 2], True)
    assert await page(after=7) == ([], False)
    assert await page(after=2**53 - 1) == ([], False)
    assert await page(before=2**53 - 1, limit=1) == ([7], True)
    assert await therapist.refused("history", after=1, before=3) == "bad_frame"
    posted = [f for f in therapist.seen if f["type"] == "message.posted"]
    history = (await therapist.ok("history"))["messages"]
    assert history == [{k: v for k, v in f.items() if k not in ("type", "conversation")} for f in posted]


async def test_history_is_cut_to_fit_a_frame(pair: Pair) -> None:
    client, therapist = pair
    for _ in range(12):
        await client.post("𝄞" * 8_000)
    read: list[int] = []
    more, after = True, 0
    while more:
        ok = await therapist.ok("history", after=after, limit=200)
        read += [m["seq"] for m in ok["messages"]]
        more, after = ok["more"], read[-1]
    assert read == list(range(1, 13))
    newest = await therapist.ok("history", limit=200)
    assert [m["seq"] for m in newest["messages"]][-1] == 12
    assert newest["more"] is True


# --- resume ----------------------------------------------------------------------------------------------------------


async def back(talk: Conversation, participant: str, **position: int) -> Participant:
    return await talk.join(participant, resume=[{"conversation": talk.id, **position}])


async def resumed(guest: Participant) -> list[Frame]:
    return [f for f in await guest.settled() if f["type"].startswith(("message.p", "session."))]


async def test_a_reconnecting_client_gets_what_it_missed_its_own_included(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for number in range(6):
        await (client if number % 2 else therapist).post(str(number))
    await client.settled()
    for position in ({"after": 2}, {"after_n": 2}, {"after": 99, "after_n": 2}):
        guest = await back(talk, talk.client, **position)
        assert seqs(await resumed(guest)) == [3, 4, 5, 6]
        assert [f["type"] for f in guest.seen[:2]] == ["welcome", "message.posted"]
    for position in ({"after": 6}, {"after_n": 6}):
        assert await resumed(await back(talk, talk.client, **position)) == []
    assert await resumed(await talk.join(talk.client)) == []  # not named: it starts at the head
    guest = await back(talk, talk.client, after=0)
    frames = await resumed(guest)
    posted = [f for f in therapist.seen if f["type"] == "message.posted"]
    assert [f for f in frames if f["from"] == talk.client] == posted


async def test_by_n_come_all_events_by_seq_all_messages(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.consent("informed_consent")
    await therapist.consent("informed_consent")
    await client.post("before")
    await therapist.ok("session.start")
    await therapist.post("during")
    await client.ok("session.end")
    by_n = await resumed(await back(talk, talk.client, after_n=0))
    assert [(f["type"], f["n"]) for f in by_n] == [
        ("message.posted", 1),
        ("session.started", 2),
        ("message.posted", 3),
        ("session.ended", 4),
    ]
    by_seq = await resumed(await back(talk, talk.client, after=0))
    assert seqs(by_seq) == [1, 2]


async def test_a_long_absence(talk: Conversation, pair: Pair) -> None:
    client, _ = pair
    for number in range(260):
        await client.say("message.send", ref=str(number), message=new(), text="x")
    await client.until("ok", ref="259")
    guest = await back(talk, talk.therapist, after=3)
    await guest.until("message.posted", seq=260)
    assert seqs(guest.seen) == list(range(4, 261))


async def test_what_comes_while_resuming_comes_behind_it(talk: Conversation, pair: Pair) -> None:
    """A client that sends at once, as those do that kept messages while offline: still every seq once, in order."""
    _, therapist = pair
    for number in range(210):
        await therapist.say("message.send", ref=str(number), message=new(), text="x" * 50)
    await therapist.until("ok", ref="209")
    for _ in range(5):
        guest = await talk.knock()
        await guest.send("hello", token=await talk.token(talk.client), resume=[{"conversation": talk.id, "after": 0}])
        refs = [new() for _ in range(4)]
        for ref in refs:
            await guest.say("message.send", ref=ref, message=ref, text="mine")
            await therapist.post("theirs")
        await guest.until("ok", ref=refs[-1])
        await guest.settled()
        numbered = [f["seq"] for f in guest.seen if f["type"] in ("ok", "message.posted") and "seq" in f]
        assert numbered == list(range(1, numbered[-1] + 1))
        assert not any(f["type"] == "error" for f in guest.seen)


async def test_a_position_above_the_head(talk: Conversation, pair: Pair) -> None:
    client, _ = pair
    await client.post("a")
    guests = [await back(talk, talk.therapist, **position) for position in ({"after": 2}, {"after_n": 2**53 - 1})]
    for guest in guests:
        reset = await guest.until("resume.reset")
        assert reset == {"type": "resume.reset", "conversation": talk.id, "last_seq": 1, "last_n": 1}
        assert await resumed(guest) == []
    await client.post("b")
    for guest in guests:
        assert (await guest.until("message.posted"))["seq"] == 2  # it goes on at the head


async def test_resuming_a_conversation_that_is_not_ones_own(talk: Conversation, pair: Pair) -> None:
    unknown = new()
    points: list[dict[str, Any]] = [{"conversation": unknown, "after": 0}, {"conversation": talk.id, "after": 0}]
    await pair[1].post("a")
    guest = await talk.join(talk.client, resume=points)
    error = await guest.until("error")
    assert (error["code"], error["details"]["conversation"]) == ("not_found", unknown)
    assert guest.seen[0]["type"] == "welcome"
    assert (await guest.until("message.posted"))["seq"] == 1


# --- read marks ------------------------------------------------------------------------------------------------------


async def test_read_marks_only_rise(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.therapist)
    await tab.settled()
    for text in "abc":
        await client.post(text)
    await therapist.ok("message.read", seq=2)
    mark = {"type": "message.read", "conversation": talk.id, "seq": 2, "from": talk.therapist}
    assert await client.until("message.read") == mark
    assert await tab.until("message.read") == mark
    for seq in (1, 0, 2):
        await therapist.ok("message.read", seq=seq)
    assert (await therapist.ask("message.read", seq=4))["details"]["field"] == "seq"
    for one in (client, tab, therapist):
        assert "message.read" not in [f["type"] for f in await one.settled()]
    await therapist.say("message.read", seq=3)
    assert (await client.until("message.read"))["seq"] == 3
    assert client.welcome["conversations"][0]["reads"] == {}
    guest = await talk.join(talk.client)
    (shown,) = guest.welcome["conversations"]
    assert shown["reads"] == {talk.therapist: 3}
    assert (shown["last_seq"], shown["last_n"]) == (3, 3)
