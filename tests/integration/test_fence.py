"""A process that was overtaken while it slept writes nothing late: the fence in SQL, alone and end to end."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio
from pydantic import SecretStr

from deploy.local import postgres
from deploy.local.home import REPO
from shared.runtime import migrations
from shared.runtime.ownership import Fenced, Ownership
from shared.runtime.postgres import Pool, make_pool
from tests.support.instances import database, instance, until_owned
from tests.support.participants import Partner
from tests.support.platform import Platform


@pytest_asyncio.fixture
async def pool(platform: Platform) -> AsyncIterator[Pool]:
    """A database of its own, with the session service's tables."""
    name = f"fence_{uuid.uuid4().hex}"
    admin = await database(platform, "session")
    await admin.execute(f"create database {name}")
    url = postgres.database_url(platform.state, "session").rsplit("/", 1)[0] + f"/{name}"
    await asyncio.to_thread(migrations.apply, SecretStr(url), REPO / "services/session/sql/migrations")
    async with make_pool(SecretStr(url), 4) as made:
        yield made
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def _nothing(_: str) -> None:
    pass


async def _write(pool: Pool, owner: Ownership, name: str) -> None:
    """What a worker does: check, then write, in one transaction."""
    async with pool.acquire() as tx, tx.transaction():
        await owner.check(tx, {"q.0"})
        await tx.execute("insert into setting values ($1, 1)", name)


async def test_the_overtaken_owner_writes_nothing(pool: Pool) -> None:
    older, younger = (Ownership(pool, name, ["q.0"]) for name in ("older", "younger"))
    await older.prepare()
    await older.tick(_nothing, _nothing)
    await _write(pool, older, "before")
    await pool.execute("update owner set expires = now() - interval '1 second'")  # it slept
    await pool.execute("delete from instance")
    await younger.tick(_nothing, _nothing)
    assert younger.held == {"q.0": older.held["q.0"] + 1}
    with pytest.raises(Fenced):
        await _write(pool, older, "late")
    await _write(pool, younger, "after")
    names = {row["name"] for row in await pool.fetch("select name from setting")}
    assert {"before", "after"} <= names
    assert "late" not in names


async def test_a_queue_is_not_taken_in_the_middle_of_its_owners_transaction(pool: Pool) -> None:
    older, younger = (Ownership(pool, name, ["q.0"]) for name in ("older", "younger"))
    await older.prepare()
    await older.tick(_nothing, _nothing)
    async with pool.acquire() as tx, tx.transaction():
        await older.check(tx, {"q.0"})
        await pool.execute("delete from instance")
        taking = asyncio.create_task(
            pool.fetchval(
                "update owner set fence = fence + 1, instance = 'younger' where queue = 'q.0' returning fence"
            )
        )
        done, _ = await asyncio.wait([taking], timeout=0.5)
        assert not done
        await tx.execute("insert into setting values ('in time', 1)")
    assert await taking == older.held["q.0"] + 1
    with pytest.raises(Fenced):
        await _write(pool, older, "late")
    assert younger.held == {}


WITNESS = """
create table witness (message uuid, port integer);
create function note_writer() returns trigger language plpgsql security definer as $$
begin
    insert into witness values (new.message, inet_client_port());
    return new;
end $$;
create trigger witness after insert on event for each row execute function note_writer();
"""
NO_WITNESS = "drop trigger witness on event; drop function note_writer; drop table witness"


@pytest.mark.timeout(120)
async def test_a_process_woken_in_mid_transaction_is_fenced(platform: Platform, partner: Partner) -> None:
    """The test holds the conversation's head, so that the owner sleeps, and wakes, with a command in its hands."""
    talk = await partner.conversation()
    admin = await database(platform, "session")
    await admin.execute(WITNESS)
    first = platform.pid("session")
    client = await talk.join(talk.client)
    try:
        with instance(platform, "session", "sleeper") as sleeper:
            # With its rival stopped, the sleeper has every queue.
            platform.signal(first, signal.SIGSTOP)
            await until_owned(platform, "session", 40, "sleeper")
            message = str(uuid.uuid4())
            async with admin.transaction():
                await admin.execute("select 1 from conversation where id = $1 for update", uuid.UUID(talk.id))
                await client.say("message.send", message=message, text="once")
                await _until_waiting(platform)
                sleeper.send(signal.SIGSTOP)
                platform.signal(first, signal.SIGCONT)
                await until_owned(platform, "session", 30, "session-1")
                sleeper.send(signal.SIGCONT)
                await sleeper.until_logged("fenced")
                theirs = {c.laddr.port for c in psutil.Process(sleeper.process.pid).net_connections("tcp") if c.laddr}
            async with asyncio.timeout(20):
                while not (  # noqa: ASYNC110 - another process writes it
                    rows := await admin.fetch("select port from witness where message = $1", uuid.UUID(message))
                ):
                    await asyncio.sleep(0.1)
            assert len(rows) == 1
            assert rows[0]["port"] not in theirs
            await client.leave()
    finally:
        platform.signal(first, signal.SIGCONT)
        await admin.execute(NO_WITNESS)
        await admin.close()
    await until_owned(platform, "session", 20, "session-1")


async def _until_waiting(platform: Platform) -> None:
    """Until a transaction of the service waits for the head."""
    connection = await database(platform, "session")
    try:
        async with asyncio.timeout(20):  # the broker lets go of the stopped consumer after two heartbeats
            while not await connection.fetchval(  # noqa: ASYNC110 - it can only be asked
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = 'session'"
            ):
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
