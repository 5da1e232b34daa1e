"""Consent, sessions and notes."""

import hashlib
import uuid
from typing import Any

from tests.support.participants import Conversation, Frame, Participant

Pair = tuple[Participant, Participant]


def new() -> str:
    return str(uuid.uuid4())


async def form(who: Participant, purpose: str = "live_text") -> dict[str, Any]:
    """What a grant of the form in force names."""
    forms = {f["purpose"]: f for f in (await who.ok("consent.forms"))["forms"]}
    return {"purpose": purpose, "version": forms[purpose]["version"], "sha256": forms[purpose]["sha256"]}


async def refused(who: Participant, kind: str, **fields: object) -> tuple[str, Frame]:
    answer = await who.ask(kind, **fields)
    assert answer["type"] == "error", answer
    return answer["code"], answer.get("details", {})


async def test_forms(pair: Pair) -> None:
    forms = (await pair[0].ok("consent.forms"))["forms"]
    assert {f["purpose"] for f in forms} == {"informed_consent", "live_text", "composition_replay", "note_disclosure"}
    for one in forms:
        assert set(one) == {"purpose", "version", "title", "text", "locale", "sha256"}
        assert hashlib.sha256(one["text"].encode()).hexdigest() == one["sha256"]


async def test_granting_and_withdrawing(talk: Conversation, pair: Pair) -> None:
    client = pair[0]
    fields, decision = await form(client), new()
    ok = await client.ok("consent.grant", decision=decision, if_epoch=0, **fields)
    assert (ok["decision"], ok["epoch"] > 0) == (decision, True)
    changed = {
        "type": "consent.changed",
        "conversation": talk.id,
        "participant": talk.client,
        "purpose": "live_text",
        "state": "granted",
        "epoch": ok["epoch"],
    }
    for one in pair:
        assert await one.until("consent.changed") == changed
    again = await client.ok("consent.grant", decision=decision, **fields)
    in_force = await client.ok("consent.grant", decision=new(), **fields)
    assert {(a["decision"], a["epoch"]) for a in (again, in_force)} == {(decision, ok["epoch"])}
    withdrawn = await client.ok("consent.withdraw", purpose="live_text")
    assert withdrawn["epoch"] == ok["epoch"] + 1
    for one in pair:
        assert (await one.until("consent.changed"))["state"] == "withdrawn"
    overruled = await client.ok("consent.grant", decision=decision, **fields)
    assert overruled["epoch"] == ok["epoch"]
    assert (await refused(client, "consent.withdraw", purpose="live_text", decision=decision))[0] == "conflict"
    for one in pair:
        await one.untouched()
    late = await talk.join(talk.therapist)
    shown = late.welcome["conversations"][0]["consents"]
    assert shown == {talk.client: {"live_text": {"state": "withdrawn", "epoch": withdrawn["epoch"]}}}


async def test_a_grant_on_another_form_or_epoch(pair: Pair) -> None:
    client, therapist = pair
    fields = await form(client)
    other = await form(client, "informed_consent")
    for change in ({"version": fields["version"] + 1}, {"sha256": "0" * 64}, {"sha256": other["sha256"]}):
        assert (await refused(client, "consent.grant", **{**fields, **change}))[0] == "stale_form"
    assert await refused(client, "consent.grant", if_epoch=5, **fields) == ("stale_epoch", {"epoch": 0})
    withdrawn = await client.ok("consent.withdraw", purpose="live_text")  # nothing was granted: recorded still
    stale = {"state": "withdrawn", "epoch": withdrawn["epoch"]}
    assert await refused(client, "consent.grant", if_epoch=0, **fields) == ("stale_epoch", stale)
    await client.ok("consent.grant", **fields)  # on the epoch last sent here
    assert [f["type"] for f in await therapist.settled()] == ["consent.changed"] * 2


async def test_partners_relay_decisions(talk: Conversation, pair: Pair) -> None:
    client, _ = pair
    fields, path = await form(client), f"/v1/conversations/{talk.id}/consents"
    grant = {"participant": talk.client, "decision": "grant", **fields}
    for change, field in (
        ({"version": None}, "version"),
        ({"sha256": None}, "sha256"),
        ({"purpose": "all"}, "purpose"),
    ):
        status, problem = await talk.partner.ask("POST", path, {**grant, **change})
        assert (status, problem["field"]) == (422, field)
    status, problem = await talk.partner.ask("POST", path, {**grant, "version": 99})
    assert (status, problem["code"], problem["reason"]) == (409, "conflict", "stale_form")
    status, problem = await talk.partner.ask("POST", path, {**grant, "if_epoch": 3})
    assert (status, problem["reason"], problem["epoch"]) == (409, "stale_epoch", 0)
    status, made = await talk.partner.ask("POST", path, grant)
    assert status == 201
    assert set(made) == {"id", "participant", "purpose", "decision", "version", "sha256", "epoch", "at"}
    assert await talk.partner.ask("POST", path, grant) == (201, made)
    assert (await client.until("consent.changed"))["epoch"] == made["epoch"]
    _, found = await talk.partner.ask("GET", path)
    in_force = {talk.client: {"live_text": {"state": "granted", "epoch": made["epoch"]}}}
    assert found == {"decisions": [made], "in_force": in_force}


# --- sessions --------------------------------------------------------------------------------------------------------


async def test_a_session(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    assert (await refused(client, "session.start"))[0] == "forbidden"
    code, details = await refused(therapist, "session.start")
    assert (code, details["purpose"]) == ("consent_required", "informed_consent")
    assert set(details["participants"]) == {talk.client, talk.therapist}
    await client.consent("informed_consent")
    assert (await refused(therapist, "session.start"))[1]["participants"] == [talk.therapist]
    await therapist.consent("informed_consent")
    assert (await refused(client, "session.end"))[0] == "conflict"
    session = new()
    ok = await therapist.ok("session.start", session=session)
    assert (ok["session"], ok["n"]) == (session, 1)
    started = {"type": "session.started", "conversation": talk.id, "session": session, "at": ok["at"], "n": 1}
    for one in pair:
        assert await one.until("session.started") == started
    again = await therapist.ok("session.start", session=new())  # one runs: that one
    assert (again["session"], again["at"], again["n"]) == (session, ok["at"], 1)
    late = await talk.join(talk.client)
    assert late.welcome["conversations"][0]["session"] == {"id": session, "started_at": ok["at"]}
    ended = await client.ok("session.end")
    assert (ended["session"], ended["n"]) == (session, 2)
    for one in pair:
        assert (await one.until("session.ended"))["n"] == 2
    used = await therapist.ok("session.start", session=session)
    assert (used["session"], used["n"]) == (session, 1)
    for one in pair:
        assert not [f for f in await one.settled() if f["type"].startswith("session.")]


# --- notes -----------------------------------------------------------------------------------------------------------


async def test_notes(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    note = new()
    fields = {"note": note, "format": "text", "text": "first"}
    assert (await refused(client, "note.save", **fields))[0] == "forbidden"
    assert (await refused(client, "note.list"))[0] == "forbidden"
    assert (await therapist.ok("note.list"))["notes"] == []
    assert (await therapist.ok("note.save", **fields))["version"] == 1
    assert (await therapist.ok("note.save", **{**fields, "text": "second"}))["version"] == 2
    assert (await refused(therapist, "note.save", **{**fields, "text": "x", "version": 1}))[0] == "conflict"
    assert (await therapist.ok("note.save", **{**fields, "text": "third", "version": 2}))["version"] == 3
    assert (await refused(therapist, "note.save", **{**fields, "format": "html"}))[1]["field"] == "format"
    assert (await refused(therapist, "note.save", **{**fields, "text": " "}))[0] == "bad_text"
    (kept,) = (await therapist.ok("note.list"))["notes"]
    assert (kept["note"], kept["version"], kept["text"], kept["author"]) == (note, 3, "third", talk.therapist)
    await client.untouched()
