"""Commands into the database: fenced, and again for as long as the database is away."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import structlog
from asyncpg import QueryCanceledError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from shared.contracts.envelope import Command
from shared.runtime import postgres
from shared.runtime.handler import Handler, Tell
from shared.runtime.ownership import Ownership
from shared.runtime.postgres import Pool

log = structlog.get_logger()

CANCELS = 5
"""Statements in a row that the database gives up (`postgres.TIMEOUTS`) before a lone command counts as the cause."""

C = TypeVar("C", bound=Command)


class Transactions(Generic[C]):
    """What the worker applies goes through here."""

    def __init__(self, pool: Pool, handler: Handler[C], ownership: Ownership) -> None:
        self._pool = pool
        self._handler = handler
        self._ownership = ownership

    async def run(self, commands: Sequence[C], queues: set[str]) -> list[Tell]:
        """Apply the commands; what to tell. A delivery is never used up by a database that is away.

        Raises:
            Fenced: one of the queues isn't ours any more.
            QueryCanceledError: the database works, and gives up just these commands again and again.
        """
        fences = self._ownership.fences(queues)
        try:
            return await self._attempt(commands, queues, fences)
        except postgres.AWAY as error:
            if isinstance(error, QueryCanceledError) and len(commands) > 1:
                raise  # smaller is quicker, and finds out which it was
            log.warning("database_away", error=type(error).__name__)
        renewals = self._ownership.renewals

        def hopeless(state: RetryCallState) -> bool:
            cancelled = state.outcome is not None and isinstance(state.outcome.exception(), QueryCanceledError)
            return cancelled and state.attempt_number >= CANCELS and self._ownership.renewals >= renewals + 2

        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(postgres.AWAY),
            wait=wait_random_exponential(0.05, 1),
            stop=hopeless,
            reraise=True,
        ):
            with attempt:
                return await self._attempt(commands, queues, fences)
        raise AssertionError("unreachable")

    async def _attempt(self, commands: Sequence[C], queues: set[str], fences: Mapping[str, int]) -> list[Tell]:
        async with self._pool.acquire(timeout=3) as db:
            tells, rest = await self._handler.at_once(db, fences, commands)
            if rest:
                async with db.transaction():
                    await self._ownership.check(db, queues)
                    tells += await self._handler.handle(db, rest)
            return tells
