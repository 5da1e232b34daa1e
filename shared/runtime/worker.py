"""The common inside of a service: take what has been delivered, apply it in one transaction, tell, acknowledge.

Acknowledged only after commit and confirmed publish, so the command queue is the outbox: what was committed but not
told is delivered again, finds its row, and is told again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from shared.contracts.envelope import Command, Envelope
from shared.contracts.errors import Code, Unavailable
from shared.contracts.events import CommandRefused
from shared.contracts.ids import rfc3339
from shared.runtime import metrics, postgres, subscriptions
from shared.runtime.broker.consumer import Delivery, Inbox, Source
from shared.runtime.broker.link import AWAY, Link
from shared.runtime.broker.publisher import Publisher, Unroutable
from shared.runtime.broker.topology import Destination, dead_queue, declare_command_queue, to_gateway
from shared.runtime.ownership import Fenced, Ownership
from shared.runtime.postgres import Connection, Pool
from shared.runtime.suspects import DEATHS, Suspects

log = structlog.get_logger()

TAKE_BYTES = 1024 * 1024
PACE_S = 0.015
"""At least this long from one batch to the next (docs/adr/0004-pace.md)."""
TICK_S = 1.5
SWEEP_TICKS = 40
CHANNEL_S = 3
"""Opening or closing a channel takes at most this long: after a long sleep its connection may be dead, unnoticed."""

C = TypeVar("C", bound=Command)
D = TypeVar("D", bound=Command, contravariant=True)


@dataclass(frozen=True, slots=True)
class Tell:
    """An envelope to publish once the transaction is committed.

    ``needs``: what other services must have been told before (confirmed), so that who reads this finds them knowing.
    """

    to: Destination
    envelope: Envelope
    needs: "tuple[Tell, ...]" = ()


def answer(command: Command, reply: Envelope) -> Tell:
    """A reply, to the gateway that asked."""
    return Tell(to_gateway(command.replyto), reply)


class Handler(Protocol[D]):
    """Applies commands in one transaction and says what to tell; also what to tell when a gateway is gone."""

    async def handle(self, tx: Connection, commands: Sequence[D]) -> list[Tell]: ...

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
        self._suspects = Suspects(pool)
        self._inbox = Inbox()
        self._sources: dict[str, Source] = {}
        self._busy = asyncio.Lock()
        self._stopping = False

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
                    source = self._sources.get(queue)
                    if source is None or not source.open:  # it never started, or its channel was lost
                        await self._take(queue)
                ticks += 1
                if ticks % SWEEP_TICKS == 0:
                    await subscriptions.drop_expired(self._pool)
            except (*postgres.AWAY, *AWAY, Unavailable) as error:
                log.warning("ownership_delayed", error=type(error).__name__)
            await asyncio.sleep(TICK_S if self._ownership.held else 0.3)

    async def _take(self, queue: str) -> None:
        async with self._busy:
            await self._let_go(queue)
            source = self._sources[queue] = Source(queue, self._inbox)
            async with asyncio.timeout(CHANNEL_S):
                channel = await self._link.channel()
                await declare_command_queue(channel, self._service, queue)
                await channel.close()
                await source.start(self._link)

    async def _give(self, queue: str) -> None:
        async with self._busy:
            await self._let_go(queue)

    async def _let_go(self, queue: str) -> None:
        source = self._sources.pop(queue, None)
        if source is not None:
            await _close(source)

    # --- work ------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._inbox.wait()
            async with self._busy:
                deliveries = self._inbox.take(TAKE_BYTES)
                began = asyncio.get_running_loop().time()
                if deliveries:
                    with metrics.BATCH_SECONDS.time():
                        await self._batch(deliveries)
            await asyncio.sleep(max(0.0, began + PACE_S - asyncio.get_running_loop().time()))

    async def _batch(self, deliveries: list[Delivery]) -> None:
        queues = {d.source.queue for d in deliveries}
        try:
            commands = [c for d in deliveries for c in await self._parse(d)]
            again = deliveries[0].redelivered
            tells = await self._apply_again(commands, queues) if again else await self._apply(commands, queues)
            await self._tell(tells)
            for delivery in {d.source.queue: d for d in deliveries}.values():  # the last of each queue
                await delivery.source.ack(delivery)
        except Fenced:
            log.warning("fenced", queues=sorted(queues))
            await self._reset(deliveries)
        except (Unavailable, *AWAY) as error:
            log.warning("batch_returned", error=type(error).__name__)
            await self._reset(deliveries)

    async def _reset(self, deliveries: list[Delivery]) -> None:
        """Give the deliveries back in order by closing their channels; the next tick consumes again."""
        for source in {d.source.queue: d.source for d in deliveries}.values():
            await _close(source)

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
        for command in commands:
            metrics.COMMANDS.labels(type(command).__name__, "applied").inc()
        return tells

    async def _apply_again(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """What was redelivered may be what the last process died of: leave a note of it before trying it."""
        ids = [command.id for command in commands]
        try:
            noted = await self._suspects.noted(ids)
            if not noted:
                await self._suspects.note_all(ids)
                tells = await self._apply(commands, queues)
            else:
                tells = [t for command in commands for t in await self._apply_suspect(command, queues, noted)]
            await self._suspects.clear(ids)
        except postgres.AWAY:
            raise Unavailable("postgres") from None
        return tells

    async def _apply_suspect(self, command: C, queues: set[str], noted: dict[str, int]) -> list[Tell]:
        if noted.get(command.id, 0) >= DEATHS:
            return [await self._fail(command, "deadly")]
        await self._suspects.note_alone(command.id)
        try:
            tells = await self._apply_each([command], queues)
        except (Fenced, Unavailable):
            await self._suspects.clear([command.id])  # this process lives: it wasn't that
            raise
        await self._suspects.clear([command.id])
        return tells

    async def _apply_each(self, commands: list[C], queues: set[str]) -> list[Tell]:
        tells: list[Tell] = []
        for command in commands:
            try:
                tells += await self._transaction([command], queues)
                metrics.COMMANDS.labels(type(command).__name__, "applied").inc()
            except (Fenced, Unavailable):
                raise
            except Exception as error:
                log.error("command_failed", type=type(command).__name__, id=command.id, exc_info=error)
                tells.append(await self._fail(command, "failed", error=type(error).__name__))
        return tells

    async def _transaction(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """Again and again while the database is away: a delivery is never used up by that."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(postgres.AWAY), wait=wait_random_exponential(0.05, 1)
        ):
            with attempt:
                async with self._pool.acquire(timeout=3) as tx, tx.transaction():
                    await self._ownership.check(tx, queues)
                    return await self._handler.handle(tx, commands)
        raise AssertionError("unreachable")

    # --- telling ---------------------------------------------------------------------------------------------------

    async def _tell(self, tells: list[Tell]) -> None:
        """Publish to each destination in order. Raises `Unavailable`: the batch will be delivered and told again."""
        tells = [await self._needs_met(tell) if tell.needs else tell for tell in tells]
        by_destination: dict[Destination, list[Envelope]] = {}
        for tell in tells:
            by_destination.setdefault(tell.to, []).append(tell.envelope)
        results = await asyncio.gather(
            *(self._publisher.publish(to, envelopes) for to, envelopes in by_destination.items()),
            return_exceptions=True,
        )
        for to, result in zip(by_destination, results, strict=True):
            if isinstance(result, Unroutable):
                await self._forget(to.routing_key)  # that gateway is no more: it counts as told
            elif isinstance(result, BaseException):
                raise result

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

    async def _forget(self, address: str) -> None:
        log.info("gateway_gone", address=address)
        async with self._pool.acquire(timeout=3) as tx, tx.transaction():
            tells = await self._handler.forget(tx, address)
        await self._tell(tells)

    async def _fail(self, command: C, reason: str, **fields: object) -> Tell:
        """Put the command aside; what to tell its sender."""
        metrics.COMMANDS.labels(type(command).__name__, "failed").inc()
        await self._put_aside(command.model_dump_json().encode(), reason, id=command.id, **fields)
        return answer(command, _failed(command))

    async def _put_aside(self, raw: bytes, reason: str, **fields: object) -> None:
        """Put one command on the dead-letter queue, sealed as it is. Raises `Unavailable`."""
        metrics.DEAD_LETTERS.labels(reason).inc()
        log.error("dead_letter", reason=reason, **fields)
        where = Destination("", dead_queue(self._service), persistent=True)
        try:
            await self._publisher.publish_raw(
                where, b"[" + raw + b"]", {"reason": reason, "at": rfc3339(datetime.now(UTC))}
            )
        except Unroutable:
            raise Unavailable("broker") from None


async def _close(source: Source) -> None:
    """A broker that is away, or whose connection ended while we slept, has given the deliveries back already."""
    try:
        async with asyncio.timeout(CHANNEL_S):
            await source.close()
    except AWAY:
        log.info("channel_lost")


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
