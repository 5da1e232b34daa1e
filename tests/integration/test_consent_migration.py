"""Decisions made before there was a log are taken into it, in the order of their times."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psycopg
import pytest_asyncio
import yoyo

from deploy.local import postgres
from deploy.local.home import REPO
from shared.transparency.merkle import Frontier, leaf_hash
from tests.support.platform import Platform

FOLDER = REPO / "services/consent/sql/migrations"
TENANTS = [str(uuid.uuid4()) for _ in range(2)]


@pytest_asyncio.fixture
async def scratch(platform: Platform) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"scratch_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres.url(platform.state))
    await connection.execute(f"create database {name}")
    try:
        yield postgres.database_url(platform.state, name)
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


def migrate(url: str, folder: Path, *, up_to: str = "9") -> None:
    with yoyo.get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1)) as backend:
        todo = backend.to_apply(yoyo.read_migrations(str(folder)))
        backend.apply_migrations(todo.filter(lambda migration: migration.id < up_to))


async def test_decisions_of_before_are_logged(scratch: str) -> None:
    migrate(scratch, FOLDER, up_to="0003")
    with psycopg.connect(scratch) as connection:
        for tenant, count in zip(TENANTS, (5, 2), strict=True):
            connection.execute(
                """with talk as (
                     insert into conversation (id, tenant, client, therapist)
                     values (gen_random_uuid(), %s, gen_random_uuid(), gen_random_uuid()) returning id, client)
                   insert into decision (conversation, id, participant, purpose, is_grant, epoch, at, via)
                   select id, gen_random_uuid(), client, 'live_text', false, n, '2026-01-01'::timestamptz + n * '1 s'
                   ::interval, 'device' from talk, generate_series(%s, 1, -1) n""",
                (tenant, count),
            )
    migrate(scratch, FOLDER)
    with psycopg.connect(scratch) as connection:
        for tenant, count in zip(TENANTS, (5, 2), strict=True):
            rows = connection.execute(
                "select decision_entry(d), leaf, epoch from decision d where tenant = %s order by leaf", (tenant,)
            ).fetchall()
            assert [(leaf, epoch) for _, leaf, epoch in rows] == [(n, n + 1) for n in range(count)]
            tree = Frontier()
            for entry, _, _ in rows:
                tree.append(leaf_hash(entry))
            known = Frontier()
            for row in connection.execute(
                "select hash from node where tenant = %s and level = 0 order by index", (tenant,)
            ):
                known.append(row[0])
            assert known.root() == tree.root()
