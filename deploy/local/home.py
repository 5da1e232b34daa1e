"""The home folder: where everything of one local platform is, its secrets and its ports.

Nothing outside this folder is written, apart from packages that are installed.
"""

import base64
import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from deploy.local.trouble import Trouble

Part = Literal["postgres", "rabbitmq", "gateway", "session", "consent", "notes"]
Service = Literal["gateway", "session", "consent", "notes"]
QueueService = Literal["session", "consent", "notes"]
"""A service that has command queues."""
KeyService = Literal["gateway", "session"]
"""A service that seals or opens contents."""
KEY_SERVICES: tuple[KeyService, ...] = ("gateway", "session")
QUEUE_SERVICES: tuple[QueueService, ...] = ("session", "consent", "notes")
SERVICES: tuple[Service, ...] = ("gateway", "session", "consent", "notes")
PARTS: tuple[Part, ...] = ("postgres", "rabbitmq", *SERVICES)

REPO = Path(__file__).resolve().parents[2]

# AF_UNIX names are at most 104 bytes on macOS, 108 on Linux.
SOCKET_NAME_BYTES = 100


def _random() -> str:
    return secrets.token_urlsafe(24)


def derived(secret: str, purpose: str) -> str:
    """Another secret, made from a kept one, which it doesn't give away; for URLs."""
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), purpose.encode(), "sha256")).decode().rstrip("=")


def new_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


class Ports(BaseModel):
    """Defaults first; another one is taken, and kept, when a default isn't free."""

    gateway: int = 8080
    gateway_admin: int = 9100
    session_admin: int = 9101
    consent_admin: int = 9102
    notes_admin: int = 9103
    postgres: int = 54329
    rabbitmq: int = 5679
    rabbitmq_distribution: int = 25679
    epmd: int = 43690


class Queues(BaseModel):
    """How many command queues each service has; `./unsaid requeue` changes it."""

    session: int = Field(default=2, ge=1, le=1_024)
    consent: int = Field(default=1, ge=1, le=1_024)
    notes: int = Field(default=1, ge=1, le=1_024)

    def of(self, service: QueueService) -> int:
        number: int = getattr(self, service)
        return number


class State(BaseModel):
    """What has to stay the same from one `up` to the next. Its file holds secrets."""

    node: str = Field(default_factory=lambda: f"unsaid-{secrets.token_hex(4)}")
    cookie: str = Field(default_factory=_random)
    postgres_password: str = Field(default_factory=_random)
    amqp_password: str = Field(default_factory=_random)
    content_key: str = Field(default_factory=new_key)
    # Who has the key above all keys.
    key_provider: str = "file:keys.json"
    token_key: str = Field(default_factory=new_key)
    consent_log_key: str = Field(default_factory=new_key)
    consent_log_name: str = Field(default_factory=lambda: f"unsaid-{secrets.token_hex(4)}.local")
    client_id: str = "demo"
    client_secret: str = Field(default_factory=_random)
    ports: Ports = Field(default_factory=Ports)
    queues: Queues = Field(default_factory=Queues)
    # Whose database has yet to be told of a changed number of queues.
    requeueing: QueueService | None = None
    # Servers that were there already, instead of private ones.
    postgres_url: str | None = None
    amqp_url: str | None = None


class Home:
    """Paths of one home folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = folder / "local.json"
        self.state_file = folder / "state.json"
        self.keys_file = folder / "keys.json"
        self.pids = folder / "pids"
        self.logs = folder / "logs"
        self.starts = folder / "starts"
        self.postgres = folder / "postgres"
        self.rabbitmq = folder / "rabbitmq"
        self.supervisor_conf = folder / "supervisor.conf"
        self.supervisor_pid = folder / "supervisor.pid"

    @classmethod
    def from_environment(cls) -> "Home":
        return cls(Path(os.environ.get("UNSAID_HOME") or REPO / ".unsaid").expanduser().resolve())

    def make(self) -> None:
        """Make the folder, with its secrets, unless it is there. Another folder is never taken for it."""
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not self.state_file.exists():
            unfinished = _unfinished(self.state_file)
            if any(path != unfinished for path in self.folder.iterdir()):
                raise Trouble(
                    f"{self.folder} holds other things already", "name a new or an empty folder with UNSAID_HOME"
                )
            self.keep(State())
        if self.folder.stat().st_mode & 0o066:
            self.folder.chmod(0o700)
        for folder in (self.pids, self.logs, self.starts):
            folder.mkdir(exist_ok=True, mode=0o700)

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def pid(self, part: str) -> int | None:
        return self.number(self.pids / part)

    def number(self, path: Path) -> int | None:
        """What a file that holds one number says; None without it, or when it was never finished."""
        try:
            return int(path.read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def state(self) -> State | None:
        if not self.state_file.exists():
            return None
        try:
            return State.model_validate_json(self.state_file.read_bytes())
        except ValidationError:
            raise Trouble(
                f"{self.state_file} isn't what it was", "put it back, or forget everything with `./unsaid down --wipe`"
            ) from None

    def keep(self, state: State) -> None:
        write_private(self.state_file, state.model_dump_json(indent=1))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; another one waits."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def passable(self) -> None:
        """Let Postgres' own user pass through this folder to its data; it still can't be listed by others."""
        self.folder.chmod(0o711)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = _unfinished(path)
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_private(path, json.dumps(value, indent=1) + "\n")
