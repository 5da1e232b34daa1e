"""Who is in no conversation but erased ones has no name and no external id left, nor in any dump from then on."""

import asyncio
import uuid
from base64 import b64encode
from typing import Any, TypeAlias

import asyncpg
import pytest

from deploy.local.home import REPO
from shared.contracts.contents import ParticipantContent
from shared.contracts.keys import people_key, person
from tests.support.erasure import caches_expired, dump, erase, path, tenant_of, until
from tests.support.instances import database
from tests.support.keys import keyring
from tests.support.participants import Conversation, Partner
from tests.support.platform import Platform

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
WAITING = (
    "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%hmac for update%')"
)


async def met(partner: Partner, client: str, therapist: str) -> tuple[Conversation, dict[str, Any]]:
    """A conversation of people with these external ids, who are called alike; and the request that made it."""
    people = [
        {"role": role, "external_id": external, "display_name": f"Name of {external}"}
        for role, external in (("client", client), ("therapist", therapist))
    ]
    once = {"Idempotency-Key": str(uuid.uuid4())}
    request: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/conversations",
        "body": {"participants": people},
        "headers": once,
    }
    status, made = await partner.ask(**request)
    assert status == 201, made
    ids = {each["role"]: each["id"] for each in made["participants"]}
    return Conversation(partner, made["id"], ids["client"], ids["therapist"]), request


async def row(session: Database, participant: str) -> tuple[str, bytes]:
    found = await session.fetchrow("select external_hmac, profile from participant where id = $1", participant)
    assert found is not None
    return found["external_hmac"], found["profile"]


async def name_in(platform: Platform, tenant: str, hmac: str, profile: bytes) -> str:
    """What somebody is called, for who has all keys of the platform."""
    async with keyring(platform) as ring:
        raw = (await ring.of(people_key(tenant))).open(person(hmac), b64encode(profile).decode())
    return ParticipantContent.model_validate_json(raw).display_name


@pytest.mark.timeout(180)
async def test_names_go_with_the_last_conversation(own: Platform) -> None:
    client, other, therapist = (str(uuid.uuid4()) for _ in range(3))
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        session, gateway = await database(own, "session"), await database(own, "gateway")
        talk, request = await met(partner, client, therapist)
        second, _ = await met(partner, other, therapist)
        tenant = await tenant_of(own, talk)
        hmac, profile = await row(session, talk.client)
        answer = await gateway.fetchval("select answer from idempotency where conversation = $1", talk.id)
        before = {name: dump(own, name, "plain").read_text() for name in ("session", "gateway")}
        assert await name_in(own, tenant, hmac, profile) == f"Name of {client}"
        assert hmac in before["session"]
        assert profile.hex() in before["session"]
        assert answer in before["gateway"]

        await erase(talk)
        await caches_expired(own, talk)
        after = {name: dump(own, name, "plain").read_text() for name in ("session", "gateway")}
        assert hmac not in after["session"]
        assert profile.hex() not in after["session"]
        assert answer not in after["gateway"]
        assert (await row(session, talk.client))[1] == b""
        status, problem = await partner.ask(**request)
        assert (status, problem["code"]) == (410, "erased")

        # the therapist is in another conversation, and is called as before
        kept = await row(session, talk.therapist)
        assert kept[1].hex() in after["session"]
        assert await name_in(own, tenant, *kept) == f"Name of {therapist}"
        _, body = await partner.ask("GET", path(second))
        assert {each["external_id"] for each in body["participants"]} == {other, therapist}

        # who comes again under the same external id is somebody new
        again, _ = await met(partner, client, therapist)
        assert (again.client == talk.client, again.therapist == talk.therapist) == (False, True)
        for last in (second, again):
            await erase(last)
            await caches_expired(own, last)
        assert [(await row(session, each))[1] for each in (talk.therapist, second.client, again.client)] == [b""] * 3
        for connection in (session, gateway):
            await connection.close()


async def test_a_conversation_made_in_the_same_moment_keeps_the_name(own: Platform) -> None:
    """Who makes it has the person's row locked; the eraser waits, and then sees the new conversation."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk, _ = await met(partner, str(uuid.uuid4()), str(uuid.uuid4()))
        session, making = await database(own, "session"), await database(own, "session")
        named = await row(session, talk.client)
        async with making.transaction():
            people = "select from participant where id = any($1::uuid[]) order by external_hmac for update"
            await making.execute(people, [talk.client, talk.therapist])
            await erase(talk)
            expiring = asyncio.create_task(caches_expired(own, talk))
            await until(session, WAITING)
            await making.execute(
                """insert into conversation (id, tenant, region, client, therapist, created_at, last_at)
                   select gen_random_uuid(), tenant, region, client, therapist, now(), now()
                   from conversation where id = $1""",
                talk.id,
            )
        await expiring
        assert await row(session, talk.client) == named
        for connection in (session, making):
            await connection.close()


async def test_people_who_were_erased_before_this_version_are_emptied_by_the_migration(own: Platform) -> None:
    migration = (REPO / "services/session/sql/migrations/0007_people.sql").read_text()
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk, _ = await met(partner, str(uuid.uuid4()), str(uuid.uuid4()))
        other, _ = await met(partner, str(uuid.uuid4()), str(uuid.uuid4()))
        session = await database(own, "session")
        then = {each: await row(session, each) for each in (talk.client, talk.therapist)}
        await erase(talk)
        await caches_expired(own, talk)
        for each, (hmac, profile) in then.items():  # as the version before left it
            put_back = "update participant set external_hmac = $2, profile = $3 where id = $1"
            await session.execute(put_back, each, hmac, profile)
        kept = await row(session, other.client)
        await session.execute(migration)
        assert [(await row(session, each))[1] for each in then] == [b"", b""]
        assert await row(session, other.client) == kept
        await session.close()
