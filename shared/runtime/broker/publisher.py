"""Publishing with group commit: while one batch awaits its confirm, the next one collects.

An idle lane sends at once and singly, a busy one large batches; nothing is to be tuned.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import aiormq
import structlog
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import DeliveryError, PublishError
from pamqp.commands import Basic

from shared.contracts.envelope import MEDIA_TYPE, Envelope
from shared.contracts.errors import Unavailable
from shared.runtime import metrics
from shared.runtime.broker.link import AWAY, Link
from shared.runtime.broker.topology import Destination, events_exchange
from shared.runtime.pace import pace
from shared.runtime.stray import no_stray

log = structlog.get_logger()

CONFIRM_S = 4.0
BATCH = 500
BATCH_BYTES = 512 * 1024
WAITING = 5_000
WAITING_BYTES = 16 * 2**20
"""Envelopes, and their bytes, that may wait for one destination; above, publishing is refused at once.

What a single call brings to an idle destination is always taken.
"""


class Unroutable(Exception):  # noqa: N818 - an outcome
    """There is no such queue: its reader is gone for ever."""


Ended = Callable[[Exception | None], None]
"""Hears how a publish went: None, `Unroutable` or `Unavailable`."""


def to_json(envelope: Envelope) -> bytes:
    """As ``model_dump_json``, without the way through a string."""
    return envelope.__pydantic_serializer__.to_json(envelope)


class _Lane:
    """What waits for one destination."""

    __slots__ = ("size", "task", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[bytes, Ended | None]] = deque()
        self.size = 0
        self.task: asyncio.Task[None] | None = None

    def add(self, body: bytes, ended: Ended | None) -> None:
        self.waiting.append((body, ended))
        self.size += len(body)

    def full(self, more: int) -> bool:
        """An empty lane takes all of one call: what must be told together would else never be told."""
        return bool(self.waiting) and (len(self.waiting) + more > WAITING or self.size > WAITING_BYTES)


class Publisher:
    """The publishing side of a service: one channel with confirms, one lane for each destination."""

    def __init__(self, link: Link, service: str) -> None:
        self._link = link
        self._events = events_exchange(service)
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._underlay: aiormq.Channel | None = None
        self._lanes: dict[Destination, _Lane] = {}

    async def publish(self, destination: Destination, envelopes: Sequence[Envelope]) -> None:
        """Publish in order; returns once the broker has confirmed all of them.

        Raises:
            Unroutable: the destination doesn't exist.
            Unavailable: no confirm in time, or too many wait already. The envelopes may have arrived all the same.
        """
        if envelopes:
            await self.begin(destination, envelopes)

    def full(self, destination: Destination, more: int) -> bool:
        """Whether so many more would be refused now."""
        lane = self._lanes.get(destination)
        return lane is not None and lane.full(more)

    def begin(self, destination: Destination, envelopes: Sequence[Envelope]) -> "asyncio.Future[None]":
        """Queue for publishing, in the order of the calls; the future ends as `publish` does.

        Raises `Unavailable` at once where too many wait already.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(error: Exception | None) -> None:
            if not done.done():
                done.set_result(None) if error is None else done.set_exception(error)

        self._queue(destination, envelopes, ended)
        return done

    def submit(self, destination: Destination, envelope: Envelope, ended: Ended) -> None:
        """Queue for publishing, in the order of the calls; ``ended`` hears how it went, as `publish` would end.

        Raises `Unavailable` at once where too many wait already.
        """
        self._queue(destination, [envelope], ended)

    def _queue(self, destination: Destination, envelopes: Sequence[Envelope], ended: Ended) -> None:
        lane = self._lane(destination)
        if lane.full(len(envelopes)):
            metrics.published("overflow", len(envelopes))
            raise Unavailable("broker")
        last = len(envelopes) - 1
        for index, envelope in enumerate(envelopes):
            lane.add(to_json(envelope), ended if index == last else None)
        self._start(destination, lane)

    def offer(self, destination: Destination, envelope: Envelope) -> bool:
        """Publish something that may be lost, without waiting. False: it was dropped, since too much waits."""
        lane = self._lane(destination)
        if lane.full(1):
            metrics.published("overflow", 1)
            return False
        lane.add(to_json(envelope), None)
        self._start(destination, lane)
        return True

    def _lane(self, destination: Destination) -> _Lane:
        lane = self._lanes.get(destination)
        if lane is None:
            lane = self._lanes[destination] = _Lane()
        return lane

    def _start(self, destination: Destination, lane: _Lane) -> None:
        if lane.task is None:
            lane.task = asyncio.create_task(self._drain(destination, lane))

    async def _drain(self, destination: Destination, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        try:
            while lane.waiting:
                began = loop.time()
                bodies, endings = self._next_batch(lane)
                error = await self._send(destination, bodies, endings)
                if isinstance(error, Unavailable):
                    self._fail_waiting(lane, error)
                await pace(began, len(bodies))
        finally:
            lane.task = None
            if not lane.waiting:
                self._lanes.pop(destination, None)

    @staticmethod
    def _next_batch(lane: _Lane) -> tuple[list[bytes], list[Ended]]:
        bodies: list[bytes] = []
        endings: list[Ended] = []
        size = 0
        while lane.waiting and len(bodies) < BATCH and (not bodies or size + len(lane.waiting[0][0]) < BATCH_BYTES):
            body, ended = lane.waiting.popleft()
            bodies.append(body)
            size += len(body)
            lane.size -= len(body)
            if ended is not None:
                endings.append(ended)
        return bodies, endings

    @staticmethod
    def _fail_waiting(lane: _Lane, error: Unavailable) -> None:
        """Nothing overtakes what failed: a probe's answer must not arrive without the withdrawal it covers."""
        waiting, lane.waiting = lane.waiting, deque()
        lane.size = 0
        metrics.published("unavailable", len(waiting))
        for _, ended in waiting:
            if ended is not None:
                ended(error)

    async def _send(self, destination: Destination, bodies: list[bytes], endings: list[Ended]) -> Exception | None:
        error: Exception | None = None
        try:
            await self.publish_raw(destination, b"[" + b",".join(bodies) + b"]")
        except (Unroutable, Unavailable) as failure:
            error = failure
        metrics.published("confirmed" if error is None else type(error).__name__.lower(), len(bodies))
        for ended in endings:
            ended(error)
        return error

    async def publish_raw(self, destination: Destination, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Publish one AMQP message and await its confirm. Raises as `publish` does.

        One layer below the library's message objects, which cost more than the rest of a publish.
        """
        properties = Basic.Properties(
            content_type=MEDIA_TYPE, delivery_mode=2 if destination.persistent else 1, headers=dict(headers or {})
        )
        try:
            with no_stray():
                underlay = await self._open_channel()
                metrics.PUBLISHED_BATCHES.inc()
                await underlay.basic_publish(
                    body,
                    exchange=destination.exchange or self._events,
                    routing_key=destination.routing_key,
                    properties=properties,
                    mandatory=True,
                    timeout=CONFIRM_S,
                    wait=False,
                )
        except PublishError:
            raise Unroutable(destination.routing_key) from None
        except DeliveryError:
            raise Unavailable("broker") from None  # the queue is full
        except AWAY:
            await self._discard_channel()
            raise Unavailable("broker") from None

    async def _open_channel(self) -> aiormq.Channel:
        if self._channel is not None and not self._channel.is_closed and self._underlay is not None:
            return self._underlay
        async with self._opening:
            if self._channel is None or self._channel.is_closed or self._underlay is None:
                self._channel = await self._link.channel(CONFIRM_S)
                underlay = await self._channel.get_underlay_channel()
                assert isinstance(underlay, aiormq.Channel)
                self._underlay = underlay
            return self._underlay

    async def _discard_channel(self) -> None:
        """After a missing confirm the channel's state isn't known: the next publish takes a new one."""
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closed:
            try:
                async with asyncio.timeout(1):
                    with no_stray():
                        await channel.close()
            except AWAY:
                log.info("channel_lost")

    async def close(self) -> None:
        """Send what waits, then stop. A broker that is away ends this with the publish timeout."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
