"""Leaving, returning, reporting, being away, and quiet hours, through the real gateway."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.test_crossing import sees, writing
from tests.integration.test_protocol_records import state_of
from tests.support.due import due_rows, local, time_passes
from tests.support.exercising import new
from tests.support.instances import database, gateway, ready
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
SECRET = "they asked me to meet at night"


async def welcomed(talk: Conversation, who: str) -> Frame:
    """The conversation, as a new connection is shown it."""
    arrived = await talk.join(who)
    [found] = [c for f in arrived.seen if f["type"] == "welcome" for c in f["conversations"] if c["id"] == talk.id]
    return dict(found)


# --- leaving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaver", [0, 1], ids=["client", "therapist"])
async def test_who_left_left_and_may_return(talk: Conversation, pair: Pair, leaver: int) -> None:
    one, other = pair[leaver], pair[1 - leaver]
    me = (talk.client, talk.therapist)[leaver]
    before = await one.post("before")
    record = new()
    first, again = [await one.ok("conversation.leave", record=record) for _ in range(2)]
    assert {**first, "ref": ""} == {**again, "ref": ""}
    assert (await other.until("conversation.left"))["from"] == me
    assert (await welcomed(talk, me))["left"] == me
    for who in pair:
        assert await state_of(who, "message.send", message=new(), text="x") == "left"
        assert await state_of(who, "agreement.propose", what="x") == "left"
        assert await state_of(who, "typing", on=True) == "left"
        assert [m["text"] for m in (await who.ok("history"))["messages"]] == ["before"]
    assert await state_of(pair[1], "session.start") == "left"
    assert await state_of(pair[1], "session.schedule", when=local(), minutes=50) == "left"
    assert await state_of(other, "conversation.leave") == "left"
    assert await other.refused("conversation.return") == "forbidden"
    await one.ok("conversation.return")
    assert (await other.until("conversation.returned"))["from"] == me
    assert "left" not in await welcomed(talk, me)
    assert (await other.post("after"))["seq"] == before["seq"] + 1
    assert await state_of(one, "conversation.return") == "open"


async def test_help_is_there_for_who_left_and_who_was(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.ok("conversation.leave")
    for who, other in (pair, pair[::-1]):
        raised = new()
        assert (await who.ok("safety.raise", record=raised))["recorded"]
        await other.until("safety.raised", record=raised)
        await therapist.ok("safety.acknowledge", raised=raised)
    assert (await welcomed(talk, talk.client))["left"] == talk.client


@pytest.mark.timeout(60)
@pytest.mark.parametrize("leaver", [0, 1], ids=["client", "therapist"])
async def test_what_is_shown_live_ends_at_once_for_every_reader(
    platform: Platform, talk: Conversation, pair: Pair, leaver: int
) -> None:
    client, therapist = pair
    with gateway(platform, f"gateway-left-{leaver}") as (address, _):
        await ready(address)
        far = await talk.arrive(await talk.token(talk.therapist), address)
        ours, theirs = await writing(client), await writing(far)
        await sees(far, talk.client)
        await sees(client, talk.therapist)
        for who, draft in ((client, ours), (far, theirs)):
            await who.ok("live.reset", draft=draft, rev=1, text="I was about to say")
        shown = ((therapist, ours), (far, ours), (client, theirs))
        for reader, draft in shown:
            await reader.until("live.reset", draft=draft)
        await pair[leaver].ok("conversation.leave")
        for reader, draft in shown:
            await reader.until("live.clear", draft=draft)
            await reader.until("live.changed", on=False)
        late = await talk.join(talk.therapist)
        assert not any(one["on"] for one in late.welcome["conversations"][0]["live"].values())
        assert [f for f in await late.settled() if f["type"] == "live.reset"] == []
        assert await state_of(client, "live.reset", draft=ours, rev=2, text="still") == "left"
        await pair[leaver].ok("conversation.return")
        assert await client.refused("live.reset", draft=ours, rev=2, text="again") == "live_off"
        await client.ok("live.toggle", on=True)
        await client.ok("live.reset", draft=ours, rev=2, text="again")
        for reader in (therapist, far):
            assert (await reader.until("live.reset", draft=ours))["text"] == "again"


# --- reporting --------------------------------------------------------------------------------------------------------


async def test_a_report_reaches_the_partner_and_nobody_else(
    platform: Platform, partner: Partner, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    record = new()
    asked: dict[str, Any] = {"reason": "boundaries", "text": SECRET, "record": record}
    first, again = [await client.ok("conversation.report", **asked) for _ in range(2)]
    assert {**first, "ref": ""} == {**again, "ref": ""}
    assert await client.refused("conversation.report", **{**asked, "reason": "other"}) == "conflict"
    await therapist.untouched()
    await therapist.ok("conversation.leave")
    await therapist.ok("conversation.report", reason="threat")
    found: list[Frame] = []
    after: int | None = 0
    while after is not None:
        status, page = await partner.ask("GET", f"/v1/reports?after={after}&limit=2")
        assert status == 200
        found += page["reports"]
        after = page["next_after"]
    ours = [one for one in found if one["conversation"] == talk.id]
    assert [(one["participant"], one["reason"], one.get("text")) for one in ours] == [
        (talk.client, "boundaries", SECRET),
        (talk.therapist, "threat", None),
    ]
    session = await database(platform, "session")
    rows = [dict(row) for row in await session.fetch("select * from report where conversation = $1", talk.id)]
    await session.close()
    assert SECRET not in repr(rows)


async def test_another_tenant_sees_no_report_of_ours(other_partner: Partner, talk: Conversation, pair: Pair) -> None:
    await pair[0].ok("conversation.report", reason="other")
    status, page = await other_partner.ask("GET", "/v1/reports?limit=200")
    assert status == 200
    assert talk.id not in json.dumps(page)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"reason": "bored"}, "bad_frame"), ({}, "bad_frame"), ({"reason": "other", "text": " "}, "bad_text")],
)
async def test_a_report_that_is_none(pair: Pair, fields: dict[str, Any], code: str) -> None:
    assert await pair[0].refused("conversation.report", **fields) == code


# --- away -------------------------------------------------------------------------------------------------------------


async def test_a_therapist_is_away_and_back(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    assert await client.refused("away.set") == "forbidden"
    assert await state_of(therapist, "away.clear") == "here"
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    await therapist.ok("away.set", until=until)
    told = await client.until("away.began")
    assert datetime.fromisoformat(told["until"]) == datetime.fromisoformat(until)
    assert told["text"].startswith("Your therapist is away")
    assert (await welcomed(talk, talk.client))["away"] == {
        "since": told["at"],
        "until": told["until"],
        "text": told["text"],
    }
    assert (await client.post("I write all the same."))["seq"]
    await therapist.ok("away.set")
    assert "until" not in await client.until("away.began")
    assert await due_rows(platform, talk) == []
    await therapist.ok("away.clear")
    await client.until("away.ended")
    assert "away" not in await welcomed(talk, talk.client)
    frame = await therapist.ask("away.set", until="2020-01-01T00:00:00Z")
    assert (frame["code"], frame["details"]) == ("past_time", {"field": "until"})


async def test_an_absence_ends_at_its_time(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await therapist.ok("away.set", until=(datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds"))
    await time_passes(platform, talk)
    for one in pair:
        await one.until_late("away.ended")
        await one.settled()
        assert len([f for f in one.seen if f["type"] == "away.ended"]) == 1
    assert await state_of(therapist, "away.clear") == "here"
    assert "away" not in await welcomed(talk, talk.client)
    assert client is pair[0]


async def test_the_tenants_own_words_in_the_clients_language(platform: Platform, state: Any) -> None:
    told = {"en": "We read on weekdays.", "fr": "Nous lisons en semaine."}
    client_id, secret = platform.tenant(away=told)
    async with Partner(platform.gateway, client_id, secret) as partner:
        talk = await partner.conversation()
        client, therapist = await talk.both()
        await therapist.ok("away.set")
        assert (await client.until("away.began"))["text"] in told.values()
        await talk.leave()


# --- quiet hours ------------------------------------------------------------------------------------------------------


async def test_quiet_hours_are_kept_and_are_ones_own(pair: Pair) -> None:
    client, therapist = pair
    assert (await client.ok("quiet.get"))["hours"] is None
    hours = {"starts": "22:00", "ends": "07:30", "zone": "Europe/Paris"}
    record = new()
    for _ in range(2):
        await client.ok("quiet.set", hours=hours, record=record)
    assert (await client.ok("quiet.get"))["hours"] == hours
    assert (await therapist.ok("quiet.get"))["hours"] is None
    await therapist.untouched()
    for wrong in ({"zone": "Mars/Olympus"}, {"starts": "24:00"}, {"ends": "22:00"}):
        frame = await client.ask("quiet.set", hours={**hours, **wrong})
        assert (frame["code"], frame["details"]) == ("bad_frame", {"field": "hours"})
    assert (await client.ok("quiet.get"))["hours"] == hours
    await client.ok("quiet.clear")
    assert (await client.ok("quiet.get"))["hours"] is None
