"""Which command a process had in its hands when it died: noted before it is tried, only for what is redelivered.

The first time a batch comes back, all of it is noted and tried together once more: mostly the process died of something
else. If that dies too, each of its commands is noted and tried alone, and one that was alone in the hands of `DEATHS`
dead processes isn't tried again. So an innocent command is never blamed for its neighbour.
"""

from collections.abc import Sequence
from pathlib import Path

from shared.contracts.envelope import Command
from shared.runtime.postgres import Pool, Queries

DEATHS = 3

_sql = Queries(Path(__file__).parent / "sql" / "suspects.sql")


class Suspects:
    """The notes, in the service's own database; each is committed by itself before its command is tried."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def together(self, commands: Sequence[Command]) -> bool:
        """Whether to try them together, which is noted: none was in anybody's hands when it died."""
        ids = [command.id for command in commands]
        if await self._pool.fetchval(_sql["any_noted"], ids):
            return False
        await self._pool.execute(_sql["note_all"], ids)
        return True

    async def alone(self, command: Command) -> bool:
        """Whether to try this one by itself, which is noted; not after so many deaths."""
        return int(await self._pool.fetchval(_sql["note_alone"], command.id)) <= DEATHS

    async def clear(self, commands: Sequence[Command]) -> None:
        """They were applied, put aside, or given back by a process that lives."""
        await self._pool.execute(_sql["clear"], [command.id for command in commands])
