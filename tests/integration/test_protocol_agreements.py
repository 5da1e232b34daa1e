"""Agreements through the real gateway: nothing is agreed until the other accepts that wording; reminded once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.test_protocol_records import state_of
from tests.support.erasure import caches_expired, erase
from tests.support.exercising import insist, new
from tests.support.instances import database, instance
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]

WALK = "a walk around the block, thrice"
ZONE = "America/St_Johns"
"""Half an hour off the others, and it changes its clocks."""


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def reminder(days: float = 3) -> dict[str, str]:
    local = datetime.now(ZoneInfo(ZONE)) + timedelta(days=days)
    return {"at": local.strftime("%Y-%m-%dT%H:%M"), "zone": ZONE}


async def proposed(who: Participant, what: str = WALK, **fields: Any) -> str:
    agreement = new()
    await who.ok("agreement.propose", what=what, record=agreement, **fields)
    return agreement


async def agreed(pair: Pair, **fields: Any) -> str:
    """Proposed by the therapist and accepted by the client, with the reminder that may be in it."""
    agreement = await proposed(pair[1], **fields)
    await pair[0].ok("agreement.accept", agreement=agreement, wording=1, remind=True)
    return agreement


async def listed(who: Participant, agreement: str) -> Frame:
    found: list[Frame] = (await who.ok("agreement.list"))["agreements"]
    return next(one for one in found if one["agreement"] == agreement)


async def due_rows(platform: Platform, talk: Conversation) -> list[datetime]:
    session = await database(platform, "session")
    rows = await session.fetch("select at from due where conversation = $1", talk.id)
    await session.close()
    return [row["at"] for row in rows]


async def time_passes(platform: Platform, talk: Conversation) -> None:
    """As if the time had come, a while ago."""
    session = await database(platform, "session")
    await session.execute("update due set at = now() - interval '1 minute' where conversation = $1", talk.id)
    await session.close()


async def test_from_a_proposal_to_its_end(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    until = in_days(7)
    agreement = await proposed(therapist, until=until)
    for one in pair:
        told = await one.until("agreement.proposed")
        assert (told["agreement"], told["wording"], told["what"], told["from"]) == (agreement, 1, WALK, talk.therapist)
        assert datetime.fromisoformat(told["until"]) == datetime.fromisoformat(until)
    await client.ok("agreement.revise", agreement=agreement, wording=1, what="a walk, once")
    told = await therapist.until("agreement.revised")
    assert (told["wording"], told["what"], told["from"]) == (2, "a walk, once", talk.client)
    await therapist.ok("agreement.accept", agreement=agreement, wording=2)
    for one in pair:
        assert (await one.until("agreement.accepted"))["wording"] == 2
    await client.ok("agreement.report", agreement=agreement, how="partly", text="it rained")
    told = await therapist.until("agreement.reported")
    assert (told["how"], told["text"]) == ("partly", "it rained")
    found = await listed(therapist, agreement)
    assert found.items() >= {"state": "agreed", "wording": 2, "author": talk.client, "what": "a walk, once"}.items()
    assert (found["how"], found["will_remind"]) == ("partly", False)
    await client.ok("agreement.report", agreement=agreement, how="done")
    await therapist.ok("agreement.close", agreement=agreement)
    assert (await client.until("agreement.closed"))["agreement"] == agreement
    assert (await listed(client, agreement))["state"] == "closed"
    assert (await client.ok("agreement.list", open=True))["agreements"] == []


async def test_nothing_is_agreed_but_that_very_wording(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    agreement = await proposed(therapist)
    assert await therapist.refused("agreement.accept", agreement=agreement, wording=1) == "forbidden"
    await therapist.ok("agreement.revise", agreement=agreement, wording=1, what="a walk, daily")
    now = {"state": "proposed", "wording": 2}
    assert await state_of(client, "agreement.accept", agreement=agreement, wording=1) == now
    assert await state_of(client, "agreement.revise", agreement=agreement, wording=1, what="none") == now
    assert await state_of(client, "agreement.report", agreement=agreement, how="done") == now
    assert await client.refused("agreement.close", agreement=agreement) == "forbidden"
    assert (await listed(client, agreement)).items() >= {"state": "proposed", "what": "a walk, daily"}.items()
    await client.ok("agreement.decline", agreement=agreement, wording=2)
    assert (await therapist.until("agreement.declined"))["from"] == talk.client
    ended = {"state": "declined", "wording": 2}
    assert await state_of(client, "agreement.accept", agreement=agreement, wording=2) == ended
    assert await state_of(therapist, "agreement.close", agreement=agreement) == ended


async def test_of_two_in_the_same_instant_one_wins(pair: Pair) -> None:
    client, therapist = pair
    agreement = await proposed(therapist)
    answers = await asyncio.gather(
        client.ask("agreement.accept", agreement=agreement, wording=1),
        therapist.ask("agreement.revise", agreement=agreement, wording=1, what="a walk, daily"),
    )
    assert sorted(one["type"] for one in answers) == ["error", "ok"]
    accepted = answers[0]["type"] == "ok"
    expected = {"state": "agreed", "wording": 1} if accepted else {"state": "proposed", "wording": 2}
    refused = answers[1 if accepted else 0]
    assert (refused["code"], refused["details"]) == ("wrong_state", {"state": expected})
    assert (await listed(client, agreement)).items() >= expected.items()


async def test_a_request_has_the_effect_of_once(pair: Pair) -> None:
    client, therapist = pair
    agreement = await proposed(therapist)
    again = await therapist.ok("agreement.propose", what=WALK, record=agreement)
    assert again["record"] == agreement
    assert await therapist.refused("agreement.propose", what="other words", record=agreement) == "conflict"
    record = new()
    first = await client.ok("agreement.accept", agreement=agreement, wording=1, record=record)
    second = await client.ok("agreement.accept", agreement=agreement, wording=1, record=record)
    assert {**first, "ref": ""} == {**second, "ref": ""}
    await therapist.settled()
    assert len([f for f in therapist.seen if f["type"].startswith("agreement.")]) == 2


@pytest.mark.parametrize(
    ("fields", "code", "details"),
    [
        ({"what": " "}, "bad_text", {"field": "what", "reason": "empty"}),
        ({"what": "x" * 2_001}, "bad_text", {"field": "what", "reason": "too_long"}),
        ({"until": "2020-01-01T00:00:00Z"}, "past_time", {"field": "until"}),
        ({"until": "2999-01-01T00:00:00Z"}, "bad_frame", {"field": "until"}),
        ({"until": "next week"}, "bad_frame", {"field": "until"}),
        ({"remind": {"at": "2020-01-01T00:00", "zone": ZONE}}, "past_time", {"field": "remind"}),
        ({"remind": {"at": "2999-13-01T00:00", "zone": ZONE}}, "bad_frame", {"field": "remind"}),
        ({"remind": {"at": "2999-01-01T00:00", "zone": "Mars/Olympus"}}, "bad_frame", {"field": "remind"}),
        ({"remind": {"at": "2999-01-01T00:00", "zone": "../../etc/passwd"}}, "bad_frame", {"field": "remind"}),
    ],
)
async def test_what_is_wrong_has_a_name_and_no_effect(
    pair: Pair, fields: dict[str, Any], code: str, details: dict[str, str]
) -> None:
    client, therapist = pair
    frame = await therapist.ask("agreement.propose", **{"what": WALK, **fields})
    assert (frame["code"], frame["details"]) == (code, details)
    await client.untouched()
    assert (await client.ok("agreement.list"))["agreements"] == []


async def test_unknown_ones_are_not_found(pair: Pair) -> None:
    client = pair[0]
    for kind, fields in (
        ("accept", {"wording": 1}), ("decline", {"wording": 1}), ("revise", {"wording": 1, "what": "x"}),
        ("report", {"how": "done"}), ("close", {}),
    ):  # fmt: skip
        frame = await client.ask(f"agreement.{kind}", agreement=new(), **fields)
        assert (frame["code"], frame["details"]) == ("not_found", {"field": "agreement"})
    assert await client.refused("agreement.report", agreement=new(), how="never") == "bad_frame"


async def test_who_names_it_knows_it_by_that_name(pair: Pair) -> None:
    client, therapist = pair
    agreement = new()
    ok = await client.ok("agreement.propose", agreement=agreement, what=WALK)
    assert ok["record"] == agreement
    assert (await therapist.until("agreement.proposed"))["agreement"] == agreement
    again = await client.ok("agreement.propose", agreement=agreement, what=WALK)
    assert {**ok, "ref": ""} == {**again, "ref": ""}
    assert await client.refused("agreement.propose", agreement=agreement, what="a swim") == "conflict"


@pytest.mark.parametrize("kind", ["agreement.accept", "agreement.decline"])
async def test_an_answer_names_the_wording_that_it_is_to(pair: Pair, kind: str) -> None:
    agreement = await proposed(pair[0])
    frame = await pair[1].ask(kind, agreement=agreement)
    assert (frame["code"], frame["details"]) == ("bad_frame", {"field": "wording"})
    assert (await listed(pair[0], agreement))["state"] == "proposed"


async def test_due_ones_come_up_as_a_session_starts(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")
    first, later, open_ended = [await agreed(pair, **f) for f in ({"until": in_days(1)}, {"until": in_days(2)}, {})]
    await proposed(client, "not agreed yet")
    session = await database(platform, "session")
    await session.execute("update agreement set until = now() - interval '1 s' where agreement = $1", first)
    await session.close()
    started_ok = await therapist.ok("session.start")
    for one in pair:
        began = await one.until("session.started")
        due = await one.until("agreement.due")
        assert (due["n"], due["session"]) == (began["n"] + 1, began["session"])
        assert due["agreements"] == [first, open_ended]
    again = await therapist.ok("session.start", session=started_ok["session"])
    assert again["n"] == started_ok["n"]
    await therapist.ok("session.end")
    await client.settled()
    assert len([f for f in client.seen if f["type"] == "agreement.due"]) == 1
    assert later != first


async def test_a_reminder_comes_at_the_agreed_local_time_and_once(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    remind = reminder()
    agreement = await agreed(pair, remind=remind)
    assert (await client.until("agreement.accepted"))["remind"] is True
    naive = datetime.fromisoformat(remind["at"])
    assert await due_rows(platform, talk) == [naive.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)]
    assert (await listed(client, agreement))["will_remind"] is True
    await time_passes(platform, talk)
    told = [await one.until_late("agreement.reminded") for one in pair]
    assert told[0] == told[1]
    assert told[0]["agreement"] == agreement
    await client.settled()
    await therapist.settled()
    assert len([f for f in client.seen if f["type"] == "agreement.reminded"]) == 1
    assert (await listed(client, agreement))["will_remind"] is False
    assert await due_rows(platform, talk) == []


async def test_nobody_is_reminded_where_somebody_has_left(platform: Platform, talk: Conversation, pair: Pair) -> None:
    """Its time passes: it isn't still to come when they return."""
    client, therapist = pair
    agreement = await agreed(pair, remind=reminder())
    await client.ok("conversation.leave")
    assert (await listed(therapist, agreement))["will_remind"] is True
    await time_passes(platform, talk)
    async with asyncio.timeout(20):
        while (await listed(therapist, agreement))["will_remind"]:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)
    await client.ok("conversation.return")
    assert (await listed(client, agreement))["state"] == "agreed"
    for one in pair:
        await one.settled()
        assert "agreement.reminded" not in [f["type"] for f in one.seen]
    assert await due_rows(platform, talk) == []


@pytest.mark.parametrize(
    ("wanted", "accepting"), [({}, True), ({"remind": reminder()}, False)], ids=["one", "the other"]
)
async def test_no_reminder_unless_both_want_it(
    platform: Platform, talk: Conversation, pair: Pair, wanted: dict[str, Any], accepting: bool
) -> None:
    agreement = await proposed(pair[1], **wanted)
    await pair[0].ok("agreement.accept", agreement=agreement, wording=1, remind=accepting)
    assert (await pair[1].until("agreement.accepted"))["remind"] is False
    assert await due_rows(platform, talk) == []


async def test_what_is_done_or_closed_or_erased_reminds_nobody(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client = pair[0]
    done, closed, _ = [await agreed(pair, remind=reminder()) for _ in range(3)]
    assert len(await due_rows(platform, talk)) == 3
    await client.ok("agreement.report", agreement=done, how="done")
    await client.ok("agreement.close", agreement=closed)
    assert len(await due_rows(platform, talk)) == 1
    await erase(talk)
    await caches_expired(platform, talk)
    assert await due_rows(platform, talk) == []


# --- whatever dies ----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(180)
async def test_a_reminder_is_sent_once_whatever_dies(own: Platform) -> None:
    """Killed before it is due, again and again while it is sent, and with a second instance beside it."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        agreement = await agreed(pair, remind=reminder())
        pid = own.kill("session")
        await time_passes(own, talk)  # its hour comes while nobody is there
        await own.until_restarted("session", pid)
        with instance(own, "session", "session-twin"):
            for _ in range(3):
                pid = own.kill("session")
                await own.until_restarted("session", pid)
            await own.until_ready("session")
            for one in pair:
                assert (await one.until_late("agreement.reminded"))["agreement"] == agreement
            await insist(pair[0], "agreement.report", agreement=agreement, how="not_yet")
            await insist(pair[1], "agreement.close", agreement=agreement)
        for one in pair:
            await one.until_late("agreement.closed")
            told = [f for f in one.seen if f["type"] == "agreement.reminded"]
            assert len(told) == 1
        await talk.leave()


@pytest.mark.timeout(120)
async def test_what_was_sent_but_not_crossed_off_is_told_once(own: Platform) -> None:
    """As when the clock dies between the broker's confirm and the commit: the same command is sent again."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        await agreed(pair, remind=reminder())
        session = await database(own, "session")
        row = await session.fetchrow("select * from due where conversation = $1", talk.id)
        assert row is not None
        for _ in range(3):
            await session.execute(
                "insert into due select ($1::due).* on conflict (conversation, record) do update set at = now()", row
            )
            await time_passes(own, talk)
            async with asyncio.timeout(20):
                while await due_rows(own, talk):  # noqa: ASYNC110 - another process takes it out
                    await asyncio.sleep(0.1)
        await session.close()
        for one in pair:
            await one.until_late("agreement.reminded")
            await one.settled()
            assert len([f for f in one.seen if f["type"] == "agreement.reminded"]) == 1
        await talk.leave()
