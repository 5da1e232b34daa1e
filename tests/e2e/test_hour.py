"""A talk of an hour's shape uses every feature; that the session service dies thrice on the way changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import get_args

import pytest

from shared.contracts import features
from tests.support.consent_log import new_tenant
from tests.support.hour import Script
from tests.support.instances import database
from tests.support.platform import Platform

HELD_S = 5.0


def kinds(union: object) -> set[str]:
    """The types of the frames of a union."""
    return {kind for frame in get_args(union) for kind in get_args(frame.model_fields["type"].annotation)}


class Killer:
    """Kills the session service in the middle of what it is asked, which waits until it is back."""

    def __init__(self) -> None:
        self.killed: list[str] = []

    async def __call__(self, script: Script, asked: Awaitable[None]) -> None:
        """Its transaction has begun, and waits for the conversation's row, which somebody else has: this test."""
        platform = script.platform
        await platform.until_ready("session")
        async with self._holding(script) as holder:
            asking = asyncio.ensure_future(asked)
            async with asyncio.timeout(HELD_S):
                while not (query := await self._waiting(platform, holder)):  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.01)
            pid = platform.kill("session")
            assert not asking.done()
            self.killed.append(query)
            await platform.until_restarted("session", pid)
        await asking

    @staticmethod
    @asynccontextmanager
    async def _holding(script: Script) -> AsyncIterator[int]:
        """Hold the conversation's row; the process of Postgres that does."""
        connection = await database(script.platform, "session")
        try:
            async with connection.transaction():
                await connection.execute("select from conversation where id = $1 for update", script.talk.id)
                yield connection.get_server_pid()
        finally:
            await connection.close()

    @staticmethod
    async def _waiting(platform: Platform, holder: int) -> str | None:
        """What is kept waiting by this connection."""
        looking = await database(platform, "session")
        sql = "select query from pg_stat_activity where $1::int = any(pg_blocking_pids(pid))"
        found: str | None = await looking.fetchval(sql, holder)
        await looking.close()
        return found


async def lives(_: Script, asked: Awaitable[None]) -> None:
    await asked


@pytest.mark.timeout(300)
async def test_an_hour_with_the_service_killed_three_times_ends_like_one_without(platform: Platform) -> None:
    ends = []
    dies = Killer()
    for in_hand in (lives, dies):
        async with new_tenant(platform) as tenant:
            talk = await tenant.partner.conversation()
            ends.append(await Script(platform, talk, in_hand).play())
            sent = {kind for one in talk.here for kind in one.sent}
            heard = {frame["type"] for one in talk.here for frame in one.seen}
            await talk.leave()
        # A feature that the script forgets would be tried by nobody while the service dies.
        assert kinds(features.ClientFrame) - sent == set()
        assert kinds(features.ServerFrame) - heard <= {"safety.alert"}
    assert len(dies.killed) == 3
    whole, interrupted = ends
    for part, found in whole.items():
        assert interrupted[part] == found, part
    assert "at dawn" in json.dumps(whole["stands"])
