"""The common inside of a service: take what has been delivered, apply it in one transaction, tell, acknowledge.

Acknowledged only after commit and confirmed publish, so the command queue is the outbox: what was committed but not
told is delivered again, finds its row, and is told again.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from shared.contracts.envelope import Command, Envelope
from shared.contracts.errors import Code, Unavailable
from shared.contracts.events import CommandRefused
from shared.runtime import metrics, postgres, subscriptions
from shared.runtime.broker.consumer import Delivery, Inbox, Source
from shared.runtime.broker.link import AWAY, Link
from shared.runtime.broker.publisher import Publisher, Unroutable
from shared.runtime.broker.topology import Destination, dead_queue, declare_command_queue, to_gateway
from shared.runtime.ownership import Fenced, Ownership
from shared.runtime.postgres import Connection, Pool

log = structlog.get_logger()

TAKE_BYTES = 1024 * 1024
PACE_S = 0.004
"""At least this long from one batch to the next (docs/adr/0004-pace.md)."""
ENDING_MOST = 4
"""Batches that may wait for their confirms while the next one is applied."""
TICK_S = 1.5
SWEEP_TICKS = 40
SLICE = 500
"""Commands in one transaction: it holds the owner rows, and must end before this instance's own renewal gives up."""

C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Tell:
    """An envelope to publish once the transaction is committed.

    ``needs``: what other services must have been told before (confirmed), so that who reads this finds them knowing.
    """

    to: Destination
    envelope: Envelope
    needs: "tuple[Tell, ...]" = ()


Told = dict[Destination, "asyncio.Future[None]"]
"""What is on its way to whom."""


def answer(command: Command, reply: Envelope) -> Tell:
    """A reply, to the gateway that asked."""
    return Tell(to_gateway(command.replyto), reply)


class Handler(ABC, Generic[C]):
    """Applies commands in one transaction and says what to tell; also what to tell when a gateway is gone."""

    async def at_once(
        self, db: Connection, fences: Mapping[str, int], commands: Sequence[C]
    ) -> tuple[list[Tell], list[C]]:
        """Do what one statement can do that compares the fences itself; what to tell, and the commands left over."""
        del db, fences
        return [], list(commands)

    @abstractmethod
    async def handle(self, tx: Connection, commands: Sequence[C]) -> list[Tell]: ...

    @abstractmethod
    async def forget(self, tx: Connection, address: str) -> list[Tell]: ...


def runs(commands: Sequence[C], key: Callable[[C], str | None]) -> list[list[C]]:
    """Split a batch into runs of one type that can be applied together, keeping each key's own order.

    A command without a key may touch any conversation: it stands alone between what is before and behind it.
    """
    layers: list[dict[type[C], list[C]]] = []
    last: dict[str, tuple[int, type[C]]] = {}
    floor = 0
    for command in commands:
        kind, k = type(command), key(command)
        if k is None:
            floor = len(layers) + 1
            layers.append({kind: [command]})
            continue
        layer, before = last.get(k, (floor - 1, kind))
        if layer < floor:
            layer = floor
        elif before is not kind:
            layer += 1
        while len(layers) <= layer:
            layers.append({})
        layers[layer].setdefault(kind, []).append(command)
        last[k] = (layer, kind)
    return [run for layer in layers for run in layer.values()]


class Worker(Generic[C]):
    """Consumes the command queues that this instance owns."""

    def __init__(
        self,
        service: str,
        batches: TypeAdapter[list[C]],
        handler: Handler[C],
        pool: Pool,
        link: Link,
        publisher: Publisher,
        ownership: Ownership,
    ) -> None:
        self._service = service
        self._batches = batches
        self._handler = handler
        self._pool = pool
        self._link = link
        self._publisher = publisher
        self._ownership = ownership
        self._inbox = Inbox()
        self._sources: dict[str, Source] = {}
        self._busy = asyncio.Lock()
        self._stopping = False
        self._ending: deque[asyncio.Task[None]] = deque()
        """Batches that are applied, and not told and acknowledged yet, in order."""
        self._gone: set[str] = set()

    async def run(self) -> None:
        """Own queues and work on them, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._own())
            group.create_task(self._work())

    async def stop(self) -> None:
        """Finish the batch in hand, give the queues away. Call before cancelling `run`."""
        self._stopping = True
        await self._ownership.leave(self._give)

    # --- ownership -------------------------------------------------------------------------------------------------

    async def _own(self) -> None:
        ticks = 0
        while not self._stopping:
            try:
                await self._ownership.tick(self._take, self._give)
                for queue in self._ownership.held:
                    if not self._sources[queue].open:  # the broker's connection was lost and is back
                        await self._take(queue)
                ticks += 1
                if ticks % SWEEP_TICKS == 0:
                    await subscriptions.drop_expired(self._pool)
            except (*postgres.AWAY, *AWAY, Unavailable) as error:
                log.warning("ownership_delayed", error=type(error).__name__)
            await asyncio.sleep(TICK_S if self._ownership.held else 0.3)

    async def _take(self, queue: str) -> None:
        async with self._busy:
            if queue in self._sources:
                await self._sources[queue].close()
            source = self._sources[queue] = Source(queue, self._inbox)
            channel = await self._link.channel(3)
            await declare_command_queue(channel, self._service, queue)
            await channel.close()
            await source.start(self._link)

    async def _give(self, queue: str) -> None:
        async with self._busy:
            await self._ended()
            source = self._sources.pop(queue, None)
            if source is not None:
                await source.close()

    # --- work ------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._inbox.wait()
            async with self._busy:
                began = loop.time()
                await self._forget_gone()
                deliveries = self._inbox.take(TAKE_BYTES)
                if deliveries:
                    await self._batch(deliveries, began)
            await asyncio.sleep(max(0.0, began + PACE_S - loop.time()))

    async def _batch(self, deliveries: list[Delivery], began: float) -> None:
        """Apply a batch, and leave its telling and acknowledging to a task while the next batch is applied."""
        queues = {d.source.queue for d in deliveries}
        try:
            commands = [c for d in deliveries for c in await self._parse(d)]
            one_by_one = deliveries[0].redelivered
            apply = self._apply_each if one_by_one else self._apply
            slices = [commands[first : first + SLICE] for first in range(0, len(commands), SLICE)]
            tells = [tell for several in slices for tell in await apply(several, queues)]
            tells = [await self._needs_met(tell) if tell.needs else tell for tell in tells]
            told = self._tell(tells)
        except Fenced:
            log.warning("fenced", queues=sorted(queues))
            await self._reset(deliveries)
            return
        except (Unavailable, *AWAY) as error:
            log.warning("batch_returned", error=type(error).__name__)
            await self._reset(deliveries)
            return
        before = self._ending[-1] if self._ending else None
        self._ending.append(asyncio.create_task(self._end(before, deliveries, told, began)))
        if len(self._ending) > ENDING_MOST:
            await asyncio.wait([self._ending[0]])

    async def _end(
        self, before: "asyncio.Task[None] | None", deliveries: list[Delivery], told: Told, began: float
    ) -> None:
        """Behind the batch before: wait until the broker has confirmed what was told, then acknowledge.

        Where that fails the channels are closed, so that nothing behind is acknowledged over the head of this batch.
        """
        if before is not None:
            await asyncio.wait([before])
        try:
            self._gone |= await _confirmed(told)
            for delivery in {d.source.queue: d for d in deliveries}.values():  # the last of each queue
                await delivery.source.ack(delivery)
        except (Unavailable, *AWAY) as error:
            log.warning("batch_returned", error=type(error).__name__)
            await self._reset(deliveries)
        finally:
            self._ending.popleft()
            if self._gone:
                self._inbox.wake()
        metrics.BATCH_SECONDS.observe(asyncio.get_running_loop().time() - began)

    async def _ended(self) -> None:
        """Until all that was applied is told and acknowledged."""
        if self._ending:
            await asyncio.wait([self._ending[-1]])

    async def _reset(self, deliveries: list[Delivery]) -> None:
        """Give the deliveries back in order by closing their channels; the next tick consumes again."""
        for source in {d.source.queue: d.source for d in deliveries}.values():
            try:
                await source.close()
            except AWAY:
                log.info("channel_lost")

    async def _parse(self, delivery: Delivery) -> list[C]:
        try:
            return self._batches.validate_json(delivery.body)
        except ValidationError:
            parsed = [await self._parse_one(raw) for raw in _split(delivery.body)]
            return [command for command in parsed if command is not None]

    async def _parse_one(self, raw: bytes) -> C | None:
        try:
            return self._batches.validate_json(b"[" + raw + b"]")[0]
        except ValidationError as error:
            await self._put_aside(raw, "malformed", errors=[e["type"] for e in error.errors(include_input=False)][:3])
            return None

    async def _apply(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """One transaction for all; where that fails for a reason of its own, one for each."""
        if not commands:
            return []
        try:
            tells = await self._transaction(commands, queues)
        except (Fenced, Unavailable):
            raise
        except Exception as error:
            log.warning("batch_failed", commands=len(commands), exc_info=error)
            return await self._apply_each(commands, queues)
        metrics.BATCH.observe(len(commands))
        for kind, several in Counter(map(type, commands)).items():
            metrics.handled(kind.__name__, "applied", several)
        return tells

    async def _apply_each(self, commands: list[C], queues: set[str]) -> list[Tell]:
        tells: list[Tell] = []
        for command in commands:
            try:
                tells += await self._transaction([command], queues)
                metrics.handled(type(command).__name__, "applied")
            except (Fenced, Unavailable):
                raise
            except Exception as error:
                log.error("command_failed", type=type(command).__name__, id=command.id, exc_info=error)
                metrics.handled(type(command).__name__, "failed")
                await self._put_aside(command.model_dump_json().encode(), "failed", error=type(error).__name__)
                tells.append(answer(command, _failed(command)))
        return tells

    async def _transaction(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """Again and again while the database is away: a delivery is never used up by that."""
        fences = self._ownership.fences(queues)
        try:
            return await self._attempt(commands, queues, fences)
        except postgres.AWAY as error:
            log.warning("database_away", error=type(error).__name__)
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(postgres.AWAY), wait=wait_random_exponential(0.05, 1)
        ):
            with attempt:
                return await self._attempt(commands, queues, fences)
        raise AssertionError("unreachable")

    async def _attempt(self, commands: list[C], queues: set[str], fences: Mapping[str, int]) -> list[Tell]:
        async with self._pool.acquire(timeout=3) as db:
            tells, rest = await self._handler.at_once(db, fences, commands)
            if rest:
                async with db.transaction():
                    await self._ownership.check(db, queues)
                    tells += await self._handler.handle(db, rest)
            return tells

    # --- telling ---------------------------------------------------------------------------------------------------

    def _tell(self, tells: list[Tell]) -> Told:
        """Queue for each destination, in order. Raises `Unavailable`: the batch will be delivered and told again."""
        by_destination: dict[Destination, list[Envelope]] = {}
        for tell in tells:
            by_destination.setdefault(tell.to, []).append(tell.envelope)
        return {to: self._publisher.begin(to, envelopes) for to, envelopes in by_destination.items()}

    async def _needs_met(self, tell: Tell) -> Tell:
        """Tell the other services first; where that fails, the asker hears that it isn't done yet."""
        try:
            for need in tell.needs:
                await self._publisher.publish(need.to, [need.envelope])
        except (Unroutable, Unavailable):
            cause: str = getattr(tell.envelope, "causationid", "")
            refusal = CommandRefused(causationid=cause, code=Code.UNAVAILABLE, details={"retry_ms": 1_000})
            return Tell(tell.to, refusal)
        return Tell(tell.to, tell.envelope)

    async def _forget_gone(self) -> None:
        """Gateways whose queue is no more: what they were told counts as told, and they hold nothing any more."""
        while self._gone:
            address = next(iter(self._gone))
            log.info("gateway_gone", address=address)
            try:
                async with self._pool.acquire(timeout=3) as tx, tx.transaction():
                    told = self._tell(await self._handler.forget(tx, address))
                self._gone.discard(address)
                self._gone |= await _confirmed(told)
            except (*postgres.AWAY, *AWAY, Unavailable) as error:
                log.warning("forgetting_delayed", error=type(error).__name__)
                return  # at the next batch

    async def _put_aside(self, raw: bytes, reason: str, **fields: object) -> None:
        """Put one command on the dead-letter queue, sealed as it is. Raises `Unavailable`."""
        metrics.DEAD_LETTERS.labels(reason).inc()
        log.error("dead_letter", reason=reason, **fields)
        where = Destination("", dead_queue(self._service), persistent=True)
        try:
            await self._publisher.publish_raw(where, b"[" + raw + b"]", {"reason": reason})
        except Unroutable:
            raise Unavailable("broker") from None


async def _confirmed(told: Told) -> set[str]:
    """Wait for all confirms. Returns the addresses that don't exist. Raises as `Publisher.publish` does."""
    gone: set[str] = set()
    if told:
        await asyncio.wait(told.values())
    for to, done in told.items():
        error = done.exception()
        if isinstance(error, Unroutable):
            gone.add(to.routing_key)
        elif error is not None:
            raise error
    return gone


def _failed(command: Command) -> CommandRefused:
    return CommandRefused(
        causationid=command.id, code=Code.UNAVAILABLE, details={"part": "dead_letter", "retry_ms": 30_000}
    )


def _split(body: bytes) -> list[bytes]:
    """The envelopes of a batch that doesn't parse as a whole; the body itself where it isn't a batch."""
    try:
        parts = orjson.loads(body)
    except orjson.JSONDecodeError:
        return [orjson.dumps({"malformed_bytes": len(body)})]
    return [orjson.dumps(part) for part in parts] if isinstance(parts, list) else [orjson.dumps(parts)]
