"""ejabberd 23.01 of Debian, its archive in a Postgres of the platform's kind.

Its Erlang program is called directly, with our own configuration and folders, so that nothing of the machine's own
ejabberd is read or changed.
"""

import base64
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench import machine, platform
from bench.load import NUMBER, Side, connect, text
from bench.peers.starting import free_port, wait
from deploy.local import apt, postgres
from deploy.local.home import State
from deploy.local.processes import end
from deploy.local.progress import step
from deploy.local.trouble import Trouble

PACKAGES = ("ejabberd", "erlang-p1-pgsql")
UNITS = ("ejabberd.service", "epmd.service", "epmd.socket")
SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
TEMPLATE = Path(__file__).with_suffix(".yml")
PASSWORD = "pw"
JID = re.compile(r"<jid>(.*?)</jid>")


@dataclass(frozen=True)
class Peer:
    url: str
    roots: Mapping[str, int]
    database: str

    def archived(self) -> int:
        """Rows in its archive: two for each message, one for each side."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute("SELECT count(*) FROM archive").fetchone()
            return int(row[0]) if row else 0


def need() -> None:
    """Install it, unless it is here; the machine's own service stays off."""
    for package in PACKAGES:
        if subprocess.run(["dpkg", "-s", package], capture_output=True, check=False).returncode == 0:
            continue
        reason = apt.missing()
        if reason is None:
            with step(f"installing {package}"):
                reason = apt.install(package, UNITS if package == "ejabberd" else ())
        if reason:
            raise Trouble(f"{package} can't be installed: {reason}", f"`sudo apt-get install {' '.join(PACKAGES)}`")


@contextmanager
def temporary(accounts: int, *, pinned: bool) -> Iterator[Peer]:
    """A running ejabberd with accounts u0, u1, …, forgotten afterwards."""
    need()
    with platform.temporary(("postgres",), pinned=pinned) as (home, state):
        _fill(state, accounts)
        folder = Path(tempfile.mkdtemp(prefix="ub"))
        try:
            with machine.on_core(machine.SERVERS, pinned=pinned):
                process, port = _start(state, folder)
            try:
                wait("ejabberd", process, port, folder / "out")
                roots = {"ejabberd": process.pid, **platform.roots(home, ("postgres",))}
                yield Peer(f"ws://127.0.0.1:{port}/ws", roots, postgres.database_url(state, "ejabberd"))
            finally:
                tree = psutil.Process(process.pid)
                end([tree, *tree.children(recursive=True)])
                process.wait(10)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _fill(state: State, accounts: int) -> None:
    with psycopg.connect(postgres.url(state), autocommit=True) as connection:
        connection.execute("CREATE DATABASE ejabberd")
    with psycopg.connect(postgres.database_url(state, "ejabberd")) as connection:
        connection.execute(SCHEMA.read_bytes())
        for number in range(accounts):
            connection.execute("INSERT INTO users (username, password) VALUES (%s, %s)", (f"u{number}", PASSWORD))


def _start(state: State, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    config = folder / "ejabberd.yml"
    known = {"user": postgres.USER, "password": state.postgres_password, "postgres_port": state.ports.postgres}
    config.write_text(TEMPLATE.read_text().format(port=port, **known))
    config.chmod(0o600)
    # No distribution: it needs no port mapper then, and no name that another one may have.
    command = [
        "erl",
        "-noinput",
        "+K",
        "true",
        "+P",
        "250000",
        "-mnesia",
        "dir",
        f'"{folder}/mnesia"',
        "-s",
        "ejabberd",
    ]
    environment = {
        **os.environ,
        "HOME": str(folder),
        "EJABBERD_CONFIG_PATH": str(config),
        "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
        "ERL_LIBS": str(_libraries()),
        "ERL_MAX_PORTS": "32000",
        "ERL_CRASH_DUMP_BYTES": "0",
    }
    with (folder / "out").open("wb") as out:
        return subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        ), port


def _libraries() -> Path:
    """Where Debian puts Erlang programs of its own packages; the folder is named after the machine's kind."""
    for found in Path("/usr/lib").glob("*-linux-gnu/ejabberd-*"):
        return found.parent
    raise Trouble("ejabberd's own files are missing", f"`sudo apt-get install --reinstall {' '.join(PACKAGES)}`")


class XmppSide(Side):
    """One account over RFC 7395; an archived chat message has no acknowledgement of its own, so only arrivals count."""

    def __init__(self, user: str) -> None:
        super().__init__()
        self._user = user
        self.peer = ""

    def greet(self) -> None:
        self.write('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>')

    def receive(self, data: bytes) -> None:
        if self.ready.done():
            if b'type="error"' in data or b"type='error'" in data:
                self.account.refuse("error")
            elif found := NUMBER.search(data):
                self.account.arrive(int(found.group(1)))
            return
        self._greeted(data.decode())

    def _greeted(self, said: str) -> None:
        if "PLAIN" in said:
            token = base64.b64encode(f"\0{self._user}\0{PASSWORD}".encode()).decode()
            self.write(f'<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{token}</auth>')
        elif "<success" in said:
            self.greet()
        elif "urn:ietf:params:xml:ns:xmpp-bind" in said and "<jid>" not in said:
            bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>b</resource></bind>'
            self.write(f'<iq type="set" id="b" xmlns="jabber:client">{bind}</iq>')
        elif JID.search(said):
            self.ready.set_result(None)
        elif "failure" in said:
            self.ready.set_exception(Trouble("ejabberd refused a login", "run the same command again"))

    def send(self, number: int) -> None:
        self.write(
            f'<message xmlns="jabber:client" to="{self.peer}" type="chat" id="m{number}">'
            f"<body>{text(number)}</body></message>"
        )


class XmppLiveSide(XmppSide):
    """Live text by XEP-0301; it isn't archived."""

    def send(self, number: int) -> None:
        typed = f'<t p="12">{text(number)[:10]}</t>'
        self.write(
            f'<message xmlns="jabber:client" to="{self.peer}" type="chat" id="m{number}">'
            f'<rtt xmlns="urn:xmpp:rtt:0" seq="{number}">{typed}</rtt><no-store xmlns="urn:xmpp:hints"/></message>'
        )


async def connected(peer: Peer, pairs: int, kind: type[XmppSide]) -> list[Side]:
    sides: list[Side] = []
    for number in range(2 * pairs):
        side = kind(f"u{number}")
        side.peer = f"u{number ^ 1}@localhost/b"
        await connect(side, peer.url, "xmpp")
        sides.append(side)
    return sides
