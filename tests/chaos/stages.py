"""The stages on which rows are played: a plain one, one whose Postgres has a small disk, one with three brokers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

from deploy.local import postgres
from deploy.local.home import REPO, Home, Part, State
from tests.chaos.cluster import Cluster
from tests.chaos.stage import Stage, StageKind

UP_S = 180
SMALL_MB = 700


@contextmanager
def _temporary() -> Iterator[Path]:
    """A folder with a short name, for the sake of unix sockets, that Postgres' own user passes through."""
    folder = Path(tempfile.mkdtemp(prefix="uc", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unsaid(home: Path, *words: str) -> None:
    environment = {**os.environ, "UNSAID_HOME": str(home)}
    for name in ("UNSAID_POSTGRES_URL", "UNSAID_AMQP_URL"):
        environment.pop(name, None)
    command = [sys.executable, str(REPO / "unsaid"), *words]
    done = subprocess.run(command, env=environment, cwd=REPO, capture_output=True, text=True, timeout=UP_S, check=False)
    assert done.returncode == 0, f"./unsaid {' '.join(words)} failed: {done.stdout[-1500:]} {done.stderr[-1500:]}"


@contextmanager
def _servers(folder: Path, *parts: Part) -> Iterator[tuple[Home, State]]:
    """Some servers under `./unsaid up`, in a home of their own."""
    home = Home(folder)
    try:
        _unsaid(folder, "up", "--detach", *(word for part in parts for word in ("--only", part)))
        state = home.state
        assert state is not None
        yield home, state
    finally:
        if home.state_file.exists():
            _unsaid(folder, "down", "--wipe")


@asynccontextmanager
async def _playing(one: Stage) -> AsyncIterator[Stage]:
    """A stage with its services."""
    try:
        await one.begin()
        yield one
    finally:
        await one.end()


@asynccontextmanager
async def plain() -> AsyncIterator[Stage]:
    with _temporary() as folder, _servers(folder / "h", "postgres", "rabbitmq") as (home, state):
        async with _playing(Stage(home, state, [state.ports.rabbitmq])) as one:
            yield one


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m,mode=711", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def small_disk() -> AsyncIterator[Stage]:
    """Postgres lives on a small tmpfs; RabbitMQ elsewhere."""
    with (
        _temporary() as folder,
        _servers(folder / "h", "rabbitmq") as (home, state),
        _small_disk(folder / "d") as disk,
        _servers(disk / "p", "postgres") as (postgres_home, postgres_state),
    ):
        made_there = {"key_provider", "postgres_password"}
        joined = state.model_copy(
            update={"postgres_url": postgres.url(postgres_state), **postgres_state.model_dump(include=made_there)}
        )
        async with _playing(Stage(home, joined, [state.ports.rabbitmq], postgres_home)) as one:
            yield one


@asynccontextmanager
async def three_brokers() -> AsyncIterator[Stage]:
    """Three RabbitMQ nodes as one cluster; the services' relays go to each in turn."""
    with _temporary() as folder, _servers(folder / "h", "postgres") as (home, state):
        cluster = Cluster(folder, state)
        try:
            await cluster.begin()
            async with _playing(Stage(home, state, cluster.ports, cluster=cluster)) as one:
                yield one
        finally:
            cluster.end()


def stage_of(kind: StageKind) -> AbstractAsyncContextManager[Stage]:
    match kind:
        case "plain":
            return plain()
        case "small disk":
            return small_disk()
        case "three brokers":
            return three_brokers()


def missing_small_disk() -> str | None:
    """Whether a tmpfs can be mounted here."""
    if os.geteuid() != 0:
        return "mounting a tmpfs needs root"
    with _temporary() as folder:
        try:
            with _small_disk(folder / "d"):
                return None
        except subprocess.CalledProcessError:
            return "a tmpfs can't be mounted here"
