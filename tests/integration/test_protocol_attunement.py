"""Attunement over the protocol: asked, said back, answered, by who may, and seen by both."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]


def new() -> str:
    return str(uuid.uuid4())


async def said(who: Participant, text: str = "I can't do this any more.") -> str:
    message = new()
    await who.ok("message.send", message=message, text=text)
    return message


async def asked(who: Participant, message: str) -> str:
    check = new()
    assert (await who.ok("attune.ask", check=check, message=message))["record"] == check
    return check


async def listed(who: Participant, **fields: object) -> list[Frame]:
    found: list[Frame] = (await who.ok("attune.list", **fields))["checks"]
    return found


async def refusal(who: Participant, kind: str, **fields: object) -> tuple[str, Any]:
    frame = await who.ask(kind, **fields)
    assert frame["type"] == "error", frame
    return frame["code"], frame.get("details")


async def test_until_one_was_heard(talk: Conversation, pair: Pair) -> None:
    """Two rounds; both are told of each step, and see it as long as it is open."""
    client, therapist = pair
    message = await said(client)
    check = await asked(client, message)
    got = await therapist.until("attune.asked")
    assert (got["check"], got["message"], got["from"], got["n"]) == (check, message, talk.client, 2)
    await therapist.ok("attune.reflect", check=check, text="You want to stop therapy.")
    got = await client.until("attune.reflected")
    assert (got["round"], got["text"]) == (1, "You want to stop therapy.")
    await client.ok("attune.answer", check=check, heard=False, text="Not therapy. My job.")
    got = await therapist.until("attune.answered")
    assert (got["round"], got["heard"], got["text"]) == (1, False, "Not therapy. My job.")
    [found] = await listed(therapist, open=True)
    assert (found["state"], found["round"], found["author"], found["seq"]) == ("asked", 2, talk.client, 1)
    assert [(one["round"], one.get("heard"), one["text"]) for one in found["said"]] == [
        (1, None, "You want to stop therapy."),
        (1, False, "Not therapy. My job."),
    ]
    await therapist.ok("attune.reflect", check=check, text="The job wears you out.")
    await client.ok("attune.answer", check=check, heard=True)
    got = await therapist.until("attune.answered", heard=True)
    assert (got["round"], "text" in got) == (2, False)
    assert await listed(client, open=True) == []
    [found] = await listed(client)
    assert (found["state"], found["round"], len(found["said"]), found["earlier"]) == ("heard", 2, 4, 0)


async def test_either_may_ask_of_eithers_message(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client)
    check = await asked(therapist, message)  # "let me say it back"
    await therapist.ok("attune.reflect", check=check, text="You are tired.")
    await client.ok("attune.answer", check=check, heard=True, text="Yes.")
    mine = await said(therapist, "Rest is allowed.")
    check = await asked(therapist, mine)
    await client.ok("attune.reflect", check=check, text="I may rest.")
    await therapist.ok("attune.answer", check=check, heard=True)
    assert [one["state"] for one in await listed(client)] == ["heard", "heard"]


async def test_who_may_do_what_when(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client)
    check = await asked(client, message)
    await therapist.settled()
    waiting = {"state": "asked", "check": check, "round": 1}
    assert await refusal(client, "attune.reflect", check=check, text="me") == ("forbidden", None)
    assert await refusal(therapist, "attune.answer", check=check, heard=True) == ("forbidden", None)
    assert await refusal(client, "attune.answer", check=check, heard=True) == ("wrong_state", waiting)
    assert await refusal(therapist, "attune.ask", message=message) == ("wrong_state", waiting)
    assert await refusal(client, "attune.ask", message=new()) == ("not_found", {"field": "message"})
    assert await refusal(client, "attune.reflect", check=new(), text="x") == ("not_found", {"field": "check"})
    assert await refusal(client, "attune.answer", check=new(), heard=True) == ("not_found", {"field": "check"})
    await therapist.untouched()
    await therapist.ok("attune.reflect", check=check, text="heard")
    again = await refusal(therapist, "attune.reflect", check=check, text="heard more")
    assert again == ("wrong_state", {"state": "reflected", "check": check, "round": 1})
    await client.ok("attune.answer", check=check, heard=True)
    over = {"state": "heard", "check": check, "round": 1}
    assert await refusal(client, "attune.answer", check=check, heard=False) == ("wrong_state", over)
    assert await refusal(therapist, "attune.reflect", check=check, text="x") == ("wrong_state", over)
    await asked(therapist, message)  # a closed one may be followed by another


async def test_texts_have_bounds(pair: Pair) -> None:
    client, therapist = pair
    check = await asked(client, await said(client))
    await client.settled()
    for text, reason in {"": "empty", " \n": "empty", "a\0": "forbidden", "é" * 8_001: "too_long"}.items():
        wanted = ("bad_text", {"field": "text", "reason": reason})
        assert await refusal(therapist, "attune.reflect", check=check, text=text) == wanted
        assert await refusal(client, "attune.answer", check=check, heard=False, text=text) == wanted
    for fields in ({"check": check}, {"check": check, "text": 3}, {"check": "x", "text": "a"}):
        assert (await refusal(therapist, "attune.reflect", **fields))[0] == "bad_frame"
    assert (await refusal(client, "attune.answer", check=check, heard="true"))[0] == "bad_frame"
    await client.untouched()


async def test_each_step_happens_once(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client)
    check = new()
    first = await client.ok("attune.ask", check=check, message=message)
    assert (await client.ok("attune.ask", check=check, message=message))["n"] == first["n"]
    assert (await refusal(therapist, "attune.ask", check=check, message=message))[0] == "conflict"
    step = {"record": new(), "check": check, "text": "You are tired."}
    reflected = await therapist.ok("attune.reflect", **step)
    assert (await therapist.ok("attune.reflect", **step))["n"] == reflected["n"]
    assert (await refusal(therapist, "attune.reflect", **{**step, "text": "other"}))[0] == "conflict"
    answer = {"record": new(), "check": check}
    answered = await client.ok("attune.answer", **answer, heard=False)
    assert (await client.ok("attune.answer", **answer, heard=False))["n"] == answered["n"]
    assert (await refusal(client, "attune.answer", **answer, heard=True))[0] == "conflict"
    [found] = await listed(client)
    assert (found["state"], found["round"], len(found["said"])) == ("asked", 2, 2)


async def test_of_two_in_the_same_instant_one_wins(talk: Conversation, pair: Pair) -> None:
    """Two tabs of one person, and two people."""
    client, therapist = pair
    message = await said(client)
    answers = await asyncio.gather(
        client.ask("attune.ask", check=new(), message=message),
        therapist.ask("attune.ask", check=new(), message=message),
    )
    assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    [found] = await listed(client)
    lost = next(answer for answer in answers if answer["type"] == "error")
    assert (lost["code"], lost["details"]) == ("wrong_state", {"state": "asked", "check": found["check"], "round": 1})
    tab = await talk.join(talk.therapist)
    answers = await asyncio.gather(
        therapist.ask("attune.reflect", check=found["check"], text="one"),
        tab.ask("attune.reflect", check=found["check"], text="two"),
    )
    assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    lost = next(answer for answer in answers if answer["type"] == "error")
    assert (lost["code"], lost["details"]["state"]) == ("wrong_state", "reflected")


async def test_a_message_taken_back_ends_its_check(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client)
    check = await asked(client, message)
    await client.ok("message.delete", message=message)
    assert await listed(therapist, open=True) == []
    [found] = await listed(therapist)
    assert found["state"] == "taken_back"
    over = ("wrong_state", {"state": "taken_back", "check": check, "round": 1})
    assert await refusal(therapist, "attune.reflect", check=check, text="x") == over
    assert await refusal(therapist, "attune.ask", message=message) == ("wrong_state", {"state": "deleted"})


async def test_figures_by_session(pair: Pair) -> None:
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")

    async def check(rounds: int, *, heard: bool) -> None:
        check = await asked(client, await said(client))
        for i in range(rounds):
            await therapist.ok("attune.reflect", check=check, text="so?")
            if heard or i + 1 < rounds:
                await client.ok("attune.answer", check=check, heard=heard and i + 1 == rounds)

    await check(1, heard=True)
    first = (await therapist.ok("session.start"))["session"]
    await check(1, heard=True)
    await check(3, heard=True)
    await check(1, heard=True)
    await check(2, heard=False)
    await therapist.ok("session.end")
    second = (await therapist.ok("session.start"))["session"]
    await check(0, heard=False)
    page = await therapist.ok("attune.list", limit=2)
    assert page["sessions"] == [
        {"session": None, "checks": 1, "heard": 1, "open": 0, "heard_after": [{"rounds": 1, "checks": 1}]},
        {
            "session": first,
            "checks": 4,
            "heard": 3,
            "open": 1,
            "heard_after": [{"rounds": 1, "checks": 2}, {"rounds": 3, "checks": 1}],
        },
        {"session": second, "checks": 1, "heard": 0, "open": 1, "heard_after": []},
    ]
    assert ([one["session"] for one in page["checks"]], page["more"]) == ([first, second], True)
    rest = await therapist.ok("attune.list", before=page["checks"][0]["n"])
    assert ([one["session"] for one in rest["checks"]], rest["more"]) == ([None, first, first, first], False)


async def test_what_was_said_fits_its_frame(pair: Pair) -> None:
    """Of a long back and forth the newest is shown, and how much went before it; the rest is in the records."""
    client, therapist = pair
    check = await asked(client, await said(client))
    long = "𝄞" * 8_000
    for _ in range(7):
        await therapist.ok("attune.reflect", check=check, text=long)
        await client.ok("attune.answer", check=check, heard=False, text=long)
    [found] = await listed(client)
    assert (found["round"], found["said"][-1]["round"], found["earlier"] + len(found["said"])) == (8, 7, 14)
    assert 0 < found["earlier"] < 14


async def test_who_was_away_hears_of_it_once_and_in_order(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message = await said(client)
    await client.leave()
    check = await asked(therapist, message)
    await therapist.ok("attune.reflect", check=check, text="You are tired.")
    back = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": 1}])
    frames = [frame for frame in await back.settled() if "n" in frame]
    assert [(frame["n"], frame["type"]) for frame in frames] == [(2, "attune.asked"), (3, "attune.reflected")]
    assert frames[1]["text"] == "You are tired."


@pytest.mark.timeout(120)
async def test_a_session_service_that_dies_in_between_loses_and_doubles_nothing(platform: Platform, pair: Pair) -> None:
    client, therapist = pair
    message, check = await said(client), new()
    steps: list[tuple[Participant, str, dict[str, object]]] = [
        (client, "attune.ask", {"check": check, "message": message}),
        (therapist, "attune.reflect", {"record": new(), "check": check, "text": "You are tired."}),
        (client, "attune.answer", {"record": new(), "check": check, "heard": False}),
        (therapist, "attune.reflect", {"record": new(), "check": check, "text": "Of the job."}),
        (client, "attune.answer", {"record": new(), "check": check, "heard": True}),
    ]
    for index, (who, kind, fields) in enumerate(steps):
        if index in (1, 3):
            old = platform.kill("session")
            await platform.until_restarted("session", old)
        async with asyncio.timeout(60):
            while (answer := await who.ask(kind, **fields))["type"] == "error":
                assert answer["code"] == "unavailable", answer
                await asyncio.sleep(answer["details"]["retry_ms"] / 1000)
        assert (await who.ok(kind, **fields))["n"] == answer["n"] == index + 2
    [found] = await listed(therapist)
    assert (found["state"], found["round"], len(found["said"])) == ("heard", 2, 4)
    told = [frame["type"] for frame in therapist.seen if "n" in frame and frame["type"] != "ok"]
    assert told == ["message.posted", "attune.asked", *["attune.reflected", "attune.answered"] * 2]
