"""A platform for breaking: the servers under `./unsaid up`, the services as processes of our own, each behind relays.

Each process can be killed, stopped, started again, doubled or given another clock, and each of its two connections to
the servers can be held at a known frame.
"""

import asyncio
import shutil
import signal
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import psutil

from deploy.local import demo, postgres, services
from deploy.local.home import REPO, SERVICES, Home, Part, Service, State
from tests.chaos.cluster import Cluster
from tests.chaos.proxy import Proxy, Wire, free_port

READY_S = 60.0
END_S = 25.0
StageKind = Literal["plain", "small disk", "three brokers"]
LOGS = REPO / ".unsaid-chaos"
"""What the processes of the last run have logged."""


def through(url: str, proxy: Proxy) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rsplit(':', 1)[0]}:{proxy.port}"))


class Process:
    """One process of a service, with a relay to each server."""

    def __init__(
        self, state: State, logs: Path, service: Service, number: int, amqp_ports: list[int], reads_port: int
    ) -> None:
        self.service: Service = service
        self.instance = f"{service}-{number}"
        self.amqp = Proxy(Wire.AMQP, *amqp_ports)
        self.database = Proxy(Wire.POSTGRES, urlsplit(postgres.url(state)).port or 5432)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._reads_port = reads_port
        self._admin = reads_port if self.instance == "session-1" else free_port()
        self._queue_kind = "quorum" if len(amqp_ports) > 1 else "classic"
        self._state = state
        self._log = logs / f"{self.instance}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._told = False

    async def start(self, **extra: str) -> None:
        """Start the process; ``extra`` goes into its environment. It isn't waited for."""
        if not self.amqp.port:
            await self.amqp.start()
            await self.database.start()
        told = services.environment(self.service, self._state)
        told |= {
            "UNSAID_INSTANCE": self.instance,
            "UNSAID_DATABASE_URL": through(told["UNSAID_DATABASE_URL"], self.database) + "?sslmode=disable",
            "UNSAID_AMQP_URL": through(told["UNSAID_AMQP_URL"], self.amqp),
            "UNSAID_ADMIN_PORT": str(self._admin),
            "UNSAID_QUEUE_KIND": self._queue_kind,
            **extra,
        }
        if self.service == "gateway":
            told |= {"UNSAID_PORT": str(self.port), "UNSAID_PUBLIC_URL": self.url}
            told["UNSAID_SESSION_URL"] = f"http://127.0.0.1:{self._reads_port}"
        self._process = self._spawn(told)
        self._told = False

    def _spawn(self, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                services.command(self.service),
                env=environment,
                cwd=REPO,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def died(self) -> int | None:
        """Its exit status, if it ended without being told to."""
        return None if self._told or self._process is None else self._process.poll()

    def send(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        await self.end(signal.SIGKILL)

    async def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Signal it, and wait until it is gone."""
        if self._process is not None:
            self._told = True
            self.send(sign)
            await asyncio.to_thread(self._process.wait, END_S)

    def reasons(self) -> str | None:
        """Why it isn't ready; None if it is."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}/readyz", timeout=2):
                return None
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace")
        except OSError as error:
            return type(error).__name__

    async def ready(self) -> None:
        """Until it says that it is ready."""
        reason: str | None = "not asked"
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_S):
                while (reason := await asyncio.to_thread(self.reasons)) is not None:  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.1)
                return
        raise AssertionError(f"{self.instance} isn't ready after {READY_S:.0f} s: {reason}")

    def metric(self, line: str) -> float:
        """The value of the metric that this line names, labels and all; 0 where there is none yet."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next((float(each.rsplit(" ", 1)[1]) for each in lines if each.startswith(line + " ")), 0.0)

    def memory_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    async def close(self) -> None:
        if self.alive:
            self.send(signal.SIGCONT)
            await self.kill()
        await self.amqp.stop()
        await self.database.stop()


class Stage:
    """All processes of one platform."""

    def __init__(
        self,
        home: Home,
        state: State,
        amqp_ports: list[int],
        postgres_home: Home | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.home = home
        self.state = state
        self._amqp_ports = amqp_ports
        self._reads_port = free_port()
        self.postgres_home = postgres_home or home
        self.cluster = cluster
        self.processes: dict[str, Process] = {}

    def __getitem__(self, instance: str) -> Process:
        return self.processes[instance]

    def add(self, service: Service, number: int) -> Process:
        process = Process(self.state, self.home.logs, service, number, self._amqp_ports, self._reads_port)
        self.processes[process.instance] = process
        return process

    @property
    def gateways(self) -> list[Process]:
        return [process for process in self.processes.values() if process.service == "gateway"]

    def pid(self, part: Part) -> int | None:
        """The process id of a server; None while there is none."""
        home = self.postgres_home if part == "postgres" else self.home
        return home.pid(part)

    def server(self, part: Part) -> int:
        """The process id of a server that is there."""
        pid = self.pid(part)
        assert pid is not None, f"{part} has no process"
        return pid

    def family(self, part: Part) -> list[int]:
        """A server's processes: Postgres has many."""
        pid = self.server(part)
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]

    async def begin(self) -> None:
        """Start one process of each service, and a second gateway, so that people meet across gateways."""
        await asyncio.to_thread(demo.ensure_tenant, self.state)
        for process in (self.add("gateway", 2), *(self.add(service, 1) for service in SERVICES)):
            await process.start()
        await self.well()

    async def well(self) -> None:
        """Until every process is ready."""
        for process in self.processes.values():
            await process.ready()

    async def restore(self) -> list[str]:
        """Lift what rules are left and start again what isn't there; what is to be said of what ended by itself."""
        told = []
        for process in self.processes.values():
            process.amqp.heal()
            process.database.heal()
            if process.alive:
                process.send(signal.SIGCONT)
                continue
            if (status := process.died) is not None:
                told.append(f"{process.instance} ended by itself with status {status}")
            await process.start()
        return told

    async def end(self) -> None:
        for process in self.processes.values():
            await process.close()
        kind = "three-brokers" if self.cluster else "plain" if self.postgres_home is self.home else "small-disk"
        kept = LOGS / kind
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.home.logs, kept)
