"""The tenant's consent log as partners read it: gapless, signed, and proved entry by entry."""

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path

import asyncpg
import pytest

from shared.transparency import merkle
from shared.transparency.checkpoints import open_checkpoint
from shared.transparency.notes import Verifier
from shared.transparency.proofs import Proof
from tests.support.consent_log import Tenant, new_id, unsaid
from tests.support.instances import database, speak_for
from tests.support.participants import Partner
from tests.support.platform import Platform


async def key_of(tenant: Tenant) -> Verifier:
    status, kind, key = await tenant.text("/v1/consent-log/key")
    assert (status, kind) == (200, "text/plain")
    return Verifier.parse(key)


async def test_an_entry_is_the_decision_as_canonical_json(tenant: Tenant) -> None:
    talk = await tenant.partner.conversation()
    granted = await tenant.decide(talk)
    client = await talk.join(talk.client, device="Robin's phone")
    withdrawn = await client.ok("consent.withdraw", purpose="live_text")
    await talk.leave()
    first, second = await tenant.entries()
    grant, withdrawal = json.loads(first), json.loads(second)
    assert grant == {
        **{name: granted[name] for name in ("at", "decision", "epoch", "id", "participant", "purpose")},
        **await tenant.form(),
        "conversation": talk.id,
        "locale": "en",
        "v": 1,
        "via": "partner",
    }
    assert re.fullmatch("[0-9a-f]{64}", withdrawal["device"])
    assert withdrawal["device"] != hashlib.sha256(b"Robin's phone").hexdigest(), "who guesses the name could check it"
    assert (withdrawal["id"], withdrawal["epoch"]) == (withdrawn["decision"], withdrawn["epoch"])
    assert set(withdrawal) == set(grant) - {"version", "sha256", "locale"} | {"device"}
    for entry in (first, second):
        canonical = json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry == canonical.encode()
        assert b"Robin" not in entry


async def test_who_decided_for_whom(tenant: Tenant) -> None:
    talk = await tenant.partner.conversation()
    by = {"capacity": "guardian", "person": new_id()}
    made = await tenant.decide(talk, by=by)
    assert made["by"] == by
    own = await tenant.decide(talk, "withdraw")
    assert "by" not in own
    assert [json.loads(entry).get("by") for entry in await tenant.entries()] == [by, None]
    _, listed = await tenant.partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
    assert [d.get("by") for d in listed["decisions"]] == [by, None]
    path = f"/v1/conversations/{talk.id}/consents"
    body = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
    for wrong in ({"capacity": "neighbour", "person": new_id()}, {"capacity": "guardian"}, {"person": new_id()}, "me"):
        status, problem = await tenant.partner.ask("POST", path, {**body, "by": wrong})
        assert (status, problem["code"]) == (422, "bad_request")
        assert problem["field"].startswith("by")
    assert len(await tenant.entries()) == 2


async def test_checkpoints_and_proofs(tenant: Tenant) -> None:
    key = await key_of(tenant)
    assert re.fullmatch(r"unsaid-[0-9a-f]{8}\.local/consent/[0-9a-f-]{36}", key.name)
    empty = open_checkpoint(await tenant.checkpoint(), key)
    assert (empty.origin, empty.size, empty.root) == (key.name, 0, merkle.EMPTY_ROOT)
    roots, decided = {0: empty.root}, []
    for size in range(1, 8):
        decided += await tenant.decisions(1)
        note = await tenant.checkpoint()
        assert note == await tenant.checkpoint()
        tree = merkle.Frontier()
        for entry in await tenant.entries():
            tree.append(merkle.leaf_hash(entry))
        found = open_checkpoint(note, key)
        assert (found.size, found.root) == (size, tree.root())
        roots[size] = found.root
    for first in range(8):
        for second in range(first, 8):
            status, body = await tenant.partner.ask("GET", f"/v1/consent-log/proof?first={first}&second={second}")
            assert status == 200
            proof = [base64.b64decode(each) for each in body["consistency"]]
            merkle.verify_consistency(first, second, proof, roots[first], roots[second])
    entries = await tenant.entries()
    for index, decision in enumerate(decided):
        status, kind, text = await tenant.text(f"/v1/consents/{decision['id']}/proof")
        assert (status, kind) == (200, "text/plain")
        proof_of = Proof.parse(text)
        assert (proof_of.index, proof_of.extra) == (index, entries[index])
        assert proof_of.verify(entries[index], key).size == 7
        assert json.loads(entries[index])["id"] == decision["id"]


async def test_entries_come_in_pages(tenant: Tenant) -> None:
    await tenant.decisions(5)
    every = await tenant.entries()
    assert len(every) == 5
    assert await tenant.entries(1, 3) == every[1:4]
    assert await tenant.entries(4, 4) == every[4:]
    assert await tenant.entries(5, 9) == []


BAD = [
    ("/v1/consent-log/entries", "start"),
    ("/v1/consent-log/entries?start=0", "end"),
    ("/v1/consent-log/entries?start=3&end=2", "end"),
    ("/v1/consent-log/entries?start=-1&end=2", "start"),
    ("/v1/consent-log/entries?start=x&end=2", "start"),
    ("/v1/consent-log/proof?first=1", "second"),
    ("/v1/consent-log/proof?first=2&second=1", "first"),
    ("/v1/consent-log/proof?first=0&second=3", "second"),
    (f"/v1/consents/{new_id()}/proof?conversation=x", "conversation"),
]


async def test_bad_requests_name_the_field(tenant: Tenant) -> None:
    await tenant.decisions(2)
    for path, name in BAD:
        status, problem = await tenant.partner.ask("GET", path)
        assert (status, problem["code"], problem["field"]) == (422, "bad_request", name), path


async def test_another_tenant_s_log_doesn_t_exist(tenant: Tenant, other_partner: Partner) -> None:
    made = (await tenant.decisions(1))[0]
    for decision in (made["id"], new_id(), "x"):
        status, problem = await other_partner.ask("GET", f"/v1/consents/{decision}/proof")
        assert (status, problem["code"]) == (404, "not_found")
    _, theirs = await other_partner.ask("GET", "/v1/consent-log/entries?start=0&end=255")
    assert (await tenant.entries())[0] not in [base64.b64decode(e["leaf_input"]) for e in theirs["entries"]]
    async with Partner(tenant.platform.gateway, "nobody", "x") as nobody:
        nobody._token = "none"
        for path in ("key", "checkpoint", "entries?start=0&end=1", "proof?first=0&second=0"):
            status, problem = await nobody.ask("GET", f"/v1/consent-log/{path}")
            assert (status, problem["code"]) == (401, "unauthorized")


async def test_a_decision_s_id_may_be_another_conversation_s_too(tenant: Tenant) -> None:
    decision, talks = new_id(), [await tenant.partner.conversation() for _ in range(2)]
    for talk in talks:
        client = await talk.join(talk.client)
        await client.ok("consent.withdraw", purpose="live_text", decision=decision)
        await talk.leave()
    path = f"/v1/consents/{decision}/proof"
    status, problem = await tenant.partner.ask("GET", path)
    assert (status, problem["field"]) == (422, "conversation")
    for index, talk in enumerate(talks):
        status, _, text = await tenant.text(f"{path}?conversation={talk.id}")
        assert (status, Proof.parse(text).index) == (200, index)


async def test_many_at_once_leave_no_gap(tenant: Tenant) -> None:
    talks = await asyncio.gather(*(tenant.partner.conversation() for _ in range(12)))
    made = await asyncio.gather(*(tenant.decide(talk, "withdraw") for talk in talks for _ in range(2)))
    entries = await tenant.entries()  # who decides twice what is so already gets the first decision
    assert len(entries) == 12
    assert {json.loads(entry)["id"] for entry in entries} == {one["id"] for one in made}
    assert open_checkpoint(await tenant.checkpoint(), await key_of(tenant)).size == 12


async def test_whatever_inserts_a_decision_appends_it(tenant: Tenant) -> None:
    """A process of the version before names none of the log's columns."""
    made = (await tenant.decisions(1))[0]
    connection = await database(tenant.platform, "consent")
    try:
        await speak_for(connection, tenant.talks[-1].id)
        await connection.execute(
            """insert into decision
               (conversation, id, participant, purpose, is_grant, version, sha256, locale, epoch, at, via, device)
               select conversation, gen_random_uuid(), participant, purpose, false, null, null, null, epoch + 1, at,
               'device', 'tab' from decision where id = $1""",
            made["id"],
        )
    finally:
        await connection.close()
    assert len(await tenant.entries()) == 2
    assert (await tenant.consent("verify"))[0] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update decision set is_grant = true",
        "delete from decision",
        "truncate decision",
        "update node set hash = hash",
        "delete from node where false",
        "delete from checkpoint",
        "truncate checkpoint",
    ],
)
async def test_the_database_refuses_to_change_the_log(platform: Platform, statement: str) -> None:
    connection = await database(platform, "consent")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_proof_is_checked_without_the_platform(tenant: Tenant, tmp_path: Path) -> None:
    made = (await tenant.decisions(3))[1]
    _, _, text = await tenant.text(f"/v1/consents/{made['id']}/proof")
    file = tmp_path / "one.tlog-proof"
    file.write_text(text)
    key = str(await key_of(tenant))
    status, said = await unsaid("proof", file, "--key", key)
    assert status == 0, said
    assert json.loads(said)["id"] == made["id"]
    file.write_text(text.replace("index 1", "index 2"))
    status, said = await unsaid("proof", file, "--key", key)
    assert status == 1
    assert "the proof is broken" in said


async def test_the_right_to_insert_decisions_is_enough(tenant: Tenant) -> None:
    """The tree is made with its owner's rights; who may only insert decisions can't touch it."""
    made, role = (await tenant.decisions(1))[0], f"role_{new_id().replace('-', '_')}"
    connection = await database(tenant.platform, "consent")
    try:
        await speak_for(connection, tenant.talks[-1].id)
        await connection.execute(f"create role {role}; grant select, insert on decision to {role}")
        await connection.execute(f"set role {role}")
        await connection.execute(
            """insert into decision (conversation, id, participant, purpose, is_grant, epoch, at, via)
               select conversation, gen_random_uuid(), participant, purpose, false, epoch + 1, at, 'device'
               from decision where id = $1""",
            made["id"],
        )
        for statement in (
            "select append_leaf(gen_random_uuid(), 0, '')",
            "insert into node values (gen_random_uuid(), 0, 0, sha256(''))",
            "update decision set is_grant = true",
            "delete from decision",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await connection.execute(statement)
    finally:
        await connection.execute("reset role")
        await connection.execute(f"drop owned by {role}; drop role {role}")
        await connection.close()
    assert len(await tenant.entries()) == 2
    assert (await tenant.consent("verify"))[0] == 0
