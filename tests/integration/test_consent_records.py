"""A person's record: history with counts, receipts that prove themselves; FHIR resources for partners."""

import asyncio
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.consent import Consent

from shared.transparency.notes import Verifier
from shared.transparency.proofs import Proof
from tests.support.instances import database, speak_for
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

FHIR = "/v1/fhir/Consent"


async def write(author: Participant, edits: int) -> None:
    draft = str(uuid.uuid4())
    for rev in range(1, edits + 1):
        await author.ok("live.edit", draft=draft, rev=rev, ops=[[0, "i", 0, "x"]])


async def history(who: Participant, purpose: str = "live_text") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await who.ok("consent.history"))["decisions"]
    return [d for d in found if d["purpose"] == purpose]


async def test_history_says_what_each_decision_let_through_and_blocked(talk: Conversation) -> None:
    client, therapist = await talk.both()
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    await write(client, 3)
    await client.ok("consent.withdraw", purpose="live_text")
    for _ in range(2):
        assert await client.refused("live.toggle", on=True) == "consent_required"
    granted, withdrawn = await history(client)
    assert (granted["decision"], granted["let_through"]["count"], granted["blocked"]["count"]) == ("grant", 3, 0)
    assert granted["at"] <= granted["let_through"]["first_at"] <= granted["let_through"]["last_at"] <= withdrawn["at"]
    assert granted["ended_at"] == withdrawn["at"]
    assert (withdrawn["decision"], withdrawn["let_through"]["count"]) == ("withdraw", 0)
    assert withdrawn["blocked"]["count"] == 2
    assert "ended_at" not in withdrawn
    assert granted["title"]
    assert await history(client) == [granted, withdrawn]  # asked again: the same counts
    assert await history(therapist) == []  # one's own only


async def test_counts_of_two_connections_add_up(talk: Conversation) -> None:
    client = await talk.join(talk.client, device="a")
    other = await talk.join(talk.client, device="b")
    await client.consent("live_text")
    for one in (client, other):
        await one.until("consent.changed")
        await one.ok("live.toggle", on=True)
        await write(one, 2)
    assert [d["let_through"]["count"] for d in await history(client)] == [4]


async def test_a_receipt_proves_itself(talk: Conversation) -> None:
    client, therapist = await talk.both()
    await client.consent("live_text")
    (granted,) = await history(client)
    answer = await client.ok("consent.receipt", decision=granted["id"])
    receipt = answer["receipt"]
    key = Verifier.parse((await talk.partner.text("/v1/consent-log/key")).strip())
    proof = Proof.parse(receipt["proof"])
    proof.verify(proof.extra, key)
    entry = json.loads(proof.extra)
    assert receipt["key"] == str(key)
    assert receipt["receipt"]["record_id"] == entry["id"] == granted["id"]
    assert receipt["receipt"]["pii_principal_id"] == entry["participant"] == talk.client
    processing = receipt["pii_processing"]
    assert hashlib.sha256(processing["privacy_notice_text"].encode()).hexdigest() == entry["sha256"]
    assert [p["purpose"] for p in processing["purposes"]] == [entry["purpose"]]
    assert receipt["events"][0]["event_time"] == entry["at"]
    assert receipt["proof"].splitlines()[0] in answer["html"]
    path = f"/v1/conversations/{talk.id}/consents/{granted['id']}/receipt"
    status, theirs = await talk.partner.ask("GET", path)
    assert (status, theirs["receipt"]) == (200, receipt["receipt"])
    page = await talk.partner.text(path, Accept="text/html")
    assert page.startswith("<!doctype html>")
    assert entry["sha256"] in page
    # nobody else's, and none that isn't there
    assert await therapist.refused("consent.receipt", decision=granted["id"]) == "not_found"
    assert await client.refused("consent.receipt", decision=str(uuid.uuid4())) == "not_found"
    assert await client.refused("consent.receipt", decision="x") == "bad_frame"


async def test_a_receipt_of_a_withdrawal(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    ok = await client.ok("consent.withdraw", purpose="note_disclosure")
    receipt = (await client.ok("consent.receipt", decision=ok["decision"]))["receipt"]
    assert receipt["events"][0]["event_state"] == "withdrawn"
    assert receipt["pii_processing"]["privacy_notice_text"] is None
    entry = json.loads(Proof.parse(receipt["proof"]).extra)
    assert (entry["id"], entry["decision"]) == (ok["decision"], "withdraw")


async def many(platform: Platform, talk: Conversation, count: int) -> None:
    """So many decisions of the client's on record, a second apart."""
    connection = await database(platform, "consent")
    try:
        await speak_for(connection, talk.id)
        await connection.execute(
            """insert into decision (conversation, id, participant, purpose, is_grant, epoch, at, via)
               select $1, gen_random_uuid(), $2, 'composition_replay', false, n,
                   date_trunc('milliseconds', now()) - interval '1 h' + n * interval '1 s', 'device'
               from generate_series(1, $3::int) as n""",
            talk.id,
            talk.client,
            count,
        )
    finally:
        await connection.close()


async def test_a_long_history_comes_in_pages(platform: Platform, talk: Conversation) -> None:
    client, therapist = await talk.both()
    await many(platform, talk, 403)
    pages = [await client.ok("consent.history")]
    while pages[0]["more"]:
        pages.insert(0, await client.ok("consent.history", before=pages[0]["decisions"][0]["id"]))
    assert [len(page["decisions"]) for page in pages] == [3, 200, 200]
    assert [d["epoch"] for page in pages for d in page["decisions"]] == list(range(1, 404))
    for who, before in ((client, str(uuid.uuid4())), (therapist, str(uuid.uuid4()))):
        error = await who.ask("consent.history", before=before)
        assert (error["code"], error["details"]["field"]) == ("not_found", "before")
    assert await client.refused("consent.history", before="x") == "bad_frame"


# --- FHIR ------------------------------------------------------------------------------------------------------------


async def search(talk: Conversation, query: str) -> list[dict[str, Any]]:
    """The resources, in a bundle that fits the published definitions."""
    raw = await talk.partner.text(f"{FHIR}?{query}")
    Bundle.model_validate_json(raw)
    body = json.loads(raw)
    found = [entry["resource"] for entry in body.get("entry", [])]
    assert body["total"] == len(found)
    for one in found:
        Consent.model_validate_json(json.dumps(one))
    return found


async def test_fhir_consents(talk: Conversation, other_talk: Conversation) -> None:
    client, therapist = await talk.both()
    await client.consent("live_text", "informed_consent")
    await therapist.consent("informed_consent")
    await client.ok("consent.withdraw", purpose="live_text")
    person = str(uuid.uuid4())
    path = f"/v1/conversations/{talk.id}/consents"
    relayed = {"participant": talk.client, "purpose": "note_disclosure", "decision": "withdraw"}
    by = {"capacity": "guardian", "person": person}
    assert (await talk.partner.ask("POST", path, {**relayed, "by": by}))[0] == 201
    found = await search(talk, f"patient={talk.client}")
    told = [(c["status"], c["provision"]["type"], c["provision"]["code"][0]["coding"][0]["code"]) for c in found]
    assert told == [
        ("inactive", "permit", "live_text"),
        ("active", "permit", "informed_consent"),
        ("active", "deny", "live_text"),
        ("active", "deny", "note_disclosure"),
    ]
    assert all(c["patient"]["reference"] == f"Patient/{talk.client}" for c in found)
    assert found[3]["performer"] == [{"reference": f"RelatedPerson/{person}"}]
    assert found[0]["provision"]["period"]["end"] == found[2]["dateTime"]
    assert await search(talk, f"patient=Patient/{talk.client}") == found
    one = json.loads(await talk.partner.text(f"{FHIR}/{found[0]['id']}"))
    assert one == found[0]
    (theirs,) = await search(talk, f"consentor={talk.therapist}")
    assert theirs["performer"] == [{"reference": f"Practitioner/{talk.therapist}"}]
    assert "patient" not in theirs
    assert await search(talk, f"patient={talk.therapist}") == []
    # another tenant finds nothing
    assert await search(other_talk, f"patient={talk.client}") == []
    assert (await other_talk.partner.ask("GET", f"{FHIR}/{found[0]['id']}"))[0] == 404
    for missing in ("0" * 64, "x"):
        assert (await talk.partner.ask("GET", f"{FHIR}/{missing}"))[0] == 404


async def test_a_long_search_comes_in_pages(platform: Platform, talk: Conversation, other_talk: Conversation) -> None:
    await many(platform, talk, 5)
    whole = await search(talk, f"patient={talk.client}")
    asked = f"{FHIR}?patient={talk.client}&_count=2"
    found: list[dict[str, Any]] = []
    sizes: list[int] = []
    while asked:
        raw = await talk.partner.text(asked)
        Bundle.model_validate_json(raw)
        page = json.loads(raw)
        assert "total" not in page
        found = [entry["resource"] for entry in page["entry"]] + found
        sizes.append(len(page["entry"]))
        links = {link["relation"]: link["url"] for link in page["link"]}
        assert links["self"].endswith(asked)
        asked = links.get("next", "").removeprefix(talk.partner.gateway)
    assert (found, sizes) == (whole, [2, 2, 1])
    # a page may hold nothing that fits, and the next one does
    page = json.loads(await talk.partner.text(f"{FHIR}?patient={talk.client}&_count=2&date=lt2000"))
    assert page.get("entry", []) == []
    assert [link["relation"] for link in page["link"]] == ["self", "next"]
    for query in ("_count=0", "_count=201", "_count=x", "before=x"):
        status, problem = await talk.partner.ask("GET", f"{FHIR}?patient={talk.client}&{query}")
        assert (status, problem["code"], problem["field"]) == (422, "bad_request", query.partition("=")[0])
    for partner, before in ((talk.partner, "0" * 64), (other_talk.partner, whole[2]["id"])):
        status, problem = await partner.ask("GET", f"{FHIR}?patient={talk.client}&before={before}")
        assert (status, problem["code"], problem["field"]) == (404, "not_found", "before")


async def test_fhir_search_by_date(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    await client.consent("live_text")
    await asyncio.sleep(0.002)  # decisions are told apart by the millisecond
    await client.ok("consent.withdraw", purpose="live_text")
    first, second = await search(talk, f"patient={talk.client}")
    today = datetime.now(UTC).date()
    for dates, wanted in (
        (f"date={first['dateTime']}", [first]),
        (f"date=gt{first['dateTime']}", [second]),
        (f"date=le{first['dateTime']}", [first]),
        (f"date=ge{first['dateTime']}&date=lt{second['dateTime']}", [first]),
        (f"date=ge{(today - timedelta(days=1)).isoformat()}", [first, second]),
        (f"date=eb{(today - timedelta(days=1)).isoformat()}", []),
        ("date=2000", []),
        ("date=ne2000-01", [first, second]),
    ):
        assert await search(talk, f"patient={talk.client}&{dates}") == wanted, dates
    for query, field in (
        ("", "patient"),
        ("patient=x", "patient"),
        ("consentor=Patient/", "consentor"),
        (f"patient={talk.client}&date=yesterday", "date"),
        (f"patient={talk.client}&date=2026-02-31", "date"),
    ):
        status, problem = await talk.partner.ask("GET", f"{FHIR}?{query}")
        assert (status, problem["code"], problem["field"]) == (422, "bad_request", field)
