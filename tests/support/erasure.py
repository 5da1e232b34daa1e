"""Erasing conversations, and what backups hold of them."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any, Literal

import asyncpg

from deploy.local import postgres
from tests.support.instances import database
from tests.support.participants import Conversation
from tests.support.platform import Platform

WAIT_S = 30.0


def path(talk: Conversation, rest: str = "") -> str:
    return f"/v1/conversations/{talk.id}{rest}"


async def erase(talk: Conversation) -> dict[str, Any]:
    status, body = await talk.partner.ask("DELETE", path(talk))
    assert status == 202, body
    return body


async def tenant_of(platform: Platform, talk: Conversation) -> str:
    session = await database(platform, "session")
    try:
        return str(await session.fetchval("select tenant from conversation where id = $1", talk.id))
    finally:
        await session.close()


async def until(connection: "asyncpg.Connection[asyncpg.Record]", query: str, *args: object) -> None:
    """Until a query's value is true; another process sees to it."""
    async with asyncio.timeout(WAIT_S):
        while not await connection.fetchval(query, *args):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def caches_expired(platform: Platform, talk: Conversation) -> None:
    """Let the 5 minutes pass in which a process may still have the keys, and wait until it is said to be done."""
    session = await database(platform, "session")
    await until(session, "select keys_destroyed_at is not null from conversation where id = $1", talk.id)
    await session.execute(
        "update conversation set keys_destroyed_at = keys_destroyed_at - interval '303 s' where id = $1", talk.id
    )
    await until(session, "select erasure_done_at is not null from conversation where id = $1", talk.id)
    await session.close()


def dump(platform: Platform, name: str, how: Literal["custom", "plain"] = "custom") -> Path:
    """``pg_dump`` of one of the platform's databases."""
    file = platform.home / f"{name}.{how}"
    program = postgres.programs() / "pg_dump"
    command = [str(program), f"--format={how}", f"--file={file}", postgres.database_url(platform.state, name)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return file


async def restore(platform: Platform, file: Path, into: str) -> "asyncpg.Connection[asyncpg.Record]":
    admin = await asyncpg.connect(postgres.url(platform.state))
    await admin.execute(f'create database "{into}"')
    await admin.close()
    program = postgres.programs() / "pg_restore"
    address = postgres.database_url(platform.state, into)
    command = [str(program), "--no-owner", f"--dbname={address}", str(file)]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    return await asyncpg.connect(address)
