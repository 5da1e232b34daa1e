"""Consuming in batches: a channel of its own for each queue, all deliveries into one bounded inbox."""

import asyncio
from collections import deque
from dataclasses import dataclass

import aiormq.abc
from aio_pika.abc import AbstractChannel

from shared.runtime.broker.link import Link
from shared.runtime.stray import no_stray

PREFETCH = 64
"""AMQP messages, each a batch, that may lie here unacknowledged."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One AMQP message: a batch of envelopes from one queue. The exchange by which it came says who may send it."""

    source: "Source"
    channel: AbstractChannel
    tag: int
    body: bytes
    redelivered: bool
    exchange: str


class Inbox:
    """Deliveries of several queues, in each queue's order. Bounded by the prefetch of each."""

    def __init__(self) -> None:
        self._deliveries: deque[Delivery] = deque()
        self._filled = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        self._deliveries.append(delivery)
        self._filled.set()

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._filled.wait()

    def wake(self) -> None:
        """End the waiting though nothing came."""
        self._filled.set()

    def take(self, most_bytes: int) -> list[Delivery]:
        """What is there, up to a size; at least one if there is any. A redelivered one comes alone."""
        taken: list[Delivery] = []
        size = 0
        while self._deliveries:
            first = self._deliveries[0]
            if taken and (size + len(first.body) > most_bytes or first.redelivered or taken[-1].redelivered):
                break
            taken.append(self._deliveries.popleft())
            size += len(first.body)
        if not self._deliveries:
            self._filled.clear()
        return taken

    def drop(self, source: "Source") -> None:
        """Forget a closed queue's deliveries: the broker gives them to the next owner."""
        self._deliveries = deque(d for d in self._deliveries if d.source is not source)
        if not self._deliveries:
            self._filled.clear()


class Source:
    """One consumed queue. Closing its channel returns what is unacknowledged, in order (a cancel would not)."""

    def __init__(self, queue: str, inbox: Inbox) -> None:
        self.queue = queue
        self._inbox = inbox
        self._channel: AbstractChannel | None = None
        self._underlay: aiormq.abc.AbstractChannel | None = None

    @property
    def open(self) -> bool:
        return self._channel is not None and not self._channel.is_closed

    async def start(self, link: Link, *, exclusive: bool = False) -> AbstractChannel:
        """Consume an existing queue. The callback has no await, so deliveries keep their order.

        The library's own message objects cost more than all that a batch needs of them; so this stands one layer below.
        """
        self._channel = channel = await link.channel()
        with no_stray():
            await channel.set_qos(prefetch_count=PREFETCH)
            self._underlay = underlay = await channel.get_underlay_channel()

        async def on_message(message: aiormq.abc.DeliveredMessage) -> None:
            if self._channel is channel and message.delivery_tag is not None:
                again, exchange = bool(message.redelivered), message.exchange or ""
                self._inbox.put(Delivery(self, channel, message.delivery_tag, message.body, again, exchange))

        with no_stray():
            await underlay.basic_consume(self.queue, on_message, exclusive=exclusive)
        return channel

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge this delivery and all before it. A channel that is gone redelivers instead."""
        if self._channel is delivery.channel and not delivery.channel.is_closed and self._underlay is not None:
            with no_stray():
                await self._underlay.basic_ack(delivery.tag, multiple=True, wait=False)

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        self._inbox.drop(self)
        if channel is not None and not channel.is_closed:
            with no_stray():
                await channel.close()
