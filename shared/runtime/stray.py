"""Cancellations that nobody asked for.

The AMQP client cancels futures of its own when a connection dies. A task that awaits one is then cancelled without
anybody's asking for it, and ends in silence: a `asyncio.TaskGroup` takes that for a task's ordinary end.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager


class Stray(ConnectionError):  # noqa: N818 - it is what it says
    """A library cancelled what it was asked for."""


@contextmanager
def no_stray() -> Iterator[None]:
    """Raises `Stray` in place of a cancellation that isn't this task's."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Stray from None


async def lasting(work: Coroutine[object, object, None]) -> None:
    """Run what has no end of its own. Raises RuntimeError, which ends its group, rather than end alone."""
    try:
        with no_stray():
            await work
    except Stray:
        raise RuntimeError("a library cancelled what should last") from None
