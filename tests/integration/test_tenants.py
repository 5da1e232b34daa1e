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
from tests.support.tenancy import World

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

NOBODYS = "00000000-0000-0000-0000-000000000000"
EVERYBODYS = {"form": "everybody", "exercise_definition": "everybodys"}
"""Where there are rows of no tenant, which everybody sees; by which policy."""
TENANTS = """(tenant = ANY ((
    SELECT (NULLIF(current_setting('unsaid.tenants'::text, true), ''::text))::uuid[] AS "nullif")::uuid[]))"""
HOUSEKEEPING = "(current_setting('unsaid.housekeeping'::text, true) = 'on'::text)"
EMPTY = {"calendar_feed", "refusal", "exercise_definition", "pacing_setting"}
"""Nothing of these is made here; their policies are the same as the others'."""
COLUMNS = """select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''"""
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
    await connection.close()


@pytest.mark.parametrize("name", DATABASES)
async def test_policies_are_these_and_no_others(platform: Platform, name: Name) -> None:
    connection = await database(platform, name)
    found = {
        (row["tablename"], row["policyname"], row["cmd"], str(row["roles"]), _squeezed(row["qual"]), row["with_check"])
        for row in await connection.fetch("select * from pg_policies")
    }
    expected = {
        (table, policy, "ALL", roles, _squeezed(condition), None)
        for table in await guarded(connection)
        for policy, roles, condition in (
            ("tenants", "['public']", TENANTS),
            ("housekeeping", f"['{name}']", HOUSEKEEPING),
        )
    } | {
        (table, EVERYBODYS[table], "SELECT", "['public']", _squeezed(f"(tenant = '{NOBODYS}'::uuid)"), None)
        for table in set(EVERYBODYS) & set(await guarded(connection))
    }
    assert found == expected
    await connection.close()


def _squeezed(condition: str) -> str:
    return "".join(condition.split())


@pytest.mark.parametrize("name", DATABASES)
async def test_who_hasnt_said_for_whom_sees_nothing(platform: Platform, talk: Conversation, name: Name) -> None:
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
            shown = f"tenant <> '{NOBODYS}'" if table in EVERYBODYS else "true"
            for tenants in (None, "", "{}", "{" + str(uuid.uuid4()) + "}"):
                async with connection.transaction():
                    if tenants is not None:
                        await connection.execute("select set_config('unsaid.tenants', $1, true)", tenants)
                    assert await connection.fetchval(f"select count(*) from {table} where {shown}") == 0, (role, table)
            await connection.execute("reset all")
        await connection.close()
    assert filled, "there was nothing that could have been seen"
    await admin.close()


@pytest.mark.parametrize("name", DATABASES)
async def test_who_hasnt_said_for_whom_writes_nothing(platform: Platform, talk: Conversation, name: Name) -> None:
    """Rows that are there, written again, changed and deleted by each role that serves."""
    world = await World.make(platform)
    client, _ = await talk.both()
    await client.consent("live_text")
    admin = await database(platform, name)
    empty, tried = set(), 0
    for table in await guarded(admin):
        row = await admin.fetchval(f"select to_jsonb(t) from {table} t where tenant <> '{NOBODYS}' limit 1")
        if row is None:
            empty.add(table)
            continue
        columns = await admin.fetchval(COLUMNS, table)
        copy = f"select {columns} from jsonb_populate_record(null::{table}, $1)"
        for role in postgres.serving(name):
            connection = await asyncpg.connect(postgres.role_url(platform.state, name, role))
            for tenants in ("", "{" + str(uuid.uuid4()) + "}"):
                for statement, row_of in (
                    (f"insert into {table} ({columns}) overriding system value {copy}", (row,)),
                    (f"update {table} set tenant = tenant", ()),
                    (f"delete from {table} where tenant <> '{NOBODYS}'", ()),
                ):
                    done = await _attempted(connection, tenants, statement, *row_of)
                    assert done in ("refused", "UPDATE 0", "DELETE 0"), (role, statement, done)
                    tried += 1
            await connection.close()
    assert tried
    assert empty <= EMPTY, "a table that isn't tried proves nothing"
    await admin.close()
    await world.close()


async def _attempted(
    connection: "asyncpg.Connection[asyncpg.Record]", tenants: str, statement: str, *values: str
) -> str:
    """What the server says that was done; `refused`: not allowed."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("select set_config('unsaid.tenants', $1, true)", tenants)
        return str(await connection.execute(statement, *values))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.NoDataFoundError):
        return "refused"  # no data: a decision's trigger doesn't see the conversation
    finally:
        await transaction.rollback()


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
