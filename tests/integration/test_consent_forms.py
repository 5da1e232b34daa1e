"""Forms of a tenant's own, what ends a grant by itself, and what was in force at any moment."""

import asyncio
import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform
from tests.support.trail import until_audited

FORMS = "/v1/consent-forms"
SOON_S = 2.0
LEASE_S = 5.0
LATE_S = 1.0
"""What a test's own clock and machine may add."""


def stamp(after_s: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=after_s)).isoformat(timespec="milliseconds")


def texts(text: str) -> list[dict[str, str]]:
    return [{"locale": "en", "title": "Notes", "text": text}, {"locale": "fr", "title": "Notes", "text": text + " fr"}]


async def newest(partner: Partner, purpose: str) -> int:
    _, body = await partner.ask("GET", FORMS)
    return max(int(f["version"]) for f in body["forms"] if f["purpose"] == purpose)


async def shown(who: Participant, purpose: str) -> dict[str, Any]:
    found: dict[str, Any] = next(f for f in (await who.ok("consent.forms"))["forms"] if f["purpose"] == purpose)
    return found


async def test_a_tenant_publishes_a_form_of_its_own(other_partner: Partner, other_talk: Conversation) -> None:
    version = await newest(other_partner, "note_disclosure") + 1
    body = {"purpose": "note_disclosure", "version": version, "texts": texts("One.\nTwo."), "valid_days": 30}
    once = {"Idempotency-Key": str(uuid.uuid4())}
    status, made = await other_partner.ask("POST", FORMS, body, once)
    assert status == 201
    assert await other_partner.ask("POST", FORMS, body, once) == (201, made)
    assert {f["locale"] for f in made["forms"]} == {"en", "fr"}
    assert all(f["own"] and f["valid_days"] == 30 and "older_lapse_at" not in f for f in made["forms"])
    assert await other_partner.ask("POST", FORMS, body) == (200, made)
    client = await other_talk.join(other_talk.client)
    form = await shown(client, "note_disclosure")
    assert (form["version"], form["text"]) == (version, "One.\nTwo.")
    assert form["sha256"] == hashlib.sha256(form["text"].encode()).hexdigest()
    assert await other_partner.ask("GET", f"{FORMS}/{form['sha256']}") == (200, form)
    # another text under the same version, and a version that isn't the next one: nothing is published
    for wrong in ({"texts": texts("Else.")}, {"version": version + 2}):
        status, problem = await other_partner.ask("POST", FORMS, {**body, **wrong})
        assert (status, problem["code"]) == (409, "conflict")
    assert await newest(other_partner, "note_disclosure") == version
    await client.ok("consent.grant", purpose="note_disclosure", version=version, sha256=form["sha256"])
    _, found = await other_partner.ask("GET", f"/v1/conversations/{other_talk.id}/consents")
    (grant,) = found["decisions"]
    lasts = datetime.fromisoformat(grant["expires_at"]) - datetime.fromisoformat(grant["at"])
    assert lasts == timedelta(days=30)


async def test_another_tenant_sees_nothing_of_it(partner: Partner, other_partner: Partner) -> None:
    version = await newest(other_partner, "composition_replay") + 1
    text = f"Only ours {uuid.uuid4()}"
    body = {"purpose": "composition_replay", "version": version, "texts": texts(text)}
    assert (await other_partner.ask("POST", FORMS, body))[0] == 201
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert (await other_partner.ask("GET", f"{FORMS}/{digest}"))[0] == 200
    assert (await partner.ask("GET", f"{FORMS}/{digest}"))[0] == 404
    _, listed = await partner.ask("GET", FORMS)
    assert digest not in {f["sha256"] for f in listed["forms"]}


async def test_a_diff_between_versions(other_partner: Partner) -> None:
    first = await newest(other_partner, "note_disclosure") + 1
    for version, text in ((first, "Same.\nOld."), (first + 1, "Same.\nNew.")):
        body = {"purpose": "note_disclosure", "version": version, "texts": texts(text)}
        assert (await other_partner.ask("POST", FORMS, body))[0] == 201
    asked = f"{FORMS}/diff?purpose=note_disclosure&locale=en&first={first}&second={first + 1}"
    lines = (await other_partner.text(asked)).splitlines()
    assert [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")] == ["-Old.", "+New."]
    assert (await other_partner.ask("GET", asked.replace("locale=en", "locale=de")))[0] == 404
    for wrong, field in (("purpose=all", "purpose"), ("first=0", "first"), ("locale=%20", "locale")):
        name = wrong.partition("=")[0]
        query = "&".join(wrong if part.startswith(name) else part for part in asked.partition("?")[2].split("&"))
        status, problem = await other_partner.ask("GET", f"{FORMS}/diff?{query}")
        assert (status, problem["field"]) == (422, field)


async def test_bad_forms(partner: Partner) -> None:
    body = {"purpose": "live_text", "version": 2, "texts": texts("x")}
    two = texts("x")[:1] * 2
    for change, field in (
        ({"purpose": "all"}, "purpose"),
        ({"version": 0}, "version"),
        ({"texts": []}, "texts"),
        ({"texts": two}, "texts"),
        ({"texts": [{"locale": "en", "title": "t", "text": " "}]}, "texts"),
        ({"texts": [{"locale": "en", "title": "t", "text": "x" * 16_001}]}, "texts.0.text"),
        ({"valid_days": 0}, "valid_days"),
        ({"older_lapse_at": "tomorrow"}, "older_lapse_at"),
        ({"older_lapse_at": "2026-13-01T00:00:00Z"}, "older_lapse_at"),
    ):
        status, problem = await partner.ask("POST", FORMS, {**body, **change})
        assert (status, problem["code"], problem["field"]) == (422, "bad_request", field)
    assert await newest(partner, "live_text") == 1


# --- what ends by itself ---------------------------------------------------------------------------------------------


async def live(author: Participant) -> None:
    await author.ok("live.toggle", on=True)
    edit = {"draft": str(uuid.uuid4()), "rev": 1, "ops": [[0, "i", 0, "hello"]]}
    await author.ok("live.edit", **edit)


async def test_live_text_stops_when_its_grant_expires(talk: Conversation) -> None:
    client, therapist = await talk.both()
    form = await shown(client, "live_text")
    ends = time.monotonic() + SOON_S
    asked = {"purpose": "live_text", "version": form["version"], "sha256": form["sha256"]}
    granted = await client.ok("consent.grant", expires_at=stamp(SOON_S), **asked)
    await live(client)
    await therapist.until("live.edit")
    await therapist.until("live.clear")
    gone = time.monotonic()
    assert ends - 0.1 < gone < ends + LEASE_S + LATE_S
    assert (await therapist.until("live.changed", on=False))["from"] == talk.client
    changed = await therapist.until("consent.changed", state="withdrawn")
    assert changed["epoch"] == granted["epoch"] + 1
    assert await client.refused("live.toggle", on=True) == "consent_required"
    _, found = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
    assert [d["decision"] for d in found["decisions"]] == ["grant", "withdraw"]
    # deciding anew works, on the epoch that was told
    await client.ok("consent.grant", if_epoch=changed["epoch"], **asked)


async def test_grants_of_older_versions_lapse(other_partner: Partner, other_talk: Conversation) -> None:
    client, therapist = await other_talk.both()
    form = await shown(client, "live_text")
    await client.ok("consent.grant", purpose="live_text", version=form["version"], sha256=form["sha256"])
    await live(client)
    version, when = form["version"] + 1, stamp(SOON_S)
    ends = time.monotonic() + SOON_S
    body = {"purpose": "live_text", "version": version, "texts": texts("New."), "older_lapse_at": when}
    assert (await other_partner.ask("POST", FORMS, body))[0] == 201
    path = f"/v1/conversations/{other_talk.id}/consents"
    _, before = await other_partner.ask("GET", path)
    assert before["in_force"][other_talk.client]["live_text"]["state"] == "granted"
    await therapist.until("live.clear")
    assert ends - 0.1 < time.monotonic() < ends + LEASE_S + LATE_S
    await client.until("consent.changed", state="withdrawn")
    # a new form asks again: the old one is stale, the new one is granted
    old = {"purpose": "live_text", "version": form["version"], "sha256": form["sha256"]}
    assert await client.refused("consent.grant", **old) == "stale_form"
    new = await shown(client, "live_text")
    await client.ok("consent.grant", purpose="live_text", version=version, sha256=new["sha256"])


async def test_a_new_version_leaves_older_grants_in_force(other_partner: Partner, other_talk: Conversation) -> None:
    client = await other_talk.join(other_talk.client)
    form = await shown(client, "informed_consent")
    await client.ok("consent.grant", purpose="informed_consent", version=form["version"], sha256=form["sha256"])
    body = {"purpose": "informed_consent", "version": form["version"] + 1, "texts": texts("New.")}
    assert (await other_partner.ask("POST", FORMS, body))[0] == 201
    _, found = await other_partner.ask("GET", f"/v1/conversations/{other_talk.id}/consents")
    assert found["in_force"][other_talk.client]["informed_consent"]["state"] == "granted"
    assert len(found["decisions"]) == 1


async def test_what_was_in_force_at_any_moment(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    path = f"/v1/conversations/{talk.id}/consents"
    await client.consent("live_text")
    await client.ok("consent.withdraw", purpose="live_text")
    form = await shown(client, "live_text")
    expires = stamp(0.5)
    asked = {"participant": talk.client, "purpose": "live_text", "decision": "grant", "expires_at": expires}
    asked |= {"version": form["version"], "sha256": form["sha256"]}
    assert (await talk.partner.ask("POST", path, asked))[0] == 201
    _, all_of_it = await talk.partner.ask("GET", path)
    first, withdrawn, second = all_of_it["decisions"]
    await asyncio.sleep(0.6)  # what is asked for is a time that has passed

    async def at(moment: str) -> str | None:
        status, found = await talk.partner.ask("GET", f"{path}?at={moment.replace('+', '%2B')}")
        assert status == 200, found
        value = found["in_force"].get(talk.client, {}).get("live_text")
        return None if value is None else value["state"]

    before = datetime.fromisoformat(first["at"]) - timedelta(milliseconds=1)
    assert await at(before.isoformat(timespec="milliseconds")) is None
    assert await at(first["at"]) == "granted"
    assert await at(withdrawn["at"]) == "withdrawn"
    assert await at(second["at"]) == "granted"
    assert await at(second["expires_at"]) == "withdrawn"
    assert second["expires_at"] == expires.replace("+00:00", "Z")
    for wrong in (stamp(60), "yesterday"):
        status, problem = await talk.partner.ask("GET", f"{path}?at={wrong.replace('+', '%2B')}")
        assert (status, problem["field"]) == (422, "at")


# --- bad input -------------------------------------------------------------------------------------------------------


async def test_each_wrong_decision_has_its_own_error_and_changes_nothing(
    platform: Platform, talk: Conversation
) -> None:
    client, therapist = await talk.both()
    path = f"/v1/conversations/{talk.id}/consents"
    form = await shown(client, "live_text")
    granted = {"purpose": "live_text", "version": form["version"], "sha256": form["sha256"]}
    body = {"participant": talk.client, "decision": "grant", **granted}
    guardian = {"capacity": "guardian", "person": talk.therapist}
    for change, status, told in (
        ({"version": form["version"] + 1}, 409, {"code": "conflict", "reason": "stale_form", "field": "version"}),
        ({"sha256": "0" * 64}, 409, {"code": "conflict", "reason": "stale_form", "field": "sha256"}),
        ({"participant": str(uuid.uuid4())}, 404, {"code": "not_found"}),
        ({"by": guardian}, 403, {"code": "forbidden", "field": "by.person"}),
        ({"by": guardian, "decision": "withdraw"}, 403, {"code": "forbidden", "field": "by.person"}),
        ({"decided_at": stamp(60)}, 422, {"code": "bad_request", "field": "decided_at", "reason": "in_future"}),
        ({"expires_at": stamp(-1)}, 422, {"code": "bad_request", "field": "expires_at", "reason": "past"}),
        ({"decided_at": "soon"}, 422, {"code": "bad_request", "field": "decided_at"}),
    ):
        found, problem = await talk.partner.ask("POST", path, {**body, **change})
        assert (found, {name: problem.get(name) for name in told}) == (status, told)
    for frame, change, code, field in (
        ("consent.grant", {"version": 99}, "stale_form", "version"),
        ("consent.grant", {"sha256": "0" * 64}, "stale_form", "sha256"),
        ("consent.grant", {"participant": talk.therapist}, "forbidden", "participant"),
        ("consent.withdraw", {"participant": talk.therapist}, "forbidden", "participant"),
        ("consent.grant", {"expires_at": stamp(-1)}, "bad_frame", "expires_at"),
        ("consent.grant", {"expires_at": "soon"}, "bad_frame", "expires_at"),
    ):
        error = await client.ask(frame, **{**granted, **change})
        assert (error["type"], error["code"], error["details"]["field"]) == ("error", code, field)
    _, nothing = await talk.partner.ask("GET", path)
    assert nothing == {"decisions": [], "in_force": {}}
    for one in (client, therapist):
        assert "consent.changed" not in {f["type"] for f in await one.settled()}
    # each is in the audit trail
    for asked, code, field in (
        ("POST /v1/conversations/{id}/consents", "stale_form", "version"),
        ("POST /v1/conversations/{id}/consents", "stale_form", "sha256"),
        ("POST /v1/conversations/{id}/consents", "forbidden", "by.person"),
        ("POST /v1/conversations/{id}/consents", "bad_request", "decided_at"),
        ("POST /v1/conversations/{id}/consents", "bad_request", "expires_at"),
        ("consent.grant", "stale_form", "version"),
        ("consent.grant", "stale_form", "sha256"),
        ("consent.grant", "forbidden", "participant"),
        ("consent.withdraw", "forbidden", "participant"),
        ("consent.grant", "bad_frame", "expires_at"),
    ):
        await until_audited(platform, talk.id, asked, code, field)


async def test_the_other_person_withdraws_for_nobody(platform: Platform, talk: Conversation) -> None:
    """Who decided is on record for ever. The same withdrawal as the person's own, or a guardian's, is never refused."""
    path = f"/v1/conversations/{talk.id}/consents"
    body = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
    by = {"capacity": "guardian", "person": talk.therapist}

    async def refused() -> None:
        status, problem = await talk.partner.ask("POST", path, {**body, "by": by})
        assert (status, problem["code"], problem["field"]) == (403, "forbidden", "by.person")

    await refused()  # nobody is here, so the consent service says it
    client, therapist = await talk.both()
    await client.consent("live_text")
    draft = str(uuid.uuid4())
    await client.ok("live.toggle", on=True)
    await client.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "still"]])
    await refused()  # and somebody is, whom the gateway would have stopped
    await client.ok("live.edit", draft=draft, rev=2, ops=[[0, "i", 5, " shown"]])
    await therapist.until("live.edit", rev=2)
    await until_audited(platform, talk.id, "POST /v1/conversations/{id}/consents", "forbidden", "by.person")
    for who in ({}, {"by": {"capacity": "guardian", "person": str(uuid.uuid4())}}):
        status, made = await talk.partner.ask("POST", path, {**body, **who})
        assert (status, made["decision"]) == (201, "withdraw")
    await therapist.until("live.clear", draft=draft)
    await therapist.until("consent.changed", state="withdrawn")


async def test_when_a_person_decided_is_on_record(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    form, decided = await shown(client, "live_text"), "2026-01-02T03:04:05.678Z"
    body = {"participant": talk.client, "decision": "grant", "purpose": "live_text", "decided_at": decided}
    body |= {"version": form["version"], "sha256": form["sha256"]}
    status, made = await talk.partner.ask("POST", f"/v1/conversations/{talk.id}/consents", body)
    assert (status, made["decided_at"]) == (201, decided)
    assert made["at"] > decided  # in force from when it is known on
