"""Row-level security in every database: which tables have it, and what is there for who hasn't said for whom."""

import uuid
from typing import Literal

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.home import SERVICES, Service
from tests.support.erasure import tenant_of
from tests.support.instances import database
from tests.support.participants import Conversation
from tests.support.platform import Platform

YOYO = {"_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock"}
"""Which migrations were applied."""
RUNTIME = {
    "setting": "numbers of queues, the generation",
    "instance": "names of processes",
    "owner": "queues and their owners",
    "suspect": "ids of commands, for moments",
    "subscription": "topics, addresses and tenants; a gateway renews what it holds of many tenants together",
}
UNGUARDED: dict[str, dict[str, str]] = {
    "gateway": {
        "tenant": "a gateway must know all tenants before anybody comes; names and settings, nothing of theirs",
        "live_off": "the operator's switch, also for all tenants",
    },
    "session": RUNTIME,
    "consent": {**RUNTIME, "home": "where the tables are"},
    "notes": RUNTIME,
    "keys": {},
}
"""The tables without row-level security, and why. What isn't here has it, or this fails."""
Name = Service | Literal["keys"]
DATABASES: tuple[Name, ...] = (*SERVICES, "keys")

EVERYBODYS = ("form", "exercise_definition")
"""Where there are rows of no tenant, which everybody sees."""
GUARDED = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and {} order by 1"


async def guarded(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    rows = await connection.fetch(GUARDED.format("relrowsecurity and relforcerowsecurity"))
    return [str(row["relname"]) for row in rows]


@pytest.mark.parametrize("name", DATABASES)
async def test_every_table_has_forced_row_level_security_or_a_reason(platform: Platform, name: Name) -> None:
    connection = await database(platform, name)
    without = await connection.fetch(GUARDED.format("not (relrowsecurity and relforcerowsecurity)"))
    found = {str(row["relname"]) for row in without} - YOYO
    assert found == set(UNGUARDED[name])
    columns = (
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant'"
    )
    of_a_tenant = {str(row["table_name"]) for row in await connection.fetch(columns)}
    assert of_a_tenant - {"subscription"} <= set(await guarded(connection))
    policies = {row["tablename"] for row in await connection.fetch("select tablename from pg_policies")}
    assert policies == set(await guarded(connection))
    await connection.close()


@pytest.mark.parametrize("name", DATABASES)
async def test_who_hasnt_said_for_whom_sees_nothing_and_writes_nothing(
    platform: Platform, talk: Conversation, name: Name
) -> None:
    client, _ = await talk.both()
    await client.consent("live_text")
    admin = await database(platform, name)
    tables, filled = await guarded(admin), 0
    for role in (name, *postgres.serving(name)):
        connection = await asyncpg.connect(postgres.role_url(platform.state, name, role))
        for table in tables:
            if not await admin.fetchval("select has_table_privilege($1::text, $2::text, 'select')", role, table):
                continue
            filled += bool(await admin.fetchval(f"select count(*) from {table}"))
            shown = "tenant <> '00000000-0000-0000-0000-000000000000'" if table in EVERYBODYS else "true"
            for tenants in (None, "", "{}", "{" + str(uuid.uuid4()) + "}"):
                async with connection.transaction():
                    if tenants is not None:
                        await connection.execute("select set_config('unsaid.tenants', $1, true)", tenants)
                    assert await connection.fetchval(f"select count(*) from {table} where {shown}") == 0, (role, table)
            await connection.execute("reset all")
        await connection.close()
    assert filled, "there was nothing that could have been seen"
    await admin.close()


async def test_only_the_owner_keeps_house(platform: Platform, talk: Conversation) -> None:
    for role, seen in (("session", True), ("session_serving", False)):
        connection = await asyncpg.connect(postgres.role_url(platform.state, "session", role))
        async with connection.transaction():
            await connection.execute("set local unsaid.housekeeping = 'on'")
            assert bool(await connection.fetchval("select count(*) from conversation where id = $1", talk.id)) is seen
        await connection.close()


async def test_a_tenants_rows_are_there_for_one_transaction(platform: Platform, talk: Conversation) -> None:
    mine = await tenant_of(platform, talk)
    connection = await asyncpg.connect(postgres.serving_url(platform.state, "session"))
    there = "select count(*) from conversation where id = $1"
    async with connection.transaction():
        await connection.execute("select set_config('unsaid.tenants', $1, true)", "{" + mine + "}")
        assert await connection.fetchval(there, talk.id) == 1
    assert await connection.fetchval(there, talk.id) == 0
    await connection.close()


async def test_a_row_can_not_be_put_into_another_tenants_conversation(platform: Platform, talk: Conversation) -> None:
    """Neither as theirs nor as one's own: the key says whose the conversation is."""
    theirs, mine = await tenant_of(platform, talk), str(uuid.uuid4())
    connection = await asyncpg.connect(postgres.serving_url(platform.state, "session"))
    event = "insert into event (tenant, conversation, n, kind, at, session) values ($1, $2, 99, 'x', now(), $2)"
    for tenant, error in (
        (theirs, asyncpg.InsufficientPrivilegeError),
        (mine, asyncpg.ForeignKeyViolationError),
    ):
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select set_config('unsaid.tenants', $1, true)", "{" + mine + "}")
        with pytest.raises(error):
            await connection.execute(event, tenant, talk.id)
        await transaction.rollback()
    await connection.close()
