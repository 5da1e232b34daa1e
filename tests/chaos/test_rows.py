"""A few rows of the fault suite that take seconds; `./unsaid chaos` plays all of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos.row import play
from tests.chaos.rows import ROWS
from tests.chaos.stage import Stage
from tests.chaos.stages import plain

SEED = 4
QUICK = (
    "kill-gateway",
    "kill-session",
    "kill-consent",
    "kill-notes",
    "kill-postgres",
    "kill-rabbitmq",
    "service-in-statement",
    "cut-in-commit",
    "poison",
)

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with plain() as one:
        yield one


@pytest.mark.parametrize("name", QUICK)
async def test_nothing_is_lost_doubled_or_reordered(stage: Stage, name: str) -> None:
    row = next(row for row in ROWS if row.name == name)
    result = await play(stage, row, SEED)
    assert result.load.verdict.zero, result.load.verdict.reasons()
    assert result.load.read_back >= result.load.acknowledged > 0
