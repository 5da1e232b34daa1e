"""Postgres: a pool that survives its server, named queries from .sql files, and the clock check."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import aiosql
import asyncpg
import structlog
from pydantic import SecretStr
from tenacity import retry, retry_if_exception_type, wait_random_exponential

from shared.runtime import metrics
from shared.runtime.health import Health

log = structlog.get_logger()

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

CLOCK_LIMIT_S = 30
CHECK_EVERY_S = 5

# Each statement of ours is a way by keys whatever its parameters are, so it is planned once; for a statement that takes
# arrays the server would plan anew at each execution, which cost more than to carry it out. A plan that was made while
# the tables were empty must not scan them when they have grown.
PLANS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}

# A process that is stopped inside a transaction must not hold up its successor for long; neither may a lock.
TIMEOUTS = {
    "statement_timeout": "5000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
    "synchronous_commit": "on",
}

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the pool's and the protocol's own, for a connection that dies in their hands
)
"""Errors that say nothing of the work at hand: it is done again when the server is back."""

when_there = retry(retry=retry_if_exception_type(AWAY), wait=wait_random_exponential(0.2, 2))
"""For what a process does at its start: a server that is away, or busy, doesn't end it."""


class Queries:
    """The named, commented queries of one .sql file; parameters are ``$1``, ``$2``…"""

    def __init__(self, path: Path) -> None:
        self._queries = aiosql.from_path(path, "asyncpg", mandatory_parameters=False)

    def __getitem__(self, name: str) -> str:
        sql: str = getattr(self._queries, name).sql
        return sql


async def _keep(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing that we do to a connection outlives its transaction, so giving it back costs no round trip."""


HOUSEKEEPING = {"unsaid.housekeeping": "on"}
"""For a database's owner, who then sees all tenants' rows (`shared.runtime.tenants`); for any other role nothing."""


def make_pool(url: SecretStr, size: int, settings: Mapping[str, str] | None = None) -> Pool:
    """A pool that is to be awaited before its use; each wait for the server has an end.

    It connects when it must: asyncpg closes for ever a pool whose first connection, made while opening it, fails.
    """
    pool: Pool = asyncpg.create_pool(
        url.get_secret_value(),
        min_size=0,
        max_size=size,
        timeout=3,
        command_timeout=6,
        server_settings={**TIMEOUTS, **PLANS, **(settings or {})},
        reset=_keep,
    )
    return pool


async def watch(pool: Pool, health: Health) -> None:
    """Say whether the server answers, and whether this process's clock agrees with it; for ever."""
    while True:
        try:
            async with asyncio.timeout(3):
                before = time.time()
                moment: float = await pool.fetchval("select extract(epoch from clock_timestamp())::float8")
                offset = (before + time.time()) / 2 - moment
        except AWAY as error:
            health.set("postgres", f"no answer ({type(error).__name__})")
        else:
            metrics.CLOCK_OFFSET.set(offset)
            health.set("postgres", None)
            far = abs(offset) > CLOCK_LIMIT_S
            health.set("clock", f"{offset:+.0f} s off the database's clock" if far else None)
        await asyncio.sleep(1 if not health.ready else CHECK_EVERY_S)
