"""The life of a process: settings, logs, health, database, broker, work, and an orderly end on SIGTERM."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import asyncpg
import structlog
import uvloop
from pydantic import SecretStr, ValidationError
from tenacity import retry, retry_if_exception_type, wait_random_exponential

from shared.contracts.envelope import name_process
from shared.runtime import migrations, postgres
from shared.runtime.broker.link import AWAY, Link
from shared.runtime.broker.publisher import Publisher
from shared.runtime.broker.topology import QueueKind
from shared.runtime.health import Health, start_admin
from shared.runtime.logging import setup
from shared.runtime.ownership import NameTaken, WrongQueueCount
from shared.runtime.postgres import Pool
from shared.runtime.reads import Reads
from shared.runtime.settings import ServiceSettings
from shared.runtime.stray import lasting

log = structlog.get_logger()

OWNER_URL = "UNSAID_OWNER_URL"
MIGRATE = "migrate"
POOL_SIZE = 4
STOP_S = 15

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is given to build itself from."""

    health: Health
    pool: Pool
    publishing: Link
    consuming: Link
    publisher: Publisher
    reads: Reads
    queue_kind: QueueKind


class CannotRun(Exception):  # noqa: N818 - an outcome
    """A service refuses to run as it is, for a reason that its operator can read."""


class Work(Protocol):
    """What a service does between start and end."""

    async def run(self) -> None:
        """Work until cancelled."""

    async def stop(self) -> None:
        """End in order what is begun; at most `STOP_S` seconds. `run` is cancelled afterwards."""


Build = Callable[[S, Parts], Awaitable[Work]]
Verb = Callable[[Pool], Awaitable[None]]
"""What the operator does now and then, on a pool of the database's owner."""


def main(
    name: str, settings_type: type[S], folder: Path, build: Build[S], verbs: Mapping[str, Verb] | None = None
) -> None:
    """Run a service; or, as its database's owner, ``migrate``; or one of ``verbs``."""
    migrations_folder = folder / "sql" / "migrations"
    if len(sys.argv) > 1:
        _as_owner(name, sys.argv[1], migrations_folder, verbs or {})
        return
    try:
        settings = settings_type()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print(f"{name}: UNSAID_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}", file=sys.stderr)
        sys.exit(2)
    setup(name, settings.instance, settings.log_level)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold what people typed
    name_process(f"unsaid/{name}/{settings.instance}")
    try:
        uvloop.run(_live(name, settings, migrations_folder, build))
    except* (CannotRun, WrongQueueCount, NameTaken) as group:
        log.error("refused_to_run", reason=str(group.exceptions[0]))
        sys.exit(3)
    except* OSError as group:
        log.error("refused_to_start", reason=str(group.exceptions[0]))
        sys.exit(4)


def _as_owner(name: str, asked: str, folder: Path, verbs: Mapping[str, Verb]) -> None:
    """Nothing but the owner's address is needed, and no serving process has it, nor may do the like."""
    if asked not in {MIGRATE, *verbs}:
        sys.exit(f"{name}: unknown argument; there are: {', '.join([MIGRATE, *verbs])}")
    url = os.environ.get(OWNER_URL)
    if not url:
        print(f"{name}: {OWNER_URL}: must be set for {asked}", file=sys.stderr)
        sys.exit(2)
    setup(name, asked, "info")
    if asked == MIGRATE:
        log.info("migrated", applied=migrations.apply(SecretStr(url), folder))
    else:
        asyncio.run(_once(name, SecretStr(url), verbs[asked]))


async def _once(name: str, owner: SecretStr, verb: Verb) -> None:
    """Raises `SystemExit`: the database is away."""
    try:
        async with postgres.make_pool(owner, 1) as pool:
            await verb(pool)
    except postgres.AWAY as error:
        raise SystemExit(f"{name}: the database can't be reached ({type(error).__name__})") from None


async def _live(name: str, settings: S, folder: Path, build: Build[S]) -> None:
    health = Health("postgres", "service")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    publishing = Link(settings.amqp_url, f"{name}.{settings.instance}.out", health)
    consuming = Link(settings.amqp_url, f"{name}.{settings.instance}.in", health)
    pool = postgres.make_pool(settings.database_url, POOL_SIZE)
    publisher = Publisher(publishing, name)
    parts = Parts(health, pool, publishing, consuming, publisher, Reads(), settings.queue_kind)
    admin = await start_admin(settings.admin_host, settings.admin_port, [*health.routes(), *parts.reads.routes()])
    try:
        async with asyncio.TaskGroup() as group:
            links = [group.create_task(lasting(link.run())) for link in (publishing, consuming)]
            working = group.create_task(_work(settings, folder, parts, build))
            await stopping.wait()
            log.info("stopping")
            health.set("service", "stopping")
            await _end(working)
            await parts.publisher.close()
            for task in links:
                task.cancel()
    finally:
        await admin.cleanup()
        for link in (publishing, consuming):
            await link.close()
        with suppress(asyncpg.InterfaceError):  # it was never opened
            pool.terminate()
    log.info("stopped")


class _NotMigrated(Exception):  # noqa: N818 - a state
    """The database is of before this version."""


@retry(
    retry=retry_if_exception_type((*postgres.AWAY, asyncpg.PostgresError, _NotMigrated)),
    wait=wait_random_exponential(0.2, 2),
)
async def _open(pool: Pool, folder: Path, health: Health) -> None:
    """Until the server is there, and its owner has brought the database up to this version."""
    await pool
    missing = await migrations.missing(pool, migrations.names(folder))
    if missing:
        health.set("postgres", f"not migrated yet: {len(missing)} to go")
        raise _NotMigrated


async def _work(settings: S, folder: Path, parts: Parts, build: Build[S]) -> None:
    """Wait for the database, then work until cancelled; being cancelled, stop the work in order."""
    await _open(parts.pool, folder, parts.health)
    work = await build(settings, parts)
    parts.health.set("service", None)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # what a frame or a command makes dies with it, by reference count
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(lasting(postgres.watch(parts.pool, parts.health)))
        running = group.create_task(lasting(work.run()))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            try:
                async with asyncio.timeout(STOP_S):
                    await work.stop()
            except (TimeoutError, *postgres.AWAY, *AWAY) as error:
                log.warning("stopped_roughly", error=type(error).__name__)
            watching.cancel()
            running.cancel()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
