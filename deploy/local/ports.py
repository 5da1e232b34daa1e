"""Ports on the loopback interface: those kept from the last `up`, or the next free ones."""

import socket

from deploy.local.home import Ports
from deploy.local.trouble import Trouble

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


def choose(kept: Ports) -> tuple[Ports, list[str]]:
    """The ports to use, and what to tell about those that had to be others."""
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    told: list[str] = []
    for name, wanted in kept.model_dump().items():
        port = next((port for port in range(wanted, min(wanted + TRIES, 65_536)) if _usable(port, taken)), None)
        if port is None:
            raise Trouble(
                f"no free port for {name} from {wanted} to {wanted + TRIES}", "end some of what listens there"
            )
        if port != wanted:
            told.append(f"port {wanted} ({name.replace('_', ' ')}) is taken; using {port}")
        chosen[name] = port
        taken.add(port)
    return Ports(**chosen), told


def _usable(port: int, taken: set[int]) -> bool:
    return port not in taken and is_free(port)
