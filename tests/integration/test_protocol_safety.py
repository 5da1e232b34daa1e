"""Safety through the real gateway: help at once, whatever is away; told until it is seen; escalated once."""

import asyncio
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.test_protocol_records import state_of
from tests.support.erasure import caches_expired, erase
from tests.support.exercising import insist, new
from tests.support.instances import database, gateway, instance, ready
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform, started

Pair = tuple[Participant, Participant]

TEXT = "I am not safe tonight"
TOO_LONG = "x" * 2_001


async def raised(who: Participant, **fields: object) -> str:
    record = new()
    await who.ok("safety.raise", record=record, **fields)
    return record


def told(who: Participant, kind: str) -> list[Frame]:
    return [frame for frame in who.seen if frame["type"] == kind]


async def time_passes(platform: Platform, talk: Conversation) -> None:
    """As if what is to come due had come due a while ago."""
    session = await database(platform, "session")
    await session.execute("update due set at = now() - interval '1 minute' where conversation = $1", talk.id)
    await session.close()


async def due_at(platform: Platform, talk: Conversation) -> list[datetime]:
    session = await database(platform, "session")
    rows = await session.fetch("select at from due where conversation = $1", talk.id)
    await session.close()
    return [row["at"] for row in rows]


async def of_partner(partner: Partner, query: str = "open=true&limit=200") -> list[Frame]:
    status, body = await partner.ask_on("GET", f"/v1/safety?{query}")
    assert status == 200, body
    found: list[Frame] = body["raises"]
    return found


# --- raised, and seen -------------------------------------------------------------------------------------------------


async def test_who_raises_gets_help_and_the_other_hears_of_it(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    record = new()
    ok = await client.ok("safety.raise", record=record, text=TEXT)
    assert (ok["record"], ok["recorded"]) == (record, True)
    assert ok["resources"]["emergency"] == ["112"]
    heard = await therapist.until("safety.raised")
    assert (heard["record"], heard["from"], heard["text"], heard["n"]) == (record, talk.client, TEXT, ok["n"])
    mine = await therapist.ok("safety.raise")  # either may, and nothing need be said
    heard = await client.until("safety.raised", record=mine["record"])
    assert "text" not in heard


async def test_it_stays_visible_until_the_therapist_has_seen_it(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    record = await raised(client, text=TEXT)
    assert await client.refused("safety.acknowledge", raised=record) == "forbidden"
    again = await talk.join(talk.therapist)
    shown = again.welcome["conversations"][0]["safety"]
    assert [(one["raised"], one["from"]) for one in shown] == [(record, talk.client)]
    found = (await therapist.ok("safety.list", open=True))["raises"]
    assert [(one["raised"], one["text"]) for one in found] == [(record, TEXT)]
    await therapist.ok("safety.acknowledge", raised=record)
    for one in pair:
        assert (await one.until("safety.acknowledged"))["raised"] == record
    assert await state_of(therapist, "safety.acknowledge", raised=record) == "acknowledged"
    assert (await client.ok("safety.list", open=True))["raises"] == []
    found = (await client.ok("safety.list"))["raises"]
    assert [(one["raised"], one["acknowledged_by"]) for one in found] == [(record, talk.therapist)]
    later = await talk.join(talk.client)
    assert "safety" not in later.welcome["conversations"][0]


async def test_what_is_wrong_changes_nothing(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    refused = await client.ask("safety.raise", text=TOO_LONG)
    assert (refused["code"], refused["details"]["resources"]["emergency"]) == ("bad_text", ["112"])
    assert await client.refused("safety.raise", text=" ") == "bad_text"
    assert await client.refused("safety.raise", conversation=new()) == "not_found"
    assert await therapist.refused("safety.acknowledge", raised=new()) == "not_found"
    assert await client.refused("safety.resources", region="fr") == "bad_frame"
    assert told(therapist, "safety.raised") == []
    assert await due_at(platform, talk) == []


async def test_a_raise_has_the_effect_of_once(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    record = new()
    first = await client.ok("safety.raise", record=record, text=TEXT)
    second = await client.ok("safety.raise", record=record, text=TEXT)
    assert (first["n"], first["at"]) == (second["n"], second["at"])
    assert await client.refused("safety.raise", record=record, text="other words") == "conflict"
    assert await therapist.refused("safety.raise", record=record, text=TEXT) == "conflict"
    await therapist.settled()
    assert len(told(therapist, "safety.raised")) == 1
    assert len(await due_at(platform, talk)) == 1


async def test_of_two_who_have_seen_it_one_wins(talk: Conversation, pair: Pair) -> None:
    record = await raised(pair[0])
    second = await talk.join(talk.therapist)
    answers = await asyncio.gather(*(one.ask("safety.acknowledge", raised=record) for one in (pair[1], second)))
    assert sorted(one["type"] for one in answers) == ["error", "ok"]
    refused = next(one for one in answers if one["type"] == "error")
    assert (refused["code"], refused["details"]["state"]) == ("wrong_state", "acknowledged")


async def test_help_is_never_refused_for_being_too_fast(other_talk: Conversation) -> None:
    client, therapist = await other_talk.both()
    answers = await asyncio.gather(
        *(client.ask("safety.raise") for _ in range(45))
    )  # the tenant's limit is 20 a second
    assert {one["type"] for one in answers} == {"ok"}
    more = await asyncio.gather(*(client.ask("safety.raise", record=new()) for _ in range(10)))
    assert {one["type"] for one in more} == {"ok"}
    mine = (await client.ok("safety.list", open=True))["raises"]
    assert len(mine) == 50  # who asks for more is told where help is, and that it stands with one of these
    joined = [one for one in more if one.get("joined")]
    joined.append(await client.ok("safety.raise", record=new(), text=TEXT))
    alert = await therapist.until("safety.alert")
    assert (alert["record"], alert["text"], alert["joined"]) == (joined[-1]["record"], TEXT, True)
    assert {one["record"] for one in joined} <= {one["raised"] for one in mine}
    assert all("emergency" in one["resources"] for one in joined)
    assert (len(joined), joined[-1]["recorded"], joined[-1]["joined"]) == (6, False, True)  # its text isn't on record
    assert "joined" not in await therapist.ok("safety.raise")  # at nobody else's cost
    again = await other_talk.join(other_talk.client)
    assert len(again.welcome["conversations"][0]["safety"]) == 51


async def test_resources_are_those_of_the_persons_region(partner: Partner) -> None:
    people = [
        {"role": role, "external_id": new(), "display_name": role, "locale": locale}
        for role, locale in (("client", "fr-FR"), ("therapist", "en-GB"))
    ]
    _, body = await partner.ask_on("POST", "/v1/conversations", {"participants": people})
    ids = {one["role"]: one["id"] for one in body["participants"]}
    talk = Conversation(partner, body["id"], ids["client"], ids["therapist"])
    client, therapist = await talk.both()
    mine = (await client.ok("safety.resources"))["resources"]
    assert (mine["region"], mine["emergency"][0], mine["contacts"][0]["call"]) == ("FR", "112", "3114")
    assert "numéro national" in mine["contacts"][0]["name"]
    theirs = (await therapist.ok("safety.raise"))["resources"]
    assert (theirs["region"], theirs["contacts"][0]["call"]) == ("GB", "116 123")
    away = (await client.ok("safety.resources", region="US"))["resources"]
    assert (away["region"], away["contacts"][0]["call"]) == ("US", "988")
    await talk.leave()


# --- nobody has seen it -----------------------------------------------------------------------------------------------


async def test_nobody_has_seen_it(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    before = datetime.now(UTC)
    record = await raised(client, text=TEXT)
    (at,) = await due_at(platform, talk)
    assert timedelta(seconds=599) < at - before < timedelta(seconds=660)  # the default: ten minutes
    (entry,) = [one for one in await of_partner(talk.partner) if one["conversation"] == talk.id]
    assert (entry["raised"], entry["from"], entry["role"]) == (record, talk.client, "client")
    assert "escalated_at" not in entry
    await time_passes(platform, talk)
    escalated = await client.until_late("safety.escalated")
    assert escalated["raised"] == record
    (entry,) = [one for one in await of_partner(talk.partner) if one["conversation"] == talk.id]
    assert entry["escalated_at"] == escalated["at"]
    assert TEXT not in json.dumps(entry)
    again = await talk.join(talk.client)
    assert again.welcome["conversations"][0]["safety"][0]["escalated_at"] == escalated["at"]
    await therapist.ok("safety.acknowledge", raised=record)
    assert [one for one in await of_partner(talk.partner) if one["conversation"] == talk.id] == []
    (entry,) = await _all(talk)
    assert entry["acknowledged_by"] == talk.therapist


async def _all(talk: Conversation) -> list[Frame]:
    found: list[Frame] = []
    after = ""
    while True:
        status, body = await talk.partner.ask_on("GET", f"/v1/safety?limit=2{after}")
        assert status == 200, body
        found += body["raises"]
        if body["next_after"] is None:
            return [one for one in found if one["conversation"] == talk.id]
        after = f"&after={body['next_after']}"


async def test_what_was_seen_escalates_no_more(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    record = await raised(client)
    await therapist.ok("safety.acknowledge", raised=record)
    assert await due_at(platform, talk) == []


async def test_partners_see_their_own_only(talk: Conversation, pair: Pair, other_partner: Partner) -> None:
    record = await raised(pair[0])
    assert record not in {one["raised"] for one in await of_partner(other_partner)}
    status, _ = await other_partner.ask("GET", f"/v1/safety?after={talk.id}.{record}")
    assert status == 404
    for wrong in ("open=yes", "limit=0", "after=1"):
        status, body = await talk.partner.ask("GET", f"/v1/safety?{wrong}")
        assert (status, body["field"]) == (422, wrong.partition("=")[0])


async def test_erasing_takes_all_of_it(platform: Platform, talk: Conversation, pair: Pair) -> None:
    await raised(pair[0], text=TEXT)
    await erase(talk)
    assert [one for one in await of_partner(talk.partner) if one["conversation"] == talk.id] == []
    await caches_expired(platform, talk)
    session = await database(platform, "session")
    for table in ("safety_raise", "safety_plan", "suitability", "due"):
        assert await session.fetchval(f"select count(*) from {table} where conversation = $1", talk.id) == 0
    await session.close()


# --- a platform of its own: what dies ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safety")


@pytest.fixture(scope="module")
def own(tenants: Path) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSAID_SAFETY", str(tenants))
        with started() as found:
            yield found


class Stopped:
    """Services that are stopped (not dead: the supervisor would start others), and go on afterwards."""

    def __init__(self, platform: Platform, *names: str) -> None:
        self._platform, self._names = platform, names

    def __enter__(self) -> None:
        self._pids = [self._platform.kill(name, signal.SIGSTOP) for name in self._names]  # type: ignore[arg-type]

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            self._platform.signal(pid, signal.SIGCONT)


@pytest.mark.timeout(180)
async def test_with_every_service_but_the_gateway_down(own: Platform) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        client, therapist = await talk.both()
        with gateway(own, "gateway-twin") as (address, _):
            await ready(address)
            elsewhere = await talk.arrive(await talk.token(talk.therapist), gateway=address, device="elsewhere")
            record, token = new(), await talk.token(talk.therapist)
            before = await client.ok("safety.resources")
            with Stopped(own, "session", "consent", "notes"):
                ok = await client.ok("safety.raise", record=record, text=TEXT)
                assert (ok["recorded"], ok["record"]) == (False, record)
                assert ok["resources"] == before["resources"]
                for one in (therapist, elsewhere):
                    heard = await one.until("safety.alert")
                    assert (heard["record"], heard["text"], heard["from"]) == (record, TEXT, talk.client)
                again = await client.ok("safety.raise", record=record, text=TEXT)
                assert (again["recorded"], again["at"]) == (False, ok["at"])
                assert await client.refused("safety.raise", record=record, text="other") == "conflict"
                late = await talk.arrive(token, device="late")  # the room is held; so they are told as well
                assert late.welcome["conversations"][0]["safety"][0]["raised"] == record
                assert (await late.until("safety.alert"))["record"] == record
            await own.until_ready("session")
            for one in (client, therapist, elsewhere, late):
                heard = await one.until_late("safety.raised")
                assert (heard["record"], heard["raised_at"], heard["text"]) == (record, ok["at"], TEXT)
            done = await client.ok("safety.raise", record=record, text=TEXT)
            assert done["recorded"]
            await insist(therapist, "safety.acknowledge", raised=record)
            for one in (client, therapist, elsewhere):
                await one.until_late("safety.acknowledged")
                assert len(told(one, "safety.raised")) == 1
        await talk.leave()


@pytest.mark.timeout(180)
async def test_what_was_raised_while_the_services_were_dead_outlives_its_gateway(own: Platform) -> None:
    """The broker has it: neither the gateway that was asked nor the dead services need come back for it."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        with gateway(own, "gateway-mortal") as (address, process):
            await ready(address)
            client = await talk.arrive(await talk.token(talk.client), gateway=address)
            record = new()
            for name in ("session", "consent", "notes"):
                own.kill(name)
            ok = await client.ok("safety.raise", record=record, text=TEXT)
            assert "emergency" in ok["resources"]
            process.send(signal.SIGKILL)
        await own.until_ready("session", "consent")
        therapist = await talk.join(talk.therapist)
        async with asyncio.timeout(30):
            while not (found := (await therapist.ok("safety.list", open=True))["raises"]):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert [(one["raised"], one["text"]) for one in found] == [(record, TEXT)]
        await talk.leave()


@pytest.mark.timeout(180)
async def test_it_escalates_once_whatever_dies(own: Platform) -> None:
    """The service restarts before it is due, again and again while it is told, with a second instance beside it."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        record = new()
        await insist(pair[0], "safety.raise", record=record, text=TEXT)
        pid = own.kill("session")
        await time_passes(own, talk)  # its time comes while nobody is there
        await own.until_restarted("session", pid)
        with instance(own, "session", "session-twin"):
            for _ in range(2):
                pid = own.kill("session")
                await own.until_restarted("session", pid)
            await own.until_ready("session")
            for one in pair:
                assert (await one.until_late("safety.escalated"))["raised"] == record
            await insist(pair[1], "safety.acknowledge", raised=record)
        for one in pair:
            await one.until_late("safety.acknowledged")
            assert len(told(one, "safety.escalated")) == 1
        await talk.leave()


TENANTS = """\
version: 7
default: FR
escalate_after_s: 1
regions:
  FR:
    name: {en: Ours}
    emergency: ["112"]
    contacts:
      - name: {en: Our own line}
        call: "01 02 03 04 05"
        source: https://tenant.example
        noted: "2026-11-26"
"""


@pytest.mark.timeout(180)
async def test_a_tenants_own_resources_time_and_questions(own: Platform, tenants: Path) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        session = await database(own, "session")
        tenant = str(await session.fetchval("select tenant from conversation where id = $1", talk.id))
        await session.close()
        folder = tenants / tenant
        folder.mkdir()
        (folder / "resources.yaml").write_text(TENANTS)
        (folder / "suitability.yaml").write_text("version: 1\ntitle: {en: Ours}\nabuot: {en: Ours}\n")
        pid = own.kill("gateway")
        await own.until_restarted("gateway", pid)
        await own.until_ready("gateway")
        lines = (own.home / "logs" / "gateway.log").read_text().splitlines()
        refused = [
            one for one in (json.loads(x) for x in lines if x.startswith("{")) if one["event"] == "safety_refused"
        ]
        assert ("suitability.yaml", 3) in {(Path(one["file"]).name, one["line"]) for one in refused}
        client, _ = await talk.both()
        ok = await client.ok("safety.raise")
        assert (ok["resources"]["version"], ok["resources"]["contacts"][0]["name"]) == (7, "Our own line")
        assert (await client.until_late("safety.escalated"))["raised"] == ok["record"]  # after a second, as it wants
        assert (await client.ok("suitability.get"))["form"]["title"]["en"] == "Before we begin"  # the platform's
        await talk.leave()
