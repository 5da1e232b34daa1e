"""A consent database that was restored from a backup revives nothing: with a real pg_dump and pg_restore."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from deploy.local import postgres, ready
from deploy.local.home import Home, Part
from deploy.local.supervision import Supervisor
from services.gateway.handlers.hub import LEASE_S
from tests.support.consent_log import Tenant, unsaid
from tests.support.instances import database
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

GENERATION = 2**32


def program(platform: Platform, name: str, *arguments: str) -> None:
    """One of Postgres' own programs, on the consent database."""
    path = postgres.programs(postgres.VERSION) / name
    url = postgres.database_url(platform.state, "consent")
    done = subprocess.run([str(path), *arguments, "--dbname", url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def dump(platform: Platform, file: Path) -> None:
    await asyncio.to_thread(program, platform, "pg_dump", "--format", "custom", "--file", str(file))


async def restore(platform: Platform, file: Path, *how: str) -> None:
    await asyncio.to_thread(program, platform, "pg_restore", "--exit-on-error", *how, str(file))


async def generation(platform: Platform) -> int:
    connection = await database(platform, "consent")
    try:
        found: int = await connection.fetchval("select value from setting where name = 'generation'")
        return found
    finally:
        await connection.close()


async def consents(talk: Conversation) -> dict[str, Any]:
    """What is in force of the client's, as a partner is told."""
    status, body = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
    assert status == 200
    found: dict[str, Any] = body["in_force"].get(talk.client, {})
    return found


async def conversation(tenant: Tenant) -> Conversation:
    talk = await tenant.partner.conversation()
    tenant.talks.append(talk)
    return talk


async def showing(talk: Conversation, *more: str) -> tuple[Participant, Participant]:
    """A client whose live text is on, and the therapist who sees it."""
    client, therapist = await talk.both()
    await client.consent("live_text", *more)
    await client.ok("live.toggle", on=True)
    await therapist.until("live.changed", on=True)
    return client, therapist


async def test_restored_over_itself_while_people_talk(own: Platform, own_tenant: Tenant, tmp_path: Path) -> None:
    withdrawing, kept, later = [await conversation(own_tenant) for _ in range(3)]
    client, _ = await showing(withdrawing, "composition_replay", "informed_consent")
    _, kept_therapist = await showing(kept)
    before = await generation(own)
    await dump(own, tmp_path / "dump")
    await client.ok("consent.withdraw", purpose="live_text")
    await client.ok("consent.withdraw", purpose="composition_replay")
    _, later_therapist = await showing(later)  # of this grant the backup knows nothing
    await restore(own, tmp_path / "dump", "--clean", "--if-exists")
    for therapist in (kept_therapist, later_therapist):
        await therapist.until("live.changed", on=False)
        changed = await therapist.until("consent.changed", purpose="live_text", state="withdrawn")
        assert changed["epoch"] >= (before + 1) * GENERATION
    assert await generation(own) == before + 1
    for talk in (withdrawing, kept):
        again = await talk.join(talk.client)
        shown = again.welcome["conversations"][0]["consents"][talk.client]
        assert shown["live_text"] == {"state": "withdrawn", "epoch": (before + 1) * GENERATION + 1}
        assert await again.refused("live.toggle", on=True) == "consent_required"
    in_force = await consents(withdrawing)
    assert {purpose: value["state"] for purpose, value in in_force.items()} == {
        "live_text": "withdrawn",
        "composition_replay": "withdrawn",
        "informed_consent": "granted",
    }
    assert await consents(later) == {}
    anew = await later.join(later.client)
    assert await anew.refused("live.toggle", on=True) == "consent_required"
    await anew.consent("live_text")


async def test_restored_while_the_service_is_stopped(own: Platform, own_tenant: Tenant, tmp_path: Path) -> None:
    """What is in force is withdrawn before the service is ready, and the log says by whom."""
    talk = await conversation(own_tenant)
    client, therapist = await showing(talk)
    before = await generation(own)
    _, _, key = await own_tenant.text("/v1/consent-log/key")
    old = tmp_path / "old"
    assert (await own_tenant.consent("export", old))[0] == 0
    await dump(own, tmp_path / "dump")
    await client.ok("consent.withdraw", purpose="live_text")
    supervisor = Supervisor(Home(own.home))
    await asyncio.to_thread(supervisor.stop_parts, ["consent"])
    await therapist.until("live.changed", on=False)
    connection = await database(own, "gateway")
    try:
        await connection.execute("drop database consent with (force)")
        await connection.execute("create database consent")
    finally:
        await connection.close()
    await restore(own, tmp_path / "dump")
    assert await generation(own) == before
    supervisor.start_part("consent")
    await asyncio.to_thread(ready.wait_service, "consent", own.state, supervisor)
    assert await generation(own) == before + 1
    assert await consents(talk) == {
        "live_text": {"state": "withdrawn", "epoch": (before + 1) * GENERATION + 1},
    }
    entry = json.loads((await own_tenant.entries())[-1])
    assert (entry["via"], entry["decision"], entry["purpose"]) == ("system: restored", "withdraw", "live_text")
    status, output = await own_tenant.consent("verify")
    assert status == 0, output
    _, _, new_key = await own_tenant.text("/v1/consent-log/key")
    assert new_key.split("+")[0] == f"{key.split('+')[0].removesuffix(f'/{before}')}/{before + 1}"
    status, output = await own_tenant.consent("verify", "--since", old)
    assert (status, "is another log than" in output) == (1, True)
    # Deciding goes on, above everything that was forgotten.
    granted = await own_tenant.decide(talk)
    assert granted["epoch"] == (before + 1) * GENERATION + 2


async def test_what_an_operator_says(own: Platform, own_tenant: Tenant) -> None:
    """A copy of the server's own files looks like the original: then somebody has to say it."""
    talk = await conversation(own_tenant)
    client, therapist = await showing(talk)
    before = await generation(own)
    status, output = await unsaid("restored", UNSAID_HOME=str(own.home))
    assert status == 0, output
    assert "A new generation has begun" in output
    asked = asyncio.get_running_loop().time()
    await therapist.until("live.changed", on=False)
    assert asyncio.get_running_loop().time() - asked < LEASE_S
    in_force = (before + 1) * GENERATION + 1
    await client.until("consent.changed", state="withdrawn", epoch=in_force)
    assert await consents(talk) == {"live_text": {"state": "withdrawn", "epoch": in_force}}
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)


async def test_a_restart_is_no_restoring(own: Platform, own_tenant: Tenant) -> None:
    talk = await conversation(own_tenant)
    await showing(talk)
    before, in_force = await generation(own), await consents(talk)
    parts: tuple[Part, ...] = ("postgres", "consent")
    for part in parts:  # the service last: its readiness can't be what it was before
        old = own.kill(part)
        await own.until_restarted(part, old)
    await own.until_ready()
    assert await generation(own) == before
    assert await consents(talk) == in_force
