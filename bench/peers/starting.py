"""What every peer's start needs."""

import socket
import subprocess
import time
from pathlib import Path

from deploy.local.trouble import Trouble

START_S = 60


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait(name: str, process: "subprocess.Popen[bytes]", port: int, out: Path | None = None) -> None:
    """Until it listens. Raises `Trouble`, with the end of what it said."""
    until = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                said = out.read_text(errors="replace")[-500:].strip() if out else ""
                raise Trouble(f"{name} doesn't start: {said}", "run the same command again") from None
            time.sleep(0.1)
        else:
            return
