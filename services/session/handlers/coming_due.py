"""The clock of this service: commands whose time has come are sent to their own queue.

They were put aside by the transaction that decided them (`services.session.store.due`), and are deleted when the broker
has them. Where this process dies between the two, they are sent again; whoever handles them does so once, as it does
everything under one ``record``, in the order of its queue and behind its fence. So any instance may send.
"""

import asyncio
from itertools import groupby

import asyncpg
import structlog

from services.session import metrics
from services.session.store.due import Came, Due
from shared.contracts.errors import Unavailable
from shared.runtime import postgres
from shared.runtime.broker.link import AWAY
from shared.runtime.broker.publisher import Publisher, Unroutable
from shared.runtime.broker.topology import command_queue, to_commands
from shared.runtime.postgres import Pool

log = structlog.get_logger()

LOOK_S = 1.0
TAKE_S = 3.0
SEND_S = 4.0
"""Shorter than the server lets a transaction idle."""
AT_ONCE = 100


class Clock:
    """Looks every second for what is due."""

    def __init__(self, pool: Pool, publisher: Publisher, queues: int) -> None:
        self._pool = pool
        self._publisher = publisher
        self._queues = queues

    async def run(self) -> None:
        while True:
            sent = 0
            try:
                sent = await self._send()
            except (Unroutable, Unavailable, asyncpg.PostgresError, *postgres.AWAY, *AWAY) as error:
                log.warning("due_delayed", error=type(error).__name__)
            if sent < AT_ONCE:
                await asyncio.sleep(LOOK_S)

    async def _send(self) -> int:
        async with self._pool.acquire(timeout=TAKE_S) as db, db.transaction():
            due = Due(db)
            came = await due.come(AT_ONCE)
            if not came:
                return 0
            async with asyncio.timeout(SEND_S):
                for queue, several in groupby(sorted(came, key=self._queue), key=self._queue):
                    body = ",".join(one.command for one in several).encode()
                    await self._publisher.publish_raw(to_commands(queue, persistent=True), b"[" + body + b"]")
            await due.sent(came)
        metrics.CAME_DUE.inc(len(came))
        return len(came)

    def _queue(self, one: Came) -> str:
        return command_queue("session", self._queues, one.conversation)
