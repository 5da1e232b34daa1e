"""A pool whose server goes away at the worst moments: each error that comes of it is known as that."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from deploy.local import postgres
from shared.runtime.postgres import AWAY, Pool, make_pool
from tests.chaos.proxy import Proxy, Wire, free_port
from tests.support.platform import Platform


@pytest_asyncio.fixture
async def pool(platform: Platform) -> AsyncIterator[Pool]:
    async with make_pool(SecretStr(postgres.database_url(platform.state, "session")), 1) as made:
        yield made


async def test_a_connection_lost_while_it_is_given_back(pool: Pool) -> None:
    """The work is done; the connection dies between the giving back and its being carried out."""
    connection = await pool.acquire()
    await connection.fetchval("select 1")
    asyncio.get_running_loop().call_soon(connection.terminate)
    with pytest.raises(AWAY):
        await pool.release(connection)
    assert await pool.fetchval("select 1") == 1


async def test_a_connection_ended_by_the_server(pool: Pool) -> None:
    with pytest.raises(AWAY):
        await pool.execute("select pg_terminate_backend(pg_backend_pid())")
    assert await pool.fetchval("select 1") == 1


async def test_a_server_that_comes_after_the_first_question(platform: Platform) -> None:
    """A pool that was asked in vain works as soon as its server is there."""
    url, port = postgres.database_url(platform.state, "session"), platform.state.ports.postgres
    relay = Proxy(Wire.PLAIN, port)
    relay.port = free_port()
    pool = make_pool(SecretStr(url.replace(f":{port}/", f":{relay.port}/")), 1)
    await pool
    with pytest.raises(AWAY):
        await pool.fetchval("select 1")
    await relay.start()
    try:
        assert await pool.fetchval("select 1") == 1
        await pool.close()
    finally:
        await relay.stop()
