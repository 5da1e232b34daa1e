"""Which command a process had in its hands when it died: noted before it is tried, only for what is redelivered.

The first time a batch comes back, all of it is noted and tried together once more: mostly the process died of something
else. If that dies too, each of its commands is noted and tried alone, and one that was alone in the hands of `DEATHS`
dead processes isn't tried again. So an innocent command is never blamed for its neighbour.
"""

from collections.abc import Sequence
from pathlib import Path

from shared.runtime.postgres import Pool, Queries

DEATHS = 3

_sql = Queries(Path(__file__).parent / "sql" / "suspects.sql")


class Suspects:
    """The notes, in the service's own database; each is committed by itself before its command is tried."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def noted(self, commands: Sequence[str]) -> dict[str, int]:
        """Those that were there when a process died, with how often each was there alone."""
        rows = await self._pool.fetch(_sql["noted"], commands)
        return {str(row["command"]): row["alone"] for row in rows}

    async def note_all(self, commands: Sequence[str]) -> None:
        await self._pool.execute(_sql["note_all"], commands)

    async def note_alone(self, command: str) -> None:
        await self._pool.execute(_sql["note_alone"], command)

    async def clear(self, commands: Sequence[str]) -> None:
        """They were applied, put aside, or given back by a process that lives."""
        await self._pool.execute(_sql["clear"], commands)
