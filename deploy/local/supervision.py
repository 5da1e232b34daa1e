"""supervisord, which starts the parts, restarts those that die, and ends them in order.

In: the home folder. Out: ``supervisor.conf`` in it, a daemon that listens on a unix socket, and what it says.
"""

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.home import PARTS, REPO, SERVICES, SOCKET_NAME_BYTES, Home, Part, write_private
from deploy.local.processes import starts, wait_gone
from deploy.local.trouble import Trouble

START_S = 15
SUFFIX_BYTES = 12  # supervisord adds its process id while it opens the socket

# What stops a part in order, and how long it may take.
STOPS: dict[Part, tuple[str, int]] = {"postgres": ("INT", 30), "rabbitmq": ("TERM", 40)}
SERVICE_STOP = ("TERM", 20)
BUSY = {"STARTING", "RUNNING", "BACKOFF", "STOPPING"}


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One line of `./unsaid status`."""

    name: Part
    state: str
    pid: int | None
    uptime_s: int
    restarts: int

    @property
    def running(self) -> bool:
        return self.state in {"RUNNING", "STARTING"}

    @property
    def failing(self) -> bool:
        return self.state in {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}


class Supervisor:
    """The supervisor of one home folder."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._socket = _socket_path(home)

    def alive(self) -> bool:
        """Whether it runs: the process of the pid file must be this home's supervisord, not a successor of its id."""
        pid = self.home.number(self.home.supervisor_pid)
        if pid is None:
            return False
        try:
            return str(self.home.supervisor_conf) in psutil.Process(pid).cmdline()
        except psutil.Error:
            return False

    def start(self) -> None:
        """Start the daemon with every part known and none started."""
        write_private(self.home.supervisor_conf, _config(self.home, self._socket))
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        if self._socket.parent.stat().st_uid != os.getuid():
            raise Trouble(f"{self._socket.parent} belongs to somebody else", "use a shorter path for UNSAID_HOME")
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.home.supervisor_conf)]
        environment = {**os.environ, "UNSAID_HOME": str(self.home.folder)}
        done = subprocess.run(
            command, cwd=REPO, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise Trouble(f"the supervisor didn't start: {done.stderr.strip()}", f"see {self.home.log('supervisor')}")
        end = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > end:
                raise Trouble("the supervisor doesn't answer", f"see {self.home.log('supervisor')}")
            time.sleep(0.05)

    def start_part(self, name: Part) -> None:
        """Start a part unless it is running already; don't wait for it."""
        if self.part(name).state not in BUSY:
            self._call("startProcess", name, False)  # noqa: FBT003 - XML-RPC has no keywords

    def part(self, name: Part) -> PartStatus:
        return next(each for each in self.parts() if each.name == name)

    def parts(self) -> list[PartStatus]:
        answer: list[dict[str, Any]] = self._call("getAllProcessInfo")
        by_name = {each["name"]: each for each in answer}
        return [
            PartStatus(
                name=name,
                state=by_name[name]["statename"],
                pid=by_name[name]["pid"] or None,
                uptime_s=max(0, by_name[name]["now"] - by_name[name]["start"]) if by_name[name]["pid"] else 0,
                restarts=max(0, starts(self.home, name) - 1),
            )
            for name in PARTS
        ]

    def stop(self) -> None:
        """Stop the services, then what they stand on, then the supervisor; return when all are gone."""
        pid = self.home.number(self.home.supervisor_pid)
        for group in (SERVICES, tuple(STOPS)):
            self.stop_parts(group)
        self._call("shutdown")
        wait_gone(pid, START_S)

    def stop_parts(self, names: Sequence[Part]) -> None:
        """Stop these in order; return when they are gone."""
        for name in names:
            if self.part(name).state in BUSY:
                self._call("stopProcess", name, False)  # noqa: FBT003
        self._wait_stopped(names)

    def _wait_stopped(self, names: Sequence[Part]) -> None:
        while any(each.state in BUSY for each in self.parts() if each.name in names):
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self._call("getState")
        except (Trouble, OSError):
            return False
        return True

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever XML-RPC gives
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            return getattr(server.supervisor, method)(*arguments)
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise Trouble("the supervisor doesn't answer", "run `./unsaid down`, then `./unsaid up`") from error
        finally:
            transport.close()


def _socket_path(home: Home) -> Path:
    path = home.folder / "supervisor.sock"
    if len(os.fsencode(path)) + SUFFIX_BYTES <= SOCKET_NAME_BYTES:
        return path
    short = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"unsaid-{os.getuid()}-{short}" / "supervisor.sock"


def _config(home: Home, socket: Path) -> str:
    def text(value: object) -> str:
        return str(value).replace("%", "%%")

    sections = [
        f"""[unix_http_server]
file={text(socket)}
chmod=0700

[supervisord]
logfile={text(home.log("supervisor"))}
logfile_maxbytes=1MB
logfile_backups=1
pidfile={text(home.supervisor_pid)}
directory={text(REPO)}
umask=077
{"user=root" if os.geteuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for name in PARTS:
        stop_signal, stop_s = STOPS.get(name, SERVICE_STOP)
        command = shlex.join([sys.executable, "-m", "deploy.local.launch", name])
        # It starts a part again as often as needed, each time waiting a second longer while it dies at once.
        sections.append(f"""[program:{name}]
command={text(command)}
autostart=false
autorestart=true
startsecs=2
startretries=1000000
stopsignal={stop_signal}
stopwaitsecs={stop_s}
killasgroup=true
redirect_stderr=true
stdout_logfile={text(home.log(name))}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
""")
    return "\n".join(sections)
