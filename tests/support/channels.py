"""A channel to the broker, as one kind of process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel

from deploy.local import rabbitmq
from deploy.local.home import Service
from tests.support.platform import Platform


@asynccontextmanager
async def channel(platform: Platform, service: Service) -> AsyncIterator[AbstractChannel]:
    async with (
        await aio_pika.connect(rabbitmq.service_url(platform.state, service)) as connection,
        connection.channel(publisher_confirms=True) as opened,
    ):
        yield opened
