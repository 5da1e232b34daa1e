"""Another gateway beside the platform's own, so that what crosses between two can be seen."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException

from deploy.local import loopback, services
from deploy.local.home import REPO, State
from deploy.local.trouble import Trouble

START_S, END_S = 60, 30


@dataclass(frozen=True)
class Gateway:
    url: str
    pid: int


@contextmanager
def another_gateway(state: State) -> Iterator[Gateway]:
    """One more, ended afterwards. Raises `Trouble`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {"UNSAID_INSTANCE": "gateway-2", "UNSAID_ADMIN_PORT": "0", "UNSAID_PORT": str(port)}
    process = subprocess.Popen(
        services.command("gateway"),
        env=services.environment("gateway", state) | told,
        cwd=REPO,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _until_ready(url)
        yield Gateway(url, process.pid)
    finally:
        process.terminate()
        process.wait(END_S)


def _until_ready(url: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with suppress(OSError, HTTPException):
            loopback.get(f"{url}/readyz")
            return
        time.sleep(0.1)
    raise Trouble("the second gateway isn't ready", "try again; the machine may be busy")
