"""Schema migrations: numbered .sql files, applied by yoyo under an advisory lock of the database."""

import asyncio
from contextlib import closing
from pathlib import Path

import psycopg
import structlog
import yoyo
from pydantic import SecretStr
from tenacity import retry, retry_if_exception_type, wait_random_exponential

log = structlog.get_logger()

LOCK = 0x756E73616964  # "unsaid"


def apply(url: SecretStr, folder: Path) -> int:
    """Bring the database up to the newest migration; several processes may try at once.

    Returns:
        how many migrations were applied.

    Raises:
        psycopg.OperationalError: the server can't be reached.
    """
    dsn = url.get_secret_value()
    with closing(psycopg.connect(dsn, autocommit=True, connect_timeout=5)) as guard:
        guard.execute("select pg_advisory_lock(%s)", (LOCK,))
        with yoyo.get_backend(dsn.replace("postgresql://", "postgresql+psycopg://", 1)) as backend:
            todo = backend.to_apply(yoyo.read_migrations(str(folder)))
            backend.apply_migrations(todo)
            return len(todo)


@retry(retry=retry_if_exception_type(psycopg.OperationalError), wait=wait_random_exponential(0.2, 3))
async def apply_when_there(url: SecretStr, folder: Path) -> None:
    """Migrate as soon as the server answers. Runs in a thread: yoyo is synchronous."""
    applied = await asyncio.to_thread(apply, url, folder)
    log.info("migrated", applied=applied)
