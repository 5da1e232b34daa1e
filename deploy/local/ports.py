"""Ports on the loopback interface: those kept from the last `up`, or other free ones."""

import fcntl
import os
import random
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.local.home import Ports
from deploy.local.trouble import Trouble

# Below those that systems give to connections. Random, so that two that start at once seldom choose the same.
OTHERS = range(20_000, 32_000)
TRIES = 200


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do, so that a connection that is only timing out doesn't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def claim(port: int, claims: ExitStack) -> bool:
    """Whether this process may use a port that is free, until ``claims`` are closed: nobody else is about to.

    Between choosing a port and listening on it lie seconds, in which another `up` would find it free as well.
    """
    folder = Path(tempfile.gettempdir()) / f"unsaid-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = (folder / str(port)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    claims.enter_context(file)
    return is_free(port)


def choose(kept: Ports, claims: ExitStack) -> tuple[Ports, list[str]]:
    """The ports to use, claimed, and what to tell about those that had to be others."""
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    told: list[str] = []
    for name, wanted in kept.model_dump().items():
        candidates = (wanted, *random.sample(OTHERS, TRIES))
        port = next((port for port in candidates if port not in taken and claim(port, claims)), None)
        if port is None:
            raise Trouble(f"no free port for {name.replace('_', ' ')} was found", "end some of what listens here")
        if port != wanted:
            told.append(f"port {wanted} ({name.replace('_', ' ')}) is taken; using {port}")
        chosen[name] = port
        taken.add(port)
    return Ports(**chosen), told
