"""The pacer goes on whatever one conversation's tally is like, and when the database is away for a moment."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from services.session.handlers import pacer as module
from services.session.handlers.appending import Appender
from services.session.handlers.pacer import Pacer
from shared.contracts.envelope import Envelope
from shared.runtime import tenants


class Trying(Pacer):
    """Says what it was to roll up, and fails at one of them."""

    def __init__(self, appender: Appender, bad: str, error: Exception) -> None:
        super().__init__(None, None, appender)  # type: ignore[arg-type]
        self.done: list[str] = []
        self.bad, self.error = bad, error

    async def _step(self, _: Any, grown: Mapping[str, str]) -> list[tuple[str, Envelope]]:
        if self.bad in grown:
            raise self.error
        self.done += grown
        return []


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def transaction(_: object, __: Iterable[str], ___: float) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(tenants, "transaction", transaction)
    monkeypatch.setattr(module, "EVERY_S", 0.0)


async def run(pacer: Pacer, rounds: int = 20) -> None:
    task = asyncio.create_task(pacer.run())
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("error", [KeyError("a figure"), asyncpg.NumericValueOutOfRangeError()], ids=type)
async def test_a_bad_tally_keeps_no_other_from_being_told(error: Exception) -> None:
    appender = Appender()
    appender.grown.update(dict.fromkeys(("a", "b", "c", "d"), "tenant"))
    pacer = Trying(appender, "b", error)
    await run(pacer)
    assert pacer.done == ["a", "c", "d"]
    assert not appender.grown  # it is left out until it grows again


async def test_while_the_database_is_away_nothing_is_lost() -> None:
    appender = Appender()
    appender.grown.update(dict.fromkeys(("a", "b", "c"), "tenant"))
    pacer = Trying(appender, "b", TimeoutError())
    await run(pacer)
    assert (pacer.done, set(appender.grown)) == ([], {"a", "b", "c"})
    pacer.bad = ""
    await run(pacer)
    assert (sorted(pacer.done), appender.grown) == (["a", "b", "c"], {})
