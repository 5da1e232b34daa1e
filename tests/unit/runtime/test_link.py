"""A link to a broker that isn't what it should be."""

import asyncio
from typing import NoReturn

import aio_pika
import pytest
from pydantic import SecretStr

from shared.runtime.broker.link import Link
from shared.runtime.health import Health


async def test_a_broker_that_hangs_up_before_its_greeting_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a load balancer does whose broker is away; the client library then says ``StopAsyncIteration``."""
    tries = asyncio.Queue[None]()

    async def hung_up(*_: object, **__: object) -> NoReturn:
        tries.put_nowait(None)
        raise StopAsyncIteration

    monkeypatch.setattr(aio_pika, "connect", hung_up)
    running = asyncio.create_task(Link(SecretStr("amqp://127.0.0.1/"), "test", Health()).run())
    for _ in range(3):
        await tries.get()
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
