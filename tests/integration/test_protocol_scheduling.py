"""Sessions to come through the real gateway: scheduled by a zone's clocks, started, called off, missed once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from icalendar import Calendar

from tests.integration.test_consent_forms import newest, shown, texts
from tests.integration.test_protocol_records import state_of
from tests.support.due import ZONE, due_rows, local, time_passes
from tests.support.exercising import insist, new
from tests.support.instances import database, instance
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]


async def scheduled(therapist: Participant, days: float = 3, minutes: int = 50) -> str:
    session = new()
    await therapist.ok("session.schedule", session=session, when=local(days), minutes=minutes)
    return session


async def listed(who: Participant, session: str) -> Frame:
    found: list[Frame] = (await who.ok("session.list"))["sessions"]
    return next(one for one in found if one["session"] == session)


async def ready(pair: Pair) -> None:
    for one in pair:
        await one.consent("informed_consent")


async def test_scheduled_changed_and_called_off(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    session, when = new(), local()
    await therapist.ok("session.schedule", session=session, when=when, minutes=50)
    starts = datetime.fromisoformat(when["at"]).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    for one in pair:
        told = await one.until("session.scheduled")
        assert (told["session"], told["revision"], told["when"], told["minutes"]) == (session, 1, when, 50)
        assert datetime.fromisoformat(told["starts_at"]) == starts
    assert await due_rows(platform, talk) == [starts + timedelta(minutes=15)]
    later = local(5)
    await therapist.ok("session.reschedule", session=session, revision=1, when=later, minutes=25)
    assert (await client.until("session.rescheduled"))["revision"] == 2
    assert len(await due_rows(platform, talk)) == 1
    now = {"state": "scheduled", "revision": 2}
    assert await state_of(client, "session.cancel", session=session, revision=1) == now
    await client.ok("session.cancel", session=session, revision=2)
    assert (await therapist.until("session.cancelled"))["from"] == talk.client
    assert await due_rows(platform, talk) == []
    found = await listed(client, session)
    assert (found["state"], found["when"], found["minutes"]) == ("cancelled", later, 25)
    assert (await client.ok("session.list", open=True))["sessions"] == []
    over = {"state": "cancelled", "revision": 2}
    assert await state_of(therapist, "session.reschedule", session=session, revision=2, when=later, minutes=5) == over
    await ready(pair)
    assert await state_of(therapist, "session.start", session=session) == over


async def test_of_two_in_the_same_instant_one_wins(pair: Pair) -> None:
    client, therapist = pair
    session = await scheduled(therapist)
    answers = await asyncio.gather(
        client.ask("session.cancel", session=session, revision=1),
        therapist.ask("session.reschedule", session=session, revision=1, when=local(4), minutes=50),
    )
    assert sorted(one["type"] for one in answers) == ["error", "ok"]
    called_off = answers[0]["type"] == "ok"
    expected = {"state": "cancelled", "revision": 1} if called_off else {"state": "scheduled", "revision": 2}
    refused = answers[1 if called_off else 0]
    assert (refused["code"], refused["details"]) == ("wrong_state", {"state": expected})
    assert (await listed(client, session)).items() >= expected.items()


async def test_a_request_has_the_effect_of_once(pair: Pair) -> None:
    client, therapist = pair
    session, when = new(), local()
    asked: dict[str, Any] = {"session": session, "when": when, "minutes": 50}
    first, again = [await therapist.ok("session.schedule", **asked) for _ in range(2)]
    assert {**first, "ref": ""} == {**again, "ref": ""}
    assert await therapist.refused("session.schedule", **{**asked, "minutes": 25}) == "conflict"
    await client.settled()
    assert len([f for f in client.seen if f["type"] == "session.scheduled"]) == 1


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"when": {"at": "2020-01-01T00:00", "zone": ZONE}}, "past_time", "when"),
        ({"when": {"at": "2999-01-01T00:00", "zone": ZONE}}, "bad_frame", "when"),
        ({"when": {"at": "2027-02-30T00:00", "zone": ZONE}}, "bad_frame", "when"),
        ({"when": {"at": "2027-01-01T00:00", "zone": "Mars/Olympus"}}, "bad_frame", "when"),
        ({"when": {"at": "2027-01-01T00:00", "zone": "../../etc/passwd"}}, "bad_frame", "when"),
        ({"minutes": 4}, "bad_frame", "minutes"),
        ({"minutes": 481}, "bad_frame", "minutes"),
    ],
)
async def test_what_is_wrong_has_a_name_and_no_effect(
    pair: Pair, fields: dict[str, Any], code: str, field: str
) -> None:
    client, therapist = pair
    frame = await therapist.ask("session.schedule", **{"when": local(), "minutes": 50, **fields})
    assert (frame["code"], frame["details"]) == (code, {"field": field})
    await client.untouched()
    assert (await client.ok("session.list"))["sessions"] == []


async def test_who_may_and_what_is_not_there(pair: Pair) -> None:
    client, therapist = pair
    when = local()
    assert await client.refused("session.schedule", when=when, minutes=50) == "forbidden"
    assert await client.refused("session.reschedule", session=new(), revision=1, when=when, minutes=5) == "forbidden"
    frame = await therapist.ask("session.reschedule", session=new(), revision=1, when=when, minutes=50)
    assert (frame["code"], frame["details"]) == ("not_found", {"field": "session"})
    assert await client.refused("session.cancel", session=new(), revision=1) == "not_found"


async def test_a_session_that_is_started_is_not_missed(platform: Platform, talk: Conversation, pair: Pair) -> None:
    """By its own id whenever it is; and, when its time has come, without naming it."""
    client, therapist = pair
    await ready(pair)
    named, near, far = await scheduled(therapist), await scheduled(therapist, 10 / 1440), await scheduled(therapist, 9)
    await therapist.ok("session.start", session=named)
    await therapist.ok("session.end")
    held = (await therapist.ok("session.start"))["session"]
    await therapist.ok("session.end")
    assert ((await listed(client, named))["state"], "held_as" in await listed(client, named)) == ("started", False)
    assert ((await listed(client, near))["state"], (await listed(client, near))["held_as"]) == ("started", held)
    assert (await listed(client, far))["state"] == "scheduled"
    assert len(await due_rows(platform, talk)) == 1


async def test_nobody_started_it(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    session = await scheduled(therapist)
    await time_passes(platform, talk)
    for one in pair:
        assert (await one.until_late("session.missed"))["session"] == session
        await one.settled()
        assert len([f for f in one.seen if f["type"] == "session.missed"]) == 1
    over = {"state": "missed", "revision": 1}
    assert await state_of(client, "session.cancel", session=session, revision=1) == over
    assert await due_rows(platform, talk) == []


# --- the feed ---------------------------------------------------------------------------------------------------------


async def fetched(url: str) -> tuple[int, Calendar | None, str]:
    """By nobody in particular: with nothing but the address."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        text = await answer.text()
        return answer.status, Calendar.from_ical(text) if answer.status == 200 else None, text


async def test_a_calendar_can_follow_appointments(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    kept, off = await scheduled(therapist), await scheduled(therapist, 4)
    await client.ok("session.cancel", session=off, revision=1)
    record = new()
    url = (await client.ok("calendar.open", record=record))["url"]
    assert (await client.ok("calendar.open", record=record))["url"] == url
    assert talk.id not in url
    status, calendar, text = await fetched(url)
    assert (status, calendar is not None) == (200, True)
    assert calendar is not None
    events = {str(event["uid"]): event for event in calendar.walk("VEVENT")}
    assert {uid: str(event["status"]) for uid, event in events.items()} == {kept: "CONFIRMED", off: "CANCELLED"}
    wanted = datetime.fromisoformat((await listed(client, kept))["starts_at"])
    times = [events[kept].decoded(name) for name in ("dtstart", "dtend")]
    assert times == [wanted, wanted + timedelta(minutes=50)]
    assert {str(event["summary"]) for event in events.values()} == {"Appointment"}
    assert not [word for word in (talk.client, talk.therapist, talk.id, "herap", "session") if word in text]


async def test_an_address_is_revoked_for_good(pair: Pair) -> None:
    client, therapist = pair
    record = new()
    first = (await client.ok("calendar.open", record=record))["url"]
    second = (await client.ok("calendar.open", record=new()))["url"]
    theirs = (await therapist.ok("calendar.open", record=record))["url"]
    assert len({first, second, theirs}) == 3
    assert [(await fetched(url))[0] for url in (first, second, theirs)] == [404, 200, 200]
    assert await state_of(client, "calendar.open", record=record) == "revoked"
    for _ in range(2):
        await client.ok("calendar.revoke")
    assert [(await fetched(url))[0] for url in (second, theirs)] == [404, 200]
    guessed = theirs[:-6] + ("0" if theirs[-5] != "0" else "1") + theirs[-5:]
    for wrong in (
        guessed,
        theirs.replace("/calendar/", "/calendar/x"),
        theirs.rsplit("/", 1)[0] + "/" + "0" * 64 + ".ics",
    ):
        assert (await fetched(wrong))[0] == 404


@pytest.mark.parametrize("named", [False, True])
async def test_what_they_are_in_a_session_for_is_not_missed(
    platform: Platform, talk: Conversation, pair: Pair, named: bool
) -> None:
    """Begun long before its time; or its own start was answered with the session that ran."""
    client, therapist = pair
    await ready(pair)
    session = await scheduled(therapist)
    running = (await therapist.ok("session.start"))["session"]
    if named:
        assert (await therapist.ok("session.start", session=session))["session"] == running
    assert (await listed(client, session))["state"] == "scheduled"
    await time_passes(platform, talk)
    async with asyncio.timeout(20):
        while (found := await listed(client, session))["state"] == "scheduled":  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)
    assert (found["state"], found["held_as"]) == ("started", running)
    for one in pair:
        await one.settled()
        assert "session.missed" not in [f["type"] for f in one.seen]


async def test_a_session_that_nobody_ended_is_not_the_next_one(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    await ready(pair)
    session = await scheduled(therapist)
    await therapist.ok("session.start")
    admin = await database(platform, "session")
    await admin.execute("update session set started_at = started_at - interval '13 h' where conversation = $1", talk.id)
    await admin.close()
    await time_passes(platform, talk)
    assert (await client.until("session.missed"))["session"] == session


# --- forms that have changed ------------------------------------------------------------------------------------------


async def test_a_form_that_changed_is_shown_again_as_a_session_starts(
    other_partner: Partner, other_talk: Conversation
) -> None:
    client, therapist = await other_talk.both()
    await ready((client, therapist))
    await therapist.ok("session.start")
    await therapist.ok("session.end")
    version = await newest(other_partner, "informed_consent") + 1
    body = {"purpose": "informed_consent", "version": version, "texts": texts("It has changed.")}
    assert (await other_partner.ask("POST", "/v1/consent-forms", body))[0] == 201
    form = await shown(client, "informed_consent")
    epoch = (await client.ok("consent.history"))["decisions"][0]["epoch"]
    await client.ok("consent.grant", purpose="informed_consent", version=version, sha256=form["sha256"], if_epoch=epoch)
    session = (await therapist.ok("session.start"))["session"]
    for one in (client, therapist):
        told = await one.until("session.disclaimer")
        assert (told["session"], told["forms"]) == (session, {other_talk.therapist: ["informed_consent"]})
        await one.settled()
        assert len([f for f in one.seen if f["type"] == "session.disclaimer"]) == 1


# --- whatever dies ----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(180)
async def test_missed_is_said_once_whatever_dies(own: Platform) -> None:
    """Killed before its time is over, and again and again while it is said, with a second instance beside it."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        session = await scheduled(pair[1])
        pid = own.kill("session")
        await time_passes(own, talk)  # its hour comes while nobody is there
        await own.until_restarted("session", pid)
        with instance(own, "session", "session-twin"):
            for _ in range(2):
                pid = own.kill("session")
                await own.until_restarted("session", pid)
            await own.until_ready("session")
            for one in pair:
                assert (await one.until_late("session.missed"))["session"] == session
            await insist(pair[1], "session.schedule", when=local(), minutes=50)
        for one in pair:
            await one.until_late("session.scheduled", revision=1)
            assert len([f for f in one.seen if f["type"] == "session.missed"]) == 1
        await talk.leave()
