"""One AMQP connection that is made again whenever it is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import AMQPError
from pydantic import SecretStr
from tenacity import retry, retry_if_exception_type, wait_random_exponential

from shared.contracts.errors import Unavailable
from shared.runtime.health import Health
from shared.runtime.stray import no_stray

log = structlog.get_logger()

HEARTBEAT_S = 6
CONNECT_S = 5

AWAY = (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError, StopAsyncIteration)
"""What a broker that is away, going or blocked looks like through the client library.

``StopAsyncIteration``: the connection was accepted and closed before the broker's greeting, as load balancers do.
"""


def _setter(event: asyncio.Event) -> Callable[..., None]:
    def set_it(*_: object) -> None:
        event.set()

    return set_it


class Link:
    """Keeps a connection. Publishing and consuming have one each, since an alarm blocks those that publish."""

    def __init__(self, url: SecretStr, name: str, health: Health) -> None:
        self._url = url.get_secret_value()
        self.name = name
        self._health = health
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    async def run(self) -> None:
        """Connect, wait until the connection is lost, connect again; for ever."""
        part = f"rabbitmq/{self.name}"
        while True:
            self._health.set(part, "connecting")
            self._connection = await self._connect()
            lost = asyncio.Event()
            self._connection.close_callbacks.add(_setter(lost))
            self._up.set()
            self._health.set(part, None)
            # Connection.closed() tells only of a close of our own; this tells of the broker's end as well.
            await lost.wait()
            self._up.clear()
            log.warning("broker_connection_lost", link=self.name)

    @retry(retry=retry_if_exception_type(AWAY), wait=wait_random_exponential(0.2, 2))
    async def _connect(self) -> AbstractConnection:
        with no_stray():
            return await aio_pika.connect(
                self._url,
                timeout=CONNECT_S,
                client_properties={"connection_name": self.name},
                heartbeat=HEARTBEAT_S,
            )

    async def channel(self, wait_s: float | None = None) -> AbstractChannel:
        """A new channel with confirms, as soon as there is a connection.

        Raises:
            Unavailable: there is none within ``wait_s`` seconds.
        """
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    await self._up.wait()
                    assert self._connection is not None
                    try:
                        with no_stray():
                            return await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                    except AWAY:
                        await asyncio.sleep(0.1)  # lost in this moment; `run` notices and clears `_up`
        except TimeoutError:
            raise Unavailable("broker") from None

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(*AWAY), no_stray():
                await self._connection.close()
