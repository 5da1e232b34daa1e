"""Somebody who may do everything in the database tampers with the log: the first place is named."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import consent_log
from deploy.local.home import REPO
from shared.transparency import merkle
from shared.transparency.audit import Broken, audit
from shared.transparency.notes import Verifier
from tests.support.consent_log import Tenant, new_tenant, thief, unsaid
from tests.support.platform import Platform

COUNT = 7


@pytest_asyncio.fixture
async def tenant(platform: Platform) -> AsyncIterator[Tenant]:
    """With seven decisions, the last of which was signed."""
    async with new_tenant(platform) as found:
        await found.decisions(COUNT)
        await found.checkpoint()
        yield found


async def tenant_id(tenant: Tenant) -> str:
    _, _, key = await tenant.text("/v1/consent-log/key")
    return key.split("+")[0].split("/")[2]


# Everything is the tenant's that $1 names; the other tests' tenants are left alone.
TAMPERINGS = {
    "alter": (["update decision set is_grant = not is_grant where tenant = $1 and leaf = 2"], "entry 2 was altered"),
    "alter by a millisecond": (
        ["update decision set at = at + interval '1 millisecond' where tenant = $1 and leaf = 0"],
        "entry 0 was altered",
    ),
    "delete": (["delete from decision where tenant = $1 and leaf = 2"], "entry 2 was deleted"),
    "delete the last": (["delete from decision where tenant = $1 and leaf = 6"], "entry 6 was deleted"),
    "delete with its hash": (
        ["delete from decision where tenant = $1 and leaf = 2", "delete from node where tenant = $1 and index = 2"],
        "entry 2 was deleted",
    ),
    "delete the last with its hash": (
        ["delete from decision where tenant = $1 and leaf = 6", "delete from node where tenant = $1 and index = 6"],
        "entry 6 was deleted",
    ),
    "delete and close the gap": (
        [
            "delete from decision where tenant = $1 and leaf = 2",
            "update decision set leaf = leaf - 100 where tenant = $1 and leaf > 2",
            "update decision set leaf = leaf + 99 where tenant = $1 and leaf < 0",
        ],
        "entry 2 was deleted; what was entry 3 is in its place",
    ),
    "insert at the end": (
        [
            """insert into decision (tenant, leaf, conversation, id, participant, purpose, is_grant, epoch, at, via)
               select tenant, 7, conversation, gen_random_uuid(), participant, purpose, false, 99, at, via
               from decision where tenant = $1 and leaf = 0"""
        ],
        "entry 7 was inserted",
    ),
    "insert between": (
        [
            "update decision set leaf = leaf + 100 where tenant = $1 and leaf > 3",
            "update decision set leaf = leaf - 99 where tenant = $1 and leaf > 100",
            """insert into decision (tenant, leaf, conversation, id, participant, purpose, is_grant, epoch, at, via)
               select tenant, 4, conversation, gen_random_uuid(), participant, purpose, false, 99, at, via
               from decision where tenant = $1 and leaf = 0""",
        ],
        "entry 4 was inserted",
    ),
    "reorder": (
        [
            "update decision set leaf = -1 where tenant = $1 and leaf = 1",
            "update decision set leaf = 1 where tenant = $1 and leaf = 5",
            "update decision set leaf = 5 where tenant = $1 and leaf = -1",
        ],
        "entry 1 was reordered: entry 5 is in its place",
    ),
    "alter a hash": (
        ["update node set hash = sha256('') where tenant = $1 and level = 0 and index = 4"],
        "hash 4 was altered; the entries are what was signed",
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_the_first_place_is_named(tenant: Tenant, tmp_path: Path, how: str) -> None:
    statements, said = TAMPERINGS[how]
    mine = await tenant_id(tenant)
    async with thief(tenant.platform) as connection:
        for statement in statements:
            await connection.execute(statement, mine)
    status, output = await tenant.consent("verify")
    assert status == 1
    assert said in output
    with pytest.raises(Broken, match=said):
        await asyncio.to_thread(export_and_audit, tenant, tmp_path / "export")


def export_and_audit(tenant: Tenant, folder: Path) -> None:
    """What the two commands do, without starting them."""
    consent_log.export(consent_log.Partner(tenant.platform.gateway, tenant.client_id, tenant.secret), folder)
    key, note = (folder / "key.txt").read_text(), (folder / "checkpoint.txt").read_text()
    audit(partial(consent_log.read_export, folder), Verifier.parse(key), note)


async def test_rewriting_all_of_it_is_refused_a_signature(tenant: Tenant, tmp_path: Path) -> None:
    """Hashes included: what was signed before no longer follows."""
    mine = await tenant_id(tenant)
    await rewrite(tenant, mine)
    status, problem = await tenant.partner.ask("GET", "/v1/consent-log/checkpoint")
    assert (status, problem["code"], problem["reason"]) == (409, "conflict", "log_broken")
    status, output = await tenant.consent("verify")
    assert status == 1
    assert f"the log was rewritten, with its hashes: first between entry 0 and entry {COUNT - 1}" in output
    await tenant.decide(tenant.talks[0], "grant")  # a broken log keeps nobody from deciding
    await tenant.decide(tenant.talks[0], "withdraw")


async def test_rewriting_with_the_signatures_shows_against_what_an_auditor_kept(tenant: Tenant, tmp_path: Path) -> None:
    kept, mine = tmp_path / "kept", await tenant_id(tenant)
    assert (await tenant.consent("export", kept))[0] == 0
    await rewrite(tenant, mine)
    async with thief(tenant.platform) as connection:
        await connection.execute("delete from checkpoint where tenant = $1", mine)
    assert (await tenant.consent("verify"))[0] == 0  # nothing here remembers
    status, output = await tenant.consent("verify", "--since", kept)
    assert status == 1
    assert "the log was rewritten" in output
    async with thief(tenant.platform) as connection:
        await connection.execute("delete from decision where tenant = $1 and leaf > 3", mine)
        await connection.execute("delete from node where tenant = $1 and (index + 1) << level > 4", mine)
        await connection.execute("delete from checkpoint where tenant = $1", mine)
    status, output = await tenant.consent("verify", "--since", kept / "checkpoint.txt")
    assert status == 1
    assert f"the log is cut off: it ends before entry 4, and once had {COUNT}" in output


async def rewrite(tenant: Tenant, mine: str) -> None:
    """Alter the third decision, and compute all hashes anew."""
    async with thief(tenant.platform) as connection:
        await connection.execute("update decision set epoch = epoch + 50 where tenant = $1 and leaf = 2", mine)
        await connection.execute("delete from node where tenant = $1", mine)
        await connection.execute(
            "select append_leaf(tenant, leaf, decision_entry(d)) from (select * from decision where tenant = $1 "
            "order by leaf) as d",
            mine,
        )


async def test_an_export_alone(tenant: Tenant, tmp_path: Path) -> None:
    """On another machine, with the public key and nothing else."""
    folder = tmp_path / "export"
    assert (await tenant.consent("export", folder))[0] == 0
    assert {path.name for path in folder.iterdir()} == {"key.txt", "checkpoint.txt", "entries.jsonl", "hashes.txt"}
    key = (folder / "key.txt").read_text().strip()
    (folder / "key.txt").unlink()
    nowhere = {"UNSAID_HOME": str(tmp_path / "nowhere")}
    command = [sys.executable, str(REPO / "unsaid"), "consent", "verify", str(folder), "--key", key]
    done = await asyncio.create_subprocess_exec(*command, env={**os.environ, **nowhere})
    assert await done.wait() == 0
    status, output = await unsaid("verify", folder, "--key", key, **nowhere)
    assert status == 0, output
    assert f"{COUNT} decisions, each as it was signed" in output
    assert not (tmp_path / "nowhere").exists()
    entries = (folder / "entries.jsonl").read_bytes()
    lines = entries.splitlines(keepends=True)
    for changed, said in (
        (entries.replace(b'"withdraw"', b'"withdrew"', 1), "entry 1 was altered"),
        (b"".join(lines[:4] + lines[5:]), "entry 4 was deleted"),
        (b"".join(lines[:4]), "entry 4 was deleted"),
        (b"".join([*lines[:2], b'{"forged":true}\n', *lines[2:]]), "entry 2 was inserted"),
        (b"".join([lines[0], lines[3], lines[2], lines[1], *lines[4:]]), "entry 1 was reordered"),
        (b"".join([*lines, lines[0]]), "entry 7 was inserted"),
        (b"", "entry 0 was deleted"),
    ):
        (folder / "entries.jsonl").write_bytes(changed)
        status, output = await unsaid("verify", folder, "--key", key, **nowhere)
        assert (status, said in output) == (1, True), output
    (folder / "entries.jsonl").write_bytes(entries)
    named = json.loads(lines[1])
    (folder / "entries.jsonl").write_bytes(entries.replace(b'"epoch":2', b'"epoch":3'))
    _, output = await unsaid("verify", folder, "--key", key, **nowhere)
    assert f"decision {named['id']} of conversation {named['conversation']}" in output
    (folder / "entries.jsonl").write_bytes(entries)
    hashes = (folder / "hashes.txt").read_bytes().splitlines()
    hashes[5] = base64.b64encode(merkle.leaf_hash(b""))
    (folder / "hashes.txt").write_bytes(b"\n".join(hashes))
    status, output = await unsaid("verify", folder, "--key", key, **nowhere)
    assert (status, "hash 5 was altered; the entries are what was signed" in output) == (1, True)


async def test_what_is_no_export(tenant: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    assert (await tenant.consent("export", folder))[0] == 0
    status, output = await tenant.consent("export", folder)
    assert (status, "holds other things already" in output) == (1, True)
    (folder / "checkpoint.txt").write_bytes(b"\xff\xfe")
    assert (await unsaid("verify", folder))[0] == 1
    (folder / "checkpoint.txt").write_text("none\n")
    status, output = await unsaid("verify", folder)
    assert (status, "the checkpoint or the key is broken" in output) == (1, True)
    (folder / "checkpoint.txt").unlink()
    assert (await unsaid("verify", folder))[0] == 1
    status, output = await unsaid("verify", "--gateway", tenant.platform.gateway)
    assert (status, "go together" in output) == (1, True)
    status, output = await unsaid(
        "verify", "--gateway", tenant.platform.gateway, "--client-id", tenant.client_id, UNSAID_CLIENT_SECRET="wrong"
    )
    assert (status, "invalid_client" in output) == (1, True)
