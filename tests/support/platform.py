"""A whole platform of its own for the tests, started by the one door: `./unsaid up`."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import services
from deploy.local.home import REPO, SERVICES, Home, Part, Service, State

START_S = 180
READY_S = 45.0


@dataclass(frozen=True)
class Platform:
    """Where it is, and ways to disturb it."""

    gateway: str
    client_id: str
    client_secret: str
    home: Path

    @property
    def state(self) -> State:
        return State.model_validate_json(Home(self.home).state_file.read_text())

    def environment(self, service: Service) -> dict[str, str]:
        """The settings of one service, as the supervisor gives them."""
        return services.environment(service, self.state)

    def pid(self, name: Part) -> int:
        return int((self.home / "pids" / name).read_text())

    def kill(self, name: Part, sign: signal.Signals = signal.SIGKILL) -> int:
        pid = self.pid(name)
        os.kill(pid, sign)
        return pid

    def children(self, name: Part) -> list[int]:
        """Processes below a part, such as Postgres' own."""
        return [child.pid for child in psutil.Process(self.pid(name)).children(recursive=True)]

    @staticmethod
    def signal(pid: int, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)

    def ready(self, name: Service) -> tuple[bool, dict[str, str]]:
        """Whether a service is ready, and its reasons if not."""
        try:
            with urllib.request.urlopen(services.admin_url(name, self.state, "readyz"), timeout=2) as answer:
                return True, json.load(answer)["reasons"]
        except urllib.error.HTTPError as error:
            return False, json.load(error)["reasons"]
        except OSError as error:
            return False, {"process": type(error).__name__}

    async def until_ready(self, *names: Service, ready: bool = True) -> None:
        """Until these services say that they are ready, or that they aren't."""
        async with asyncio.timeout(READY_S):
            for name in names or SERVICES:
                while (await asyncio.to_thread(self.ready, name))[0] is not ready:  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.1)

    async def until_restarted(self, name: Part, old: int) -> None:
        """Until the supervisor has started another process in place of this one."""
        async with asyncio.timeout(READY_S):
            while True:
                with suppress(FileNotFoundError, ValueError):
                    if self.pid(name) != old:
                        return
                await asyncio.sleep(0.05)

    def tenant(
        self,
        *,
        rate_factor: int = 10,
        origins: tuple[str, ...] = (),
        obscure: str = "offered",
        away: dict[str, str] | None = None,
    ) -> tuple[str, str]:
        """Another tenant; its client id and secret."""
        name, secret = f"t-{uuid.uuid4()}", str(uuid.uuid4())
        body = {
            "name": name,
            "client_id": name,
            "client_secret": secret,
            "origins": origins,
            "rate_factor": rate_factor,
            "obscure": obscure,
            "away": away or {},
        }
        services.run_verb("gateway", "ensure-tenant", body, self.state).check_returncode()
        return name, secret


@contextmanager
def started() -> Iterator[Platform]:
    """A platform in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="un", dir="/tmp") as folder:  # unix sockets need short names
        home = Path(folder) / "h"
        environment = {**os.environ, "UNSAID_HOME": str(home)}
        run = [sys.executable, str(REPO / "unsaid")]
        done = subprocess.run(
            [*run, "up", "--detach"],
            env=environment,
            cwd=REPO,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        try:
            assert done.returncode == 0, f"./unsaid up failed: {done.stdout[-1500:]} {done.stderr[-1500:]}"
            local = json.loads((home / "local.json").read_text())
            yield Platform(local["gateway"], local["client_id"], local["client_secret"], home)
        finally:
            subprocess.run(
                [*run, "down", "--wipe"], env=environment, cwd=REPO, capture_output=True, timeout=START_S, check=False
            )
