"""Each kind of process has roles of its own in Postgres and a user of its own in RabbitMQ: what each must not do."""

import asyncio
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import aio_pika
import aiohttp
import asyncpg
import psycopg
import pytest
from aiormq.exceptions import ChannelAccessRefused
from pydantic import SecretStr

from deploy.local import databases, postgres
from deploy.local.home import QUEUE_SERVICES, SERVICES, Home, QueueService, Service
from shared.runtime import migrations
from shared.runtime.broker.topology import (
    LIVE,
    REGISTERED,
    commands_exchange,
    dead_exchange,
    dead_queue,
    events_exchange,
    registrations_exchange,
)
from tests.chaos.cluster import control
from tests.support.channels import channel
from tests.support.instances import database, free_port, instance, ready
from tests.support.participants import Participant
from tests.support.platform import Platform

DATABASES: tuple[Service | Literal["keys"], ...] = (*SERVICES, "keys")
Pair = tuple[Participant, Participant]

NO_ID = "00000000-0000-0000-0000-000000000000"
AS_TENANT = f"set unsaid.tenants = '{{{NO_ID}}}'"
"""So that it isn't row-level security that refuses."""
EVERYWHERE = (
    "create table public.other (x int)",
    "create temporary table other (x int)",
    "create schema other",
    "set session authorization unsaid",
    "create role other",
    "alter role current_user bypassrls",
    "insert into _yoyo_migration (migration_id) values ('9999')",
    "select tenant_guard('_yoyo_migration')",
)
WITH_QUEUES = (
    "truncate setting",
    "drop table owner",
    "alter table conversation disable row level security",
    "alter table conversation no force row level security",
    "create policy mine on conversation using (true)",
    "drop policy tenants on conversation",
    "delete from conversation",
    "update setting set value = 99",
    "delete from owner",
)
FORBIDDEN: dict[Service, tuple[str, ...]] = {
    "gateway": (
        "set role gateway",
        "delete from tenant",
        "delete from api_client",
        "select * from api_client",
        "insert into tenant (id, name) values (gen_random_uuid(), 'mine')",
        "update tenant set rate_factor = 1000",
        f"{AS_TENANT}; insert into api_client values ('mine', '{NO_ID}', '', '')",
        "update api_client set secret_hash = ''",
        "insert into live_off (scope) values ('*')",
        "update live_off set scope = ''",
        "delete from live_off",
        "select * from refusal",
        "update refusal set times = 0",
        "delete from refusal",
        "alter table api_client disable row level security",
    ),
    "session": (
        *WITH_QUEUES,
        "set role session",
        "delete from event",
        "truncate event",
        "update event set sender = gen_random_uuid()",
        "update event set tenant = gen_random_uuid()",
        "delete from participant",
        "delete from read_mark",
        "delete from session",
        "delete from composition",
        f"{AS_TENANT}; insert into pacing_setting values ('{NO_ID}', 1)",
        "update pacing_setting set offer_share = 1",
    ),
    "consent": (
        *WITH_QUEUES,
        "set role consent",
        *(f"update {table} set tenant = tenant" for table in ("decision", "node", "checkpoint", "form")),
        *(f"delete from {table}" for table in ("decision", "node", "checkpoint", "form", "consent_use")),
        *(f"truncate {table}" for table in ("decision", "node", "checkpoint", "form")),
        "insert into node values (gen_random_uuid(), 0, 0, sha256(''))",
        "select append_leaf(gen_random_uuid(), 0, '')",
        "update decision set is_grant = true",
        "alter table decision disable trigger append",
        "alter table decision disable trigger append_only",
        "set session_replication_role = replica",
        "update home set incarnation = ''",
    ),
    "notes": (*WITH_QUEUES, "set role notes", "delete from note", "truncate note"),
}


@pytest.mark.parametrize(("service", "statement"), [(s, q) for s in SERVICES for q in (*EVERYWHERE, *FORBIDDEN[s])])
async def test_a_serving_role_can_not_do_more_than_its_process_must(
    platform: Platform, service: Service, statement: str
) -> None:
    connection = await asyncpg.connect(postgres.serving_url(platform.state, service))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_serving_role_gets_into_no_other_database(platform: Platform, service: Service) -> None:
    (role,) = postgres.serving(service)
    for other in {*SERVICES, postgres.KEYS} - {service}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(postgres.role_url(platform.state, other, role))


async def test_serving_roles_own_nothing_and_are_nobody_special(platform: Platform) -> None:
    for name in DATABASES:
        connection = await database(platform, name)
        for role in postgres.serving(name):
            special = (
                "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication from pg_roles"
                " where rolname = $1"
            )
            assert await connection.fetchval(special, role) is False
            assert not await connection.fetchval(
                "select count(*) from pg_auth_members where member = $1::text::regrole", role
            )
            owned = "select count(*) from pg_shdepend where refobjid = $1::text::regrole and deptype = 'o'"
            assert not await connection.fetchval(owned, role)
        await connection.close()


async def test_what_was_made_before_becomes_the_owners(platform: Platform) -> None:
    """A home of before there were roles: all in it is the server's user's."""
    connection = await database(platform, "notes")
    try:
        await connection.execute("create table before (id bigint generated always as identity)")
        databases.prepare(platform.state)
        owner = "select tableowner from pg_tables where tablename = 'before'"
        assert await connection.fetchval(owner) == "notes"
    finally:
        await connection.execute("drop table before")
        await connection.close()


async def test_nobody_but_the_owner_makes_what_its_functions_could_find(platform: Platform) -> None:
    """As in a database that began before Postgres 15."""
    connection = await database(platform, "notes")
    try:
        await connection.execute("alter schema public owner to current_user; grant create on schema public to public")
        await connection.execute("revoke all on schema public from notes")
        await asyncio.to_thread(databases.prepare, platform.state)
        for role, may in (("notes_serving", False), ("notes", True)):
            held = "select has_schema_privilege($1::text, 'public', 'create')"
            assert await connection.fetchval(held, role) is may
    finally:
        await connection.execute("alter schema public owner to pg_database_owner")
        await connection.close()


async def test_a_service_waits_until_the_owner_has_migrated(platform: Platform) -> None:
    """It can't do that itself, and doesn't work on tables of before."""
    name, port = f"scratch_{uuid.uuid4().hex}", free_port()
    admin = await asyncpg.connect(postgres.url(platform.state))
    await admin.execute(f"create database {name} owner notes")
    url = postgres.role_url(platform.state, name, "notes_serving")
    owner = SecretStr(postgres.role_url(platform.state, name, "notes"))
    folder = databases.folder("notes")
    try:
        with (
            TemporaryDirectory() as part,
            instance(platform, "notes", "waits", UNSAID_DATABASE_URL=url, UNSAID_ADMIN_PORT=str(port)),
        ):
            older = Path(part) / "sql" / "migrations"
            shutil.copytree(folder.parent, older.parent)
            max(older.iterdir()).unlink()
            (older.parent / migrations.GRANTS).write_text("grant select on _yoyo_migration to notes_serving")
            await asyncio.to_thread(migrations.apply, owner, older)
            await _until_said(port, "not migrated yet: 1 to go")
            await asyncio.to_thread(migrations.apply, owner, folder)
            await ready(f"http://127.0.0.1:{port}")
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


async def _until_said(port: int, reason: str) -> None:
    """Until a process says that it isn't ready, and why."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 503 and reason in (await answer.json())["reasons"].values():
                        return
            await asyncio.sleep(0.1)


async def test_each_process_comes_as_itself(platform: Platform, pair: Pair) -> None:
    """And does its work: a message goes all the way, a consent and a note are kept."""
    client, therapist = pair
    await client.post("said")
    await therapist.until("message.posted")
    await client.consent("live_text")
    told = await control(Home(platform.home), platform.state, "-q", "list_connections", "user", "client_properties")
    assert {line.split()[0] for line in told.splitlines() if "connection_name" in line} == set(SERVICES)
    admin = await asyncpg.connect(postgres.url(platform.state))
    rows = await admin.fetch("select datname, usename from pg_stat_activity where datname = any ($1)", list(SERVICES))
    await admin.close()
    operators = {(name, postgres.USER) for name in SERVICES}
    assert {tuple(row) for row in rows} - operators == {(name, *postgres.serving(name)) for name in SERVICES}


# --- RabbitMQ --------------------------------------------------------------------------------------------------------


async def _never(_: object) -> None:
    raise AssertionError


def others(service: Service) -> list[QueueService]:
    return [other for other in QUEUE_SERVICES if other != service]


WRITES: dict[Service, set[str]] = {
    "gateway": {LIVE, *(commands_exchange(each) for each in QUEUE_SERVICES)},
    "session": {
        *(exchange("session") for exchange in (events_exchange, commands_exchange, dead_exchange)),
        *map(registrations_exchange, REGISTERED),
    },
    "consent": {events_exchange("consent"), dead_exchange("consent")},
    "notes": {events_exchange("notes"), dead_exchange("notes")},
}
EVENTS = {events_exchange(each) for each in QUEUE_SERVICES}
REGISTRATIONS = {registrations_exchange(each) for each in REGISTERED}
OF_SERVICES = {exchange(each) for each in QUEUE_SERVICES for exchange in (commands_exchange, dead_exchange)}
EXCHANGES = {LIVE, *EVENTS, *REGISTRATIONS, *OF_SERVICES}


async def _publish(platform: Platform, service: Service, exchange: str) -> None:
    """To a routing key that no queue has."""
    async with channel(platform, service) as opened:
        target = await opened.get_exchange(exchange, ensure=False) if exchange else opened.default_exchange
        await target.publish(aio_pika.Message(b"[]"), "nowhere.at.all", mandatory=False, timeout=5)


@pytest.mark.parametrize("exchange", sorted({*EXCHANGES, "", "amq.direct", "amq.topic"}))
@pytest.mark.parametrize("service", SERVICES)
async def test_who_writes_where(platform: Platform, service: Service, exchange: str) -> None:
    if exchange in WRITES[service]:
        await _publish(platform, service, exchange)
        return
    with pytest.raises(ChannelAccessRefused):
        await _publish(platform, service, exchange)


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_reads_declares_or_empties_anothers_queues(platform: Platform, service: Service) -> None:
    foreign = [name for other in others(service) for name in (f"{other}.0", dead_queue(other))]
    if service != "gateway":
        foreign.append("gateway.gateway-1.0")
    for queue in [*foreign, "amq.gen-1", "anything"]:
        async with channel(platform, service) as opened:
            with pytest.raises(ChannelAccessRefused):
                await opened.declare_queue(queue, durable=True)
        for ask in ("basic_get", "basic_consume", "queue_purge", "queue_delete"):
            async with channel(platform, service) as opened:
                below = await opened.get_underlay_channel()
                with pytest.raises(ChannelAccessRefused):
                    await (below.basic_consume(queue, _never) if ask == "basic_consume" else getattr(below, ask)(queue))


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_makes_or_deletes_an_exchange(platform: Platform, service: Service) -> None:
    for exchange in sorted(EXCHANGES):
        async with channel(platform, service) as opened:
            with pytest.raises(ChannelAccessRefused):
                await opened.exchange_delete(exchange)
    async with channel(platform, service) as opened:
        with pytest.raises(ChannelAccessRefused):
            await opened.declare_exchange("other", aio_pika.ExchangeType.FANOUT)


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_listens_in_on_what_isnt_for_it(platform: Platform, service: Service) -> None:
    """A queue of one's own isn't bound to another's exchange."""
    queue_name = "gateway.listener" if service == "gateway" else f"{service}.99"
    own = {commands_exchange(service), dead_exchange(service), registrations_exchange(service)}
    readable = {LIVE, *EVENTS} if service == "gateway" else own
    for exchange in sorted(EXCHANGES - readable):
        async with channel(platform, service) as opened:
            queue = await opened.declare_queue(queue_name, exclusive=True)
            with pytest.raises(ChannelAccessRefused):
                await queue.bind(exchange, "session.0")


async def test_a_gateway_has_queues_of_its_own(platform: Platform) -> None:
    async with channel(platform, "gateway") as opened:
        queue = await opened.declare_queue("gateway.test", exclusive=True)
        await queue.bind(LIVE, queue.name)
        exchange = await opened.get_exchange(LIVE, ensure=False)
        await exchange.publish(aio_pika.Message(b"[]"), queue.name)
        message = await queue.get(timeout=5)
        assert message.body == b"[]"


def test_a_wrong_password_is_refused(platform: Platform) -> None:
    url = postgres.serving_url(platform.state, "session").replace("session_serving:", "session_serving:x")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
