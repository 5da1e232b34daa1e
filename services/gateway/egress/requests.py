"""Commands to the services, and the answers awaited: each has a waiter, and each waiting has an end."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from shared.contracts.envelope import Command, Reply
from shared.contracts.errors import Refused, Unavailable, refusal
from shared.contracts.events import CommandRefused, Fact
from shared.runtime.broker.publisher import Publisher, Unroutable
from shared.runtime.broker.topology import to_commands

ANSWER_S = 4.5
"""Clients are promised an answer within 5 s."""

Answer = Reply | Fact
"""What answers a command: a reply, or the fact that came of it."""

R = TypeVar("R", bound=Reply)


class Waiter(Protocol):
    """Hears exactly once how a command went, synchronously, in the order of the gateway's queue."""

    def answered(self, reply: Answer) -> None: ...

    def failed(self, refused: Refused) -> None: ...


class FutureWaiter:
    """Turns an answer into a future; ``apply`` sees the reply first, in the queue's order."""

    def __init__(self, apply: Callable[[Answer], None] | None = None) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._apply = apply

    def answered(self, reply: Answer) -> None:
        if self._apply is not None:
            self._apply(reply)
        if not self.future.done():
            self.future.set_result(reply)

    def failed(self, refused: Refused) -> None:
        if not self.future.done():
            self.future.set_exception(refused)


class Requests:
    """What has been asked and not yet answered."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: dict[str, tuple[Waiter, float, str]] = {}
        """By command: who waits, until when (monotonic), for which queue. In the order of asking, so of time."""
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()

    def submit(self, queue: str, command: Command, waiter: Waiter, *, persistent: bool = False) -> None:
        """Send a command; commands for one queue keep their order. The waiter hears how it went.

        ``persistent``: the broker is to keep it on disk, since it is to be carried out though nobody waits any more.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S
        self._waiting[command.id] = (waiter, until, queue)
        if self._timer is None:
            self._timer = loop.call_at(until, self._expire)
        try:
            destination = to_commands(queue, persistent=persistent)
            self._publisher.submit(destination, command, partial(self._published, command.id, queue))
        except Unavailable as refused:
            self._fail(command.id, refused)

    def _published(self, command: str, queue: str, error: Exception | None) -> None:
        if isinstance(error, Refused):
            self._fail(command, error)
        elif isinstance(error, Unroutable):
            self._fail(command, Unavailable(queue))

    def _expire(self) -> None:
        """Fail what has waited too long, and look again when the next one will have. One timer serves all."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for command, (_, until, queue) in list(self._waiting.items()):
            if until > loop.time():
                self._timer = loop.call_at(until, self._expire)
                return
            self._fail(command, Unavailable(queue))

    async def ask(
        self,
        queue: str,
        command: Command,
        kind: type[R],
        apply: Callable[[R], None] | None = None,
        *,
        persistent: bool = False,
    ) -> R:
        """Send a command and await its answer.

        Raises:
            Refused: as the service says; `Unavailable` where there is no answer in time.
        """

        def typed(reply: Answer) -> None:
            if apply is not None and isinstance(reply, kind):
                apply(reply)

        waiter = FutureWaiter(typed)
        self.submit(queue, command, waiter, persistent=persistent)
        reply = await waiter.future
        if not isinstance(reply, kind):
            raise Unavailable(queue)
        return reply

    def take(self, command: str) -> Waiter | None:
        """The waiter of a command, which is answered by this; None: nobody waits any more."""
        waiting = self._waiting.pop(command, None)
        if waiting is None:
            return None
        if not self._waiting:
            self._idle.set()
        return waiting[0]

    def resolve(self, reply: Reply) -> None:
        """Hand a reply to whoever waits for it."""
        waiter = self.take(reply.causationid)
        if waiter is None:
            return
        if isinstance(reply, CommandRefused):
            waiter.failed(refusal(reply.code, reply.details))
        else:
            waiter.answered(reply)

    def _fail(self, command: str, refused: Refused) -> None:
        waiter = self.take(command)
        if waiter is not None:
            waiter.failed(refused)

    def fail_all(self) -> None:
        """The gateway's queue is gone, and all answers with it."""
        for command in list(self._waiting):
            self._fail(command, Unavailable("broker"))

    async def settled(self, wait_s: float) -> None:
        """Until nothing is outstanding, or the time is up."""
        if self._waiting:
            self._idle.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._idle.wait()
