"""Which instance owns which command queue: a table with fences, so that a process that slept writes nothing late.

Single active consumer stays on the queues as a second guard, but it can't choose its consumer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path

import structlog

from shared.runtime import metrics
from shared.runtime.postgres import Connection, Pool, Queries

log = structlog.get_logger()

LEASE = timedelta(seconds=6)

_sql = Queries(Path(__file__).parent / "sql" / "ownership.sql")


class Fenced(Exception):  # noqa: N818 - an outcome
    """Another instance owns the queue now; nothing was written."""


class WrongQueueCount(Exception):  # noqa: N818 - an outcome
    """The process is configured for another number of queues than its database was started with."""


@dataclass(frozen=True, slots=True)
class Owner:
    queue: str
    instance: str | None
    fence: int
    free: bool


def to_take(owners: list[Owner], held: dict[str, int], me: str, alive: int) -> list[Owner]:
    """Queues to take now: free ones, and those left by an earlier life of this instance, up to the even share."""
    share = ceil(len(owners) / max(1, alive))
    open_ones = [o for o in owners if o.queue not in held and (o.free or o.instance == me)]
    return open_ones[: max(0, share - len(held))]


def to_release(owners: list[Owner], held: dict[str, int], alive: int) -> list[str]:
    """Queues to give away: what is held above the even share, if somebody else is there to take it."""
    share = ceil(len(owners) / max(1, alive))
    return sorted(held)[share:]


class Ownership:
    """The queues that this instance holds, with their fences."""

    def __init__(self, pool: Pool, instance: str, queues: list[str]) -> None:
        self._pool = pool
        self._instance = instance
        self._queues = queues
        self.held: dict[str, int] = {}

    async def prepare(self) -> None:
        """Check the number of queues against the database. Raises `WrongQueueCount`."""
        kept = await self._pool.fetchval(_sql["queue_count"], len(self._queues))
        if kept != len(self._queues):
            raise WrongQueueCount(f"configured for {len(self._queues)} queues, the database was started with {kept}")
        for queue in self._queues:
            await self._pool.execute(_sql["ensure_queue"], queue)

    async def tick(self, taken: Callable[[str], Awaitable[None]], given: Callable[[str], Awaitable[None]]) -> None:
        """Renew, take and give away.

        ``given`` returns once the queue's last batch is acknowledged and its channel closed; ``taken`` begins to
        consume.
        """
        await self._pool.execute(_sql["beat"], self._instance, LEASE)
        await self._pool.execute(_sql["forget_dead"])
        alive = await self._pool.fetchval(_sql["count_alive"])
        renewed = await self._pool.fetch(_sql["renew"], list(self.held), list(self.held.values()), LEASE)
        kept = {row["queue"] for row in renewed}
        for queue in [q for q in self.held if q not in kept]:
            log.warning("queue_lost", queue=queue)
            await given(queue)
            self.held.pop(queue, None)
        owners = [
            Owner(r["queue"], r["instance"], r["fence"], r["free"]) for r in await self._pool.fetch(_sql["list_owners"])
        ]
        for queue in to_release(owners, self.held, alive):
            await given(queue)
            await self._release(queue)
        for owner in to_take(owners, self.held, self._instance, alive):
            fence = await self._pool.fetchval(_sql["take"], owner.queue, self._instance, owner.fence, LEASE)
            if fence is not None:
                self.held[owner.queue] = fence
                log.info("queue_taken", queue=owner.queue, fence=fence)
                await taken(owner.queue)
        metrics.OWNED_QUEUES.set(len(self.held))

    def fences(self, queues: set[str]) -> dict[str, int]:
        """The fences of all that is held, and of these queues; -1, which none ever has, where one isn't ours."""
        return {**dict.fromkeys(queues, -1), **self.held}

    async def check(self, tx: Connection, queues: set[str]) -> None:
        """Lock the owner rows until the commit. Raises `Fenced` if one of the queues isn't ours any more."""
        rows = await tx.fetch(_sql["fence"], list(queues), [self.held.get(queue, -1) for queue in queues])
        if len(rows) != len(queues):
            raise Fenced

    async def _release(self, queue: str) -> None:
        fence = self.held.pop(queue, None)
        if fence is not None:
            await self._pool.execute(_sql["release"], queue, fence)
            log.info("queue_released", queue=queue)

    async def leave(self, given: Callable[[str], Awaitable[None]]) -> None:
        """Give everything away, at the end."""
        for queue in list(self.held):
            await given(queue)
            await self._release(queue)
        await self._pool.execute(_sql["leave"], self._instance)
