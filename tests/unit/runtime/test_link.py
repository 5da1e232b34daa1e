"""A link to a broker that isn't what it should be."""

import asyncio

from pydantic import SecretStr

from shared.runtime.broker.link import Link
from shared.runtime.health import Health


async def test_a_broker_that_hangs_up_before_its_greeting_is_tried_again() -> None:
    """As a load balancer does whose broker is away."""
    tries = 0
    again = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.transport.abort()
        if tries > 2:
            again.set()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        running = asyncio.create_task(Link(SecretStr(f"amqp://127.0.0.1:{port}/"), "test", Health()).run())
        waiting = asyncio.create_task(again.wait())
        async with asyncio.timeout(20):
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        assert again.is_set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
