"""Keys on a real platform: rotated, re-wrapped, away, gone; and who may do what in their store."""

import asyncio
import json
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pydantic import SecretStr

from deploy.local import postgres
from deploy.local.home import KeyService
from shared.contracts.errors import KeyGone, Unavailable
from shared.contracts.keys import conversation_key, message
from shared.runtime.keys.admin import Admin
from shared.runtime.keys.providers import FileProvider
from shared.runtime.keys.store import KeyStore
from shared.runtime.postgres import HOUSEKEEPING, make_pool
from shared.runtime.sealing import Sealer
from tests.support.instances import database
from tests.support.keys import keyring
from tests.support.participants import Conversation, Partner
from tests.support.platform import Platform
from tests.support.trail import until_audited


@asynccontextmanager
async def own_talk(own: Platform) -> AsyncIterator[Conversation]:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        yield talk
        await talk.leave()


@asynccontextmanager
async def administering(platform: Platform) -> AsyncIterator[Admin]:
    """As whoever owns the key store."""
    url = postgres.owner_url(platform.state, postgres.KEYS)
    store = KeyStore(make_pool(SecretStr(url), 1, HOUSEKEEPING))
    yield Admin(store, FileProvider(platform.home / "keys.json"))
    store.close()


async def tenant_of(platform: Platform, talk: Conversation) -> str:
    session = await database(platform, "session")
    found = await session.fetchval("select tenant from conversation where id = $1", talk.id)
    await session.close()
    return str(found)


async def texts(talk: Conversation) -> list[str]:
    """What a partner reads; through a connection of nobody."""
    status, body = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/messages")
    assert status == 200, body
    return [each["text"] for each in body["messages"]]


async def content_of(platform: Platform, sent: str) -> bytes:
    session = await database(platform, "session")
    raw: bytes = await session.fetchval("select content from event where message = $1", sent)
    await session.close()
    return raw


# --- the shape of a seal ---------------------------------------------------------------------------------------------


async def test_a_message_is_sealed_under_its_conversations_own_key(platform: Platform, talk: Conversation) -> None:
    client, sent = await talk.join(talk.client), str(uuid.uuid4())
    await client.ok("message.send", message=sent, text="mine")
    raw = await content_of(platform, sent)
    assert raw[:5] == b"\x02\0\0\0\x01"
    tenant = await tenant_of(platform, talk)
    async with keyring(platform) as ring:
        key = await ring.of(conversation_key(tenant, talk.id))
        assert json.loads(key.open(message(sent), b64encode(raw).decode()))["text"] == "mine"


async def test_what_was_said_before_there_were_data_keys_is_still_there(platform: Platform, talk: Conversation) -> None:
    """Read, and sent again: the same content gives the same `ok`, other content is a conflict."""
    client, sent = await talk.join(talk.client), str(uuid.uuid4())
    first = await client.ok("message.send", message=sent, text="then")
    before = Sealer(SecretStr(platform.state.content_key))
    content = before.seal(talk.id, json.dumps({"text": "then", "tone": None}).encode())
    session = await database(platform, "session")
    await session.execute(
        "update event set content = decode($2, 'base64'), fingerprint = $3 where message = $1",
        sent,
        content,
        before.fingerprint(talk.id, talk.client, sent, "then", None, None),
    )
    await session.close()
    assert await texts(talk) == ["then"]
    assert (await client.ok("history"))["messages"][0]["text"] == "then"
    again = await client.ok("message.send", message=sent, text="then")
    assert (again["seq"], again["at"]) == (first["seq"], first["at"])
    assert await client.refused("message.send", message=sent, text="now") == "conflict"


# --- who may do what -------------------------------------------------------------------------------------------------

FORBIDDEN: dict[KeyService, list[str]] = {
    "gateway": [
        "delete from data_key",
        "delete from key_owner",
        "delete from tenant_key",
        "update data_key set wrapped = ''",
        "update tenant_key set wrapped = ''",
        "update key_owner set erased = false, erased_at = null",
        "truncate data_key cascade",
        "drop table data_key",
        "create table public.other (x int)",
    ],
    "session": [
        "delete from key_owner",
        "delete from tenant_key",
        "update data_key set wrapped = ''",
        "update tenant_key set wrapped = ''",
        "truncate data_key cascade",
        "drop table data_key",
        "create table public.other (x int)",
    ],
}


@pytest.mark.parametrize(("service", "statement"), [(s, q) for s, several in FORBIDDEN.items() for q in several])
async def test_a_role_can_not_do_more_than_its_process_must(
    platform: Platform, service: KeyService, statement: str
) -> None:
    connection = await asyncpg.connect(postgres.keys_url(platform.state, service))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_no_key_stands_in_the_store_as_it_is(platform: Platform, talk: Conversation) -> None:
    await talk.join(talk.client)
    tenant = await tenant_of(platform, talk)
    keys = await database(platform, "keys")
    wrapped = await keys.fetchval("select wrapped from data_key where owner = $1", talk.id)
    assert len(wrapped) == 12 + 32 + 16
    of_tenant = await keys.fetchval("select wrapped from tenant_key where tenant = $1", tenant)
    assert of_tenant.startswith("file:1:")
    await keys.close()


# --- rotation --------------------------------------------------------------------------------------------------------


async def age(platform: Platform, table: str) -> None:
    """Let the time pass after which everybody knows a new version; new processes look it up."""
    keys = await database(platform, "keys")
    await keys.execute(f"update {table} set created_at = created_at - interval '331 s'")
    await keys.close()


@pytest.mark.timeout(180)
async def test_each_level_is_rotated_without_a_stop(own: Platform) -> None:
    async with own_talk(own) as talk, administering(own) as admin:
        tenant, sent = await tenant_of(own, talk), [str(uuid.uuid4()) for _ in range(3)]
        client = await talk.join(talk.client)
        await client.ok("message.send", message=sent[0], text="first")
        assert (await admin.rotate_owner(talk.id))["conversation"] == 2
        await client.ok("message.send", message=sent[1], text="second")  # not every process knows it yet
        await age(own, "data_key")
        provider = FileProvider(own.home / "keys.json")
        await provider.rotate()
        assert await admin.rotate_tenant(tenant) == 2
        await age(own, "tenant_key")
        done = await admin.rewrap()
        assert done.tenant_keys >= 1
        assert done.data_keys >= 2
        assert done.gone == 0
        again = await admin.rewrap()
        assert (again.tenant_keys, again.data_keys, again.gone) == (0, 0, 0)
        pid = own.kill("gateway")
        await own.until_restarted("gateway", pid)
        await own.until_ready()
        client = await talk.join(talk.client)
        await client.ok("message.send", message=sent[2], text="third")
        assert [(await content_of(own, each))[:5] for each in sent] == [b"\x02\0\0\0\x01"] * 2 + [b"\x02\0\0\0\x02"]
        assert await texts(talk) == ["first", "second", "third"]
        assert (await client.ok("message.send", message=sent[0], text="first"))["seq"] == 1  # fingerprints as before
        keys = await database(own, "keys")
        assert await keys.fetchval("select bool_and(wrapped like 'file:2:%') from tenant_key where tenant = $1", tenant)
        assert await keys.fetchval("select bool_and(tenant_version = 2) from data_key where tenant = $1", tenant)
        await keys.close()


async def test_re_wrapping_goes_on_where_it_was(own: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    async with own_talk(own) as talk, administering(own) as admin:
        await talk.both()
        tenant = await tenant_of(own, talk)
        version = await admin.rotate_tenant(tenant)
        monkeypatch.setattr("shared.runtime.keys.admin.PAGE", 1)
        rewrap = KeyStore.rewrap
        done = 0

        async def dies(self: KeyStore, *args: object) -> None:
            nonlocal done
            if done == 1:
                raise ConnectionResetError
            done += 1
            await rewrap(self, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(KeyStore, "rewrap", dies)
        with pytest.raises(ConnectionResetError):
            await admin.rewrap()
        monkeypatch.setattr(KeyStore, "rewrap", rewrap)
        keys = await database(own, "keys")
        older = "select count(*) from data_key where tenant = $1 and tenant_version < $2"
        left = await keys.fetchval(older, tenant, version)
        assert left >= 1
        assert (await admin.rewrap()).data_keys == left
        assert await keys.fetchval(older, tenant, version) == 0
        await keys.close()


async def test_what_has_no_key_is_not_rotated(own: Platform) -> None:
    async with administering(own) as admin:
        for rotate in (admin.rotate_owner, admin.rotate_tenant):
            with pytest.raises(LookupError):
                await rotate(str(uuid.uuid4()))


# --- away, and gone --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def store_away(platform: Platform) -> AsyncIterator[None]:
    """Nobody gets into the key store, and nobody stays."""
    admin = await asyncpg.connect(postgres.url(platform.state))
    await admin.execute("alter database keys allow_connections false")
    await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'keys'")
    try:
        yield
    finally:
        await admin.execute("alter database keys allow_connections true")
        await admin.close()


@pytest.mark.timeout(120)
async def test_with_the_store_away_what_needs_no_key_goes_on(own: Platform) -> None:
    async with own_talk(own) as talk, own_talk(own) as other:
        client, therapist = await talk.both()
        await client.consent("live_text")
        await client.ok("live.toggle", on=True)
        token = await other.token(other.client)
        async with store_away(own):
            draft = str(uuid.uuid4())
            await client.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "still here"]])
            await therapist.until("live.edit", draft=draft)
            await client.post("its key is still known")
            guest = await other.knock()  # whose conversation's key isn't
            await guest.send("hello", token=token)
            refused = await guest.until("error")
            assert refused["code"] == "unavailable"
            assert await guest.closed() == 1012
            assert (await client.ok("consent.withdraw", purpose="live_text"))["epoch"]
            withdrawal = {"participant": other.client, "purpose": "live_text", "decision": "withdraw"}
            key = {"Idempotency-Key": str(uuid.uuid4())}
            where = f"/v1/conversations/{other.id}/consents"
            status, decided = await other.partner.ask("POST", where, withdrawal, key)
            assert status == 201
            assert await other.partner.ask("POST", where, withdrawal, key) == (201, decided)
        async with asyncio.timeout(20):
            status = 0
            while status != 200:
                status, _ = await other.partner.ask("GET", f"/v1/conversations/{other.id}/messages")
        assert (await other.join(other.client)).welcome["conversations"][0]["id"] == other.id


@pytest.mark.timeout(120)
async def test_without_the_provider_nothing_is_said_in_the_clear(own: Platform) -> None:
    """A process that starts while the provider is away has no tenant's key: it lets nobody in."""
    async with own_talk(own) as talk:
        file, aside = own.home / "keys.json", own.home / "keys.json.aside"
        token = await talk.token(talk.client)
        file.rename(aside)
        try:
            pid = own.kill("gateway")
            await own.until_restarted("gateway", pid)
            await own.until_ready()
            guest = await talk.knock()
            await guest.send("hello", token=token)
            assert (await guest.until("error"))["code"] == "unavailable"
            assert await guest.closed() == 1012
            body = {"participants": [{"role": r, "external_id": r, "display_name": r} for r in ("client", "therapist")]}
            status, problem = await talk.partner.ask("POST", "/v1/conversations", body)
            assert (status, problem["code"]) == (503, "unavailable")
            await until_audited(own, None, "POST /v1/conversations", "unavailable")
            await until_audited(own, talk.id, "hold", "unavailable")
        finally:
            aside.rename(file)
        async with asyncio.timeout(20):
            while True:
                guest = await talk.knock()
                await guest.send("hello", token=token)
                if (await guest.where(lambda f: f["type"] in ("welcome", "error")))["type"] == "welcome":
                    break
        await guest.post("back")


@pytest.mark.timeout(120)
async def test_a_version_that_is_gone_has_its_own_error(own: Platform) -> None:
    async with own_talk(own) as talk, administering(own) as admin:
        client = await talk.join(talk.client)
        await client.post("lost")
        await admin.rotate_owner(talk.id)
        keys = await database(own, "keys")
        await keys.execute("delete from data_key where owner = $1 and version = 1", talk.id)
        await keys.close()
        pid = own.kill("gateway")
        await own.until_restarted("gateway", pid)
        await own.until_ready()
        status, problem = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/messages")
        assert (status, problem["code"]) == (410, "key_gone")
        await until_audited(own, talk.id, "GET /v1/conversations/{id}/messages", "key_gone")
        client = await talk.join(talk.client)
        assert await client.refused("history") == "key_gone"
        assert (await client.post("new"))["seq"] == 2  # under the version that there is
        assert (await client.ok("history", after=1))["messages"][0]["text"] == "new"


async def test_a_wrapped_key_can_not_be_given_to_another(own: Platform) -> None:
    async with own_talk(own) as talk, own_talk(own) as other:
        for each in (talk, other):
            await each.join(each.client)
        keys = await database(own, "keys")
        swap = "update data_key set wrapped = (select wrapped from data_key where owner = $2) where owner = $1"
        await keys.execute(swap, talk.id, other.id)
        await keys.close()
        async with keyring(own) as ring:
            with pytest.raises(KeyGone):
                await ring.of(conversation_key(await tenant_of(own, talk), talk.id))


async def test_what_is_not_cached_is_unavailable(platform: Platform) -> None:
    async with keyring(platform) as ring:
        with pytest.raises(Unavailable):
            ring.cached(conversation_key(str(uuid.uuid4()), str(uuid.uuid4())))
