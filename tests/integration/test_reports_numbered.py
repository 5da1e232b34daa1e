"""Reports' numbers: who reads on behind the last one misses none, whatever was written when, and committed when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TypeAlias

import asyncpg
import pytest

from deploy.local import postgres
from tests.support.erasure import tenant_of
from tests.support.exercising import new
from tests.support.participants import Conversation, Frame, Partner
from tests.support.platform import Platform

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

WRITE = """insert into report (tenant, conversation, report, participant, reason, at)
    select tenant, id, $2, client, 'other', now() from conversation where id = $1"""


@asynccontextmanager
async def serving(platform: Platform, *tenants: str) -> AsyncIterator[Connection]:
    """As an instance of the session service, in a transaction that has said for whom it writes."""
    connection = await asyncpg.connect(postgres.serving_url(platform.state, "session"))
    try:
        await connection.execute("begin")
        await connection.execute("select set_config('unsaid.tenants', $1, true)", "{" + ",".join(tenants) + "}")
        yield connection
    finally:
        await connection.close()


async def write(connection: Connection, talk: Conversation) -> str:
    report = new()
    await connection.execute(WRITE, talk.id, report)
    return report


async def commit(connection: Connection) -> None:
    """As a batch's end: by then it is nobody's."""
    await connection.execute("set local unsaid.tenants = ''")
    await connection.execute("commit")


async def read(partner: Partner, after: int) -> list[Frame]:
    """All that is behind a number."""
    found: list[Frame] = []
    following: int | None = after
    while following is not None:
        status, page = await partner.ask("GET", f"/v1/reports?after={following}&limit=2")
        assert status == 200
        found += page["reports"]
        following = page["next_after"]
    return found


def ids(reports: list[Frame]) -> list[str]:
    return [one["report"] for one in reports]


async def test_who_reads_in_between_misses_none(platform: Platform) -> None:
    client_id, secret = platform.tenant()
    async with Partner(platform.gateway, client_id, secret) as partner:
        one, other = await partner.conversation(), await partner.conversation()
        mine = await tenant_of(platform, one)
        async with serving(platform, mine) as slow, serving(platform, mine) as quick:
            early = await write(slow, one)
            late = await write(quick, other)
            assert await read(partner, 0) == []
            await commit(quick)
            seen = await read(partner, 0)
            assert [(found["report"], found["number"]) for found in seen] == [(late, 1)]
            await commit(slow)
            assert ids(await read(partner, seen[-1]["number"])) == [early]
        assert ids(await read(partner, 0)) == [late, early]


async def test_what_is_rolled_back_leaves_no_gap(platform: Platform) -> None:
    client_id, secret = platform.tenant()
    async with Partner(platform.gateway, client_id, secret) as partner:
        talk = await partner.conversation()
        mine = await tenant_of(platform, talk)
        for end in ("rollback", "commit", "rollback", "commit"):
            async with serving(platform, mine) as connection:
                await write(connection, talk)
                await connection.execute(end)
        assert [one["number"] for one in await read(partner, 0)] == [1, 2]


@pytest.mark.timeout(60)
async def test_batches_with_reports_of_several_tenants_in_any_order_do_not_stop_each_other(
    platform: Platform, partner: Partner, other_partner: Partner, talk: Conversation, other_talk: Conversation
) -> None:
    both = [await tenant_of(platform, talk), await tenant_of(platform, other_talk)]
    written: dict[str, list[str]] = {talk.id: [], other_talk.id: []}

    async def batch(first: Conversation, second: Conversation, here: asyncio.Barrier) -> None:
        async with serving(platform, *both) as connection:
            written[first.id].append(await write(connection, first))
            await here.wait()
            written[second.id].append(await write(connection, second))
            await commit(connection)

    for _ in range(5):
        here = asyncio.Barrier(4)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(batch(talk, other_talk, here))
                group.create_task(batch(other_talk, talk, here))
    for who, where in ((partner, talk), (other_partner, other_talk)):
        found = await read(who, 0)
        assert set(written[where.id]) <= set(ids(found))
        assert all(after["number"] == before["number"] + 1 for before, after in pairwise(found))
        assert found[0]["number"] == 1


async def test_a_reader_always_reads_on_where_it_was(platform: Platform) -> None:
    """Four write as they like, one reads on, and in the end it has each of them once."""
    client_id, secret = platform.tenant()
    async with Partner(platform.gateway, client_id, secret) as partner:
        talks = [await partner.conversation() for _ in range(4)]
        mine = await tenant_of(platform, talks[0])
        written: list[str] = []

        async def writes(talk: Conversation, turn: int) -> None:
            for number in range(10):
                async with serving(platform, mine) as connection:
                    written.append(await write(connection, talk))
                    await asyncio.sleep(0.005 * ((turn + number) % 4))
                    await commit(connection)

        seen: list[Frame] = []
        async with asyncio.TaskGroup() as group:
            writing = [group.create_task(writes(talk, turn)) for turn, talk in enumerate(talks)]
            while not all(task.done() for task in writing):
                seen += await read(partner, seen[-1]["number"] if seen else 0)
        seen += await read(partner, seen[-1]["number"] if seen else 0)
        assert [one["number"] for one in seen] == list(range(1, 41))
        assert sorted(ids(seen)) == sorted(written)
