"""The pause between batches (docs/adr/0004-pace.md): the fuller they are, the longer."""

import asyncio

LEAST_S = 0.004
EACH_S = 0.002
MOST_S = 0.012


async def pace(began: float, several: int) -> None:
    """Wait until the next batch may begin, after one of ``several`` commands that began at this loop time."""
    until = began + min(MOST_S, LEAST_S + EACH_S * max(0, several - 1))
    await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
