"""The databases on this machine: one for each service, and one for keys.

Each has an owner, who migrates, and roles that serve from it and own nothing (docs/adr/0013-roles-and-tenants.md).
"""

from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from deploy.local import keystore, postgres
from deploy.local.home import REPO, SERVICES, State
from deploy.local.trouble import FULL, Trouble
from shared.runtime import migrations
from shared.runtime.keys.store import FOLDER

TAKE_OVER = REPO / "deploy" / "postgres" / "take-over.sql"
CONNECT_S = 5

Admin = psycopg.Connection[tuple[object, ...]]


def folder(database: str) -> Path:
    """A database's migrations."""
    return (FOLDER if database == postgres.KEYS else REPO / "services" / database / "sql") / "migrations"


def prepare(state: State) -> None:
    """Make what isn't there, and bring it up to date. A lost key is never replaced by another."""
    try:
        with psycopg.connect(postgres.url(state), autocommit=True, connect_timeout=CONNECT_S) as admin:
            keystore.need_key(state, new=not _is_there(admin, postgres.KEYS))
            for database in (*SERVICES, postgres.KEYS):
                _make(admin, state, database)
        for database in (*SERVICES, postgres.KEYS):
            _take_over(state, database)
            migrations.apply(SecretStr(postgres.owner_url(state, database)), folder(database))
    except psycopg.errors.DiskFull:
        raise Trouble("the disk is full", FULL) from None
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        mend = (
            "UNSAID_POSTGRES_URL must name a user that may create databases and roles"
            if state.postgres_url
            else "`./unsaid logs postgres` says more"
        )
        raise Trouble(f"the databases can't be made: {reason}", mend) from None


def _is_there(admin: Admin, database: str) -> bool:
    return bool(admin.execute("select from pg_database where datname = %s", (database,)).rowcount)


def _make(admin: Admin, state: State, database: str) -> None:
    """The owner's role has its database's name."""
    for role in (database, *postgres.serving(database)):
        known = admin.execute("select from pg_roles where rolname = %s", (role,)).rowcount
        verb, password = sql.SQL("alter" if known else "create"), sql.Literal(postgres.password(state, role))
        admin.execute(sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(role), password))
    named = sql.Identifier(database)
    if admin.info.parameter_status("is_superuser") != "on":  # who makes a role may become it
        admin.execute(sql.SQL("grant {} to current_user").format(named))
    change = "alter database {0} owner to {0}" if _is_there(admin, database) else "create database {0} owner {0}"
    admin.execute(sql.SQL(change).format(named))
    admin.execute(sql.SQL("revoke all on database {} from public").format(named))
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in postgres.serving(database))
    admin.execute(sql.SQL("grant connect on database {} to {}").format(named, roles))


def _take_over(state: State, database: str) -> None:
    with psycopg.connect(postgres.database_url(state, database), connect_timeout=CONNECT_S) as admin:
        admin.execute("select set_config('unsaid.owner', %s, true)", (database,))
        admin.execute(TAKE_OVER.read_bytes())
