"""Which instance owns which command queue: a table with fences, so that a process that slept writes nothing late.

Single active consumer stays on the queues as a second guard, but it can't choose its consumer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from shared.runtime import metrics
from shared.runtime.postgres import Connection, Pool, Queries, when_there

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


class NameTaken(Exception):  # noqa: N818 - an outcome
    """A younger process has this instance's name; two of one name would take each other's queues for ever."""


def _counts(owners: list[Owner], held: dict[str, int], me: str, alive: set[str]) -> dict[str, int]:
    """How many queues each living instance has; of our own we know it better than the table."""
    counts = dict.fromkeys(alive, 0)
    for owner in owners:
        if owner.instance in counts and not owner.free:
            counts[owner.instance] += 1
    return counts | {me: len(held)}


def _wanted_by_others(counts: dict[str, int], me: str, least: int) -> int:
    """Queues that the other instances still need to come to the least share."""
    return sum(max(0, least - count) for name, count in counts.items() if name != me)


def to_take(owners: list[Owner], held: dict[str, int], me: str, alive: set[str]) -> list[Owner]:
    """Queues to take now: free ones, and those left by an earlier life of this instance, up to the even share.

    What doesn't divide evenly goes, one each, to whoever comes first, once nobody lacks the least share.
    """
    counts = _counts(owners, held, me, alive)
    least = len(owners) // len(counts)
    open_ones = [o for o in owners if o.queue not in held and (o.free or o.instance == me)]
    room = max(0, least - len(held))
    left_over = len(open_ones) - room - _wanted_by_others(counts, me, least)
    if left_over > 0 and len(held) + room == least and len(owners) % len(counts):
        room += 1
    return open_ones[:room]


def to_release(owners: list[Owner], held: dict[str, int], me: str, alive: set[str]) -> list[str]:
    """Queues to give away: what is held above the even share, and one more where another lacks the least share.

    Those that have one more than the least give it away in the order of their names, only as many as are lacking.
    """
    counts = _counts(owners, held, me, alive)
    least, odd = divmod(len(owners), len(counts))
    keep = least + (1 if odd else 0)
    free = sum(1 for owner in owners if owner.free and owner.queue not in held)
    lacking = _wanted_by_others(counts, me, least) - free
    above = sorted(name for name, count in counts.items() if count > least)
    if me in above[: max(0, lacking)]:
        keep = least
    return sorted(held)[keep:]


class Ownership:
    """The queues that this instance holds, with their fences."""

    def __init__(self, pool: Pool, instance: str, queues: list[str]) -> None:
        self._pool = pool
        self._instance = instance
        self._queues = queues
        self.held: dict[str, int] = {}
        self.renewals = 0
        """How often the database has taken a renewal: a sign that it works."""

    @when_there
    async def prepare(self) -> None:
        """Check the number of queues against the database. Raises `WrongQueueCount`."""
        await self._pool.execute(_sql["queue_count"], len(self._queues))
        kept = await self._pool.fetchval(_sql["kept_queue_count"])
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
        alive = {row["name"] for row in await self._pool.fetch(_sql["list_alive"])}
        renewed = await self._pool.fetch(_sql["renew"], list(self.held), list(self.held.values()), LEASE)
        kept = {row["queue"] for row in renewed}
        self.renewals += 1
        owners = [
            Owner(r["queue"], r["instance"], r["fence"], r["free"]) for r in await self._pool.fetch(_sql["list_owners"])
        ]
        for queue in [q for q in self.held if q not in kept]:
            log.warning("queue_lost", queue=queue)
            await given(queue)
            self.held.pop(queue, None)
            if any(o.queue == queue and o.instance == self._instance for o in owners):
                raise NameTaken(f"another process is named {self._instance} too")
        for queue in to_release(owners, self.held, self._instance, alive):
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
