"""The common inside of a service: take what has been delivered, apply it in one transaction, tell, acknowledge.

Acknowledged only after commit and confirmed publish, so the command queue is the outbox: what was committed but not
told is delivered again, finds its row, and is told again.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.contracts.envelope import Command, Envelope
from shared.contracts.errors import Code, Unavailable
from shared.contracts.events import CommandRefused
from shared.contracts.ids import rfc3339
from shared.runtime import metrics, postgres, subscriptions
from shared.runtime.broker.consumer import Delivery, Inbox, Source
from shared.runtime.broker.link import AWAY
from shared.runtime.broker.publisher import Unroutable
from shared.runtime.broker.topology import Destination, declare_command_queue, registrations_exchange, to_dead
from shared.runtime.handler import Handler, Tell, answer
from shared.runtime.ownership import Fenced, Ownership
from shared.runtime.pace import pace
from shared.runtime.runs import split_body
from shared.runtime.service import Parts
from shared.runtime.stray import lasting
from shared.runtime.suspects import Suspects
from shared.runtime.transactions import Transactions

log = structlog.get_logger()

TAKE_BYTES = 1024 * 1024
NOT_ITS_TO_ASK = "not_its_to_ask"
ENDING_MOST = 4
"""Batches that may wait for their confirms while the next one is applied."""
TICK_S = 1.5
SWEEP_TICKS = 40
SLICE = 500
"""Commands in one transaction: it holds the owner rows, and must end before this instance's own renewal gives up."""
CHANNEL_S = 3
"""Opening or closing a channel takes at most this long: after a long sleep its connection may be dead, unnoticed."""

C = TypeVar("C", bound=Command)


Told = dict[Destination, "asyncio.Future[None]"]
"""What is on its way to whom."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """A batch that is applied: the task that waits for its confirms, and what it is told."""

    task: "asyncio.Task[None]"
    told: Told


class Worker(Generic[C]):
    """Consumes the command queues that this instance owns."""

    def __init__(
        self,
        service: str,
        batches: TypeAdapter[list[C]],
        handler: Handler[C],
        parts: Parts,
        ownership: Ownership,
        registers: type[Command] | None = None,
    ) -> None:
        """``registers``: the one command that another service may send, through an exchange for that alone."""
        self._service = service
        self._batches = batches
        self._handler = handler
        self._registers = registers, registrations_exchange(service)
        self._pool = parts.pool
        self._link = parts.consuming
        self._publisher = parts.publisher
        self._queue_kind = parts.queue_kind
        self._ownership = ownership
        self._transactions = Transactions(parts.pool, handler, ownership)
        self._suspects = Suspects(parts.pool)
        self._inbox = Inbox()
        self._sources: dict[str, Source] = {}
        self._busy = asyncio.Lock()
        self._stopping = False
        self._ending: deque[_Ending] = deque()
        """Batches that are applied, and not told and acknowledged yet, in order."""
        self._gone: set[str] = set()

    async def run(self) -> None:
        """Own queues and work on them, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(self._own()))
            group.create_task(lasting(self._work()))

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
                await declare_command_queue(self._link, self._service, queue, self._queue_kind)
                await source.start(self._link)

    async def _give(self, queue: str) -> None:
        async with self._busy:
            await self._ended()
            await self._let_go(queue)

    async def _let_go(self, queue: str) -> None:
        source = self._sources.pop(queue, None)
        if source is not None:
            await _close(source)

    # --- work ------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._inbox.wait()
            async with self._busy:
                began = loop.time()
                await self._forget_gone()
                deliveries = self._inbox.take(TAKE_BYTES)
                several = await self._batch(deliveries, began) if deliveries else 0
            await pace(began, several)

    async def _batch(self, deliveries: list[Delivery], began: float) -> int:
        """Apply a batch, and leave its telling and acknowledging to a task while the next batch is applied.

        Returns how many commands were applied.
        """
        queues = {d.source.queue for d in deliveries}
        try:
            commands = [c for d in deliveries for c in await self._parse(d)]
            again = deliveries[0].redelivered
            tells = await (self._apply_again if again else self._apply)(commands, queues)
            tells = [await self._needs_met(tell) if tell.needs else tell for tell in tells]
            told = await self._tell(tells)
        except Fenced:
            log.warning("fenced", queues=sorted(queues))
            await self._reset(deliveries)
            return 0
        except (Unavailable, *AWAY) as error:
            log.warning("batch_returned", error=type(error).__name__)
            await self._reset(deliveries)
            return 0
        before = self._ending[-1].task if self._ending else None
        self._ending.append(_Ending(asyncio.create_task(self._end(before, deliveries, told, began)), told))
        if len(self._ending) > ENDING_MOST:
            await asyncio.wait([self._ending[0].task])
        return len(commands)

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
            await asyncio.wait([self._ending[-1].task])

    @property
    def _failing(self) -> bool:
        """Whether one of the batches that are still being told is known not to have arrived."""
        return any(_failure(done) is not None for ending in self._ending for done in ending.told.values())

    async def _reset(self, deliveries: list[Delivery]) -> None:
        """Give the deliveries back in order by closing their channels; the next tick consumes again."""
        for source in {d.source.queue: d.source for d in deliveries}.values():
            await _close(source)

    async def _parse(self, delivery: Delivery) -> list[C]:
        commands = await self._parse_all(delivery.body)
        kind, exchange = self._registers
        if kind is None or delivery.exchange != exchange:
            return commands
        return [command for command in commands if isinstance(command, kind) or await self._not_its_to_ask(command)]

    async def _parse_all(self, body: bytes) -> list[C]:
        try:
            return self._batches.validate_json(body)
        except ValidationError:
            parsed = [await self._parse_one(raw) for raw in split_body(body)]
            return [command for command in parsed if command is not None]

    async def _not_its_to_ask(self, command: C) -> Literal[False]:
        await self._put_aside(command.model_dump_json().encode(), NOT_ITS_TO_ASK, id=command.id)
        return False

    async def _parse_one(self, raw: bytes) -> C | None:
        try:
            return self._batches.validate_json(b"[" + raw + b"]")[0]
        except ValidationError as error:
            await self._put_aside(raw, "malformed", errors=[e["type"] for e in error.errors(include_input=False)][:3])
            return None

    async def _apply(self, commands: list[C], queues: set[str]) -> list[Tell]:
        slices = [commands[first : first + SLICE] for first in range(0, len(commands), SLICE)]
        return [tell for several in slices for tell in await self._apply_slice(several, queues)]

    async def _apply_slice(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """One transaction for all; where that fails for a reason of its own, one for each."""
        try:
            tells = await self._transactions.run(commands, queues)
        except (Fenced, Unavailable):
            raise
        except Exception as error:
            log.warning("batch_failed", commands=len(commands), exc_info=error)
            return await self._apply_each(commands, queues)
        metrics.BATCH.observe(len(commands))
        for kind, several in Counter(map(type, commands)).items():
            metrics.handled(kind.__name__, "applied", several)
        return tells

    async def _apply_again(self, commands: list[C], queues: set[str]) -> list[Tell]:
        """What was redelivered may be what the last process died of."""
        try:
            together = await self._suspects.together(commands)
            if together:
                tells = await self._apply(commands, queues)
            else:
                tells = [t for command in commands for t in await self._apply_suspect(command, queues)]
            await self._suspects.clear(commands)
        except postgres.AWAY:
            raise Unavailable("postgres") from None
        return tells

    async def _apply_suspect(self, command: C, queues: set[str]) -> list[Tell]:
        if not await self._suspects.alone(command):
            return [await self._fail(command, "deadly")]
        try:
            return await self._apply_each([command], queues)
        finally:  # this process lives: it wasn't that
            await self._suspects.clear([command])

    async def _apply_each(self, commands: list[C], queues: set[str]) -> list[Tell]:
        tells: list[Tell] = []
        for command in commands:
            try:
                tells += await self._transactions.run([command], queues)
                metrics.handled(type(command).__name__, "applied")
            except (Fenced, Unavailable):
                raise
            except Exception as error:
                log.error("command_failed", type=type(command).__name__, id=command.id, exc_info=error)
                tells.append(await self._fail(command, "failed", error=type(error).__name__))
        return tells

    # --- telling ---------------------------------------------------------------------------------------------------

    async def _tell(self, tells: list[Tell]) -> Told:
        """Queue for each destination, in order. Raises `Unavailable`: the batch will be delivered and told again."""
        by_destination: dict[Destination, list[Envelope]] = {}
        for tell in tells:
            by_destination.setdefault(tell.to, []).append(tell.envelope)
        if any(self._publisher.full(to, len(envelopes)) for to, envelopes in by_destination.items()):
            await self._ended()
        if self._failing:
            raise Unavailable("broker")  # what goes before wasn't told, and will be delivered again before this
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
                    told = await self._tell(await self._handler.forget(tx, address))
                self._gone.discard(address)
                self._gone |= await _confirmed(told)
            except (*postgres.AWAY, *AWAY, Unavailable) as error:
                log.warning("forgetting_delayed", error=type(error).__name__)
                return  # at the next batch

    async def _fail(self, command: C, reason: str, **fields: object) -> Tell:
        """Put the command aside; what to tell its sender."""
        metrics.handled(type(command).__name__, "failed")
        await self._put_aside(command.model_dump_json().encode(), reason, id=command.id, **fields)
        return answer(command, _failed(command))

    async def _put_aside(self, raw: bytes, reason: str, **fields: object) -> None:
        """Put one command on the dead-letter queue, sealed as it is. Raises `Unavailable`."""
        metrics.DEAD_LETTERS.labels(reason).inc()
        log.error("dead_letter", reason=reason, **fields)
        where = to_dead(self._service)
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


async def _confirmed(told: Told) -> set[str]:
    """Wait for all confirms. Returns the addresses that don't exist. Raises as `Publisher.publish` does."""
    gone: set[str] = set()
    if told:
        await asyncio.wait(told.values())
    for to, done in told.items():
        if isinstance(done.exception(), Unroutable):
            gone.add(to.routing_key)
        elif (failure := _failure(done)) is not None:
            raise failure
    return gone


def _failure(done: "asyncio.Future[None]") -> BaseException | None:
    """Why something wasn't told. That its reader is no more counts as told."""
    error = done.exception() if done.done() else None
    return None if isinstance(error, Unroutable) else error


def _failed(command: Command) -> CommandRefused:
    return CommandRefused(
        causationid=command.id, code=Code.UNAVAILABLE, details={"part": "dead_letter", "retry_ms": 30_000}
    )
