"""More instances of a service beside the platform's own, and what its owner table says of them."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp
import asyncpg

from deploy.local import postgres
from deploy.local.home import REPO, Service
from tests.support.platform import Platform


@dataclass(frozen=True)
class Instance:
    """A process of a service, with its own name."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in found if line.get("event") == event]

    async def ended(self, wait_s: float = 60) -> int:
        """Wait for its end; the exit status."""
        return await asyncio.to_thread(self.process.wait, wait_s)

    async def until_logged(self, event: str, wait_s: float = 20) -> None:
        async with asyncio.timeout(wait_s):
            while not self.logged(event):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)


@contextmanager
def instance(
    platform: Platform, service: Service, name: str, *, module: str = "", folder: Path = REPO, **told: str
) -> Iterator[Instance]:
    """Another process of a service, ended afterwards; of another ``module``, or of a changed copy in ``folder``."""
    environment = {**platform.environment(service), "UNSAID_INSTANCE": name, "UNSAID_ADMIN_PORT": "0", **told}
    log = platform.home / "logs" / f"{name}.log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", module or f"services.{service}"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=file, stderr=file)
    try:
        yield Instance(name, process, log)
    except BaseException:
        print(f"--- {name}, {process.poll()}: the end of its log\n{log.read_text()[-4_000:]}")  # noqa: T201 - pytest shows it
        raise
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def gateway(platform: Platform, name: str, *, module: str = "", **told: str) -> Iterator[tuple[str, Instance]]:
    """Another gateway: its address and process."""
    port = free_port()
    with instance(platform, "gateway", name, module=module, folder=REPO, UNSAID_PORT=str(port), **told) as process:
        yield f"http://127.0.0.1:{port}", process


async def ready(address: str) -> None:
    """Until a gateway says that it is ready."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(address + "/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # it isn't listening yet
            await asyncio.sleep(0.1)


async def database(platform: Platform, service: Service | Literal["keys"]) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(postgres.database_url(platform.state, service))


async def speak_for(connection: "asyncpg.Connection[asyncpg.Record]", conversation: str) -> None:
    """From here on this session is one of the conversation's tenant, as the service's are (docs/adr/0013)."""
    sql = "select set_config('unsaid.tenants', '{' || tenant || '}', false) from conversation where id = $1"
    assert await connection.fetchval(sql, conversation)


async def owners(platform: Platform, service: Service) -> dict[str, str | None]:
    """Who owns each queue by a lease in force."""
    connection = await database(platform, service)
    try:
        rows = await connection.fetch(
            "select queue, case when expires > now() then instance end as instance from owner order by queue"
        )
    finally:
        await connection.close()
    return {row["queue"]: row["instance"] for row in rows}


async def until_owned(platform: Platform, service: Service, wait_s: float, *wanted: str) -> float:
    """Until exactly these instances have the queues, evenly; how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    found: dict[str, str | None] = {}
    try:
        async with asyncio.timeout(wait_s):
            while True:
                found = await owners(platform, service)
                counts = [list(found.values()).count(name) for name in wanted]
                if sum(counts) == len(found) and max(counts) - min(counts) <= 1:
                    return loop.time() - began
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"after {wait_s} s: {found}; {await _why(platform, service)}") from None


async def _why(platform: Platform, service: Service) -> str:
    """Who is thought to be alive, and what stands in whose way."""
    connection = await database(platform, service)
    try:
        alive = await connection.fetch("select name, expires - now() as lease from instance")
        busy = await connection.fetch(
            "select pid, state, wait_event, now() - state_change as since, pg_blocking_pids(pid) as behind, query"
            " from pg_stat_activity where datname = current_database() and state <> 'idle'"
        )
    finally:
        await connection.close()
    return f"alive: {[tuple(row) for row in alive]}; busy: {[tuple(row) for row in busy]}"
