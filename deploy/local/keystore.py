"""The key store on this machine: its database, the roles that may use it, and the key above all keys in a file."""

import asyncio
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from deploy.local import postgres
from deploy.local.home import KEY_SERVICES, State
from deploy.local.trouble import FULL, Trouble
from shared.contracts.errors import Unavailable
from shared.runtime import migrations
from shared.runtime.keys.providers import FileProvider
from shared.runtime.keys.store import FOLDER


def prepare(state: State) -> None:
    """Make what isn't there, and bring it up to date. A lost key is never replaced by another."""
    try:
        with psycopg.connect(postgres.url(state), autocommit=True, connect_timeout=5) as connection:
            new = not connection.execute("SELECT FROM pg_database WHERE datname = %s", (postgres.KEYS,)).rowcount
            _make_roles(connection, state)
            _need_key(state, new=new)
            if new:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(postgres.KEYS)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM public").format(sql.Identifier(postgres.KEYS)))
            for service in KEY_SERVICES:
                names = sql.Identifier(postgres.KEYS), sql.Identifier(postgres.keys_role(service))
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*names))
        migrations.apply(SecretStr(postgres.database_url(state, postgres.KEYS)), FOLDER / "migrations")
    except psycopg.errors.DiskFull:
        raise Trouble("the disk is full", FULL) from None
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        mend = (
            "UNSAID_POSTGRES_URL must name a user that may create databases and roles"
            if state.postgres_url
            else "`./unsaid logs postgres` says more"
        )
        raise Trouble(f"the key store can't be made: {reason}", mend) from None


def _make_roles(connection: "psycopg.Connection[tuple[object, ...]]", state: State) -> None:
    passwords = {"gateway": state.keys_gateway_password, "session": state.keys_session_password}
    for service in KEY_SERVICES:
        role = postgres.keys_role(service)
        there = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount
        verb = sql.SQL("ALTER" if there else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(passwords[service]))
        )


def _need_key(state: State, *, new: bool) -> None:
    kind, _, path = state.key_provider.partition(":")
    if kind != "file" or Path(path).exists():
        return
    if not new:
        raise Trouble(
            f"{path} is gone, and with it the key that opens all others",
            "put it back from your backup; without it nothing that was said can be read",
        )
    try:
        asyncio.run(FileProvider(Path(path)).rotate())
    except Unavailable:
        raise Trouble(f"{path} can't be written", "look at the folder's rights") from None
