"""One row of the table of faults, and how it is played: break and heal what it names while the load goes on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from deploy.local.home import Part
from tests.chaos.load import CONVERSATIONS, PAUSE_S, WELL_S, Load
from tests.chaos.stage import Stage, StageKind

ROW_S = 150.0
RESTART_S = 60.0


class Scene:
    """What a fault has in hand."""

    def __init__(self, stage: Stage, load: Load) -> None:
        self.stage = stage
        self.load = load
        self.notes: list[str] = []

        self._beside: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], Awaitable[None]]] = []

    async def for_a_while(self, seconds: float) -> None:
        """Let the load meet the fault."""
        await asyncio.sleep(seconds)

    async def restarted(self, part: Part, old: int) -> None:
        """Until the supervisor has started another process in place of this one."""
        async with asyncio.timeout(RESTART_S):
            while self.stage.pid(part) in {None, old}:  # noqa: ASYNC110 - it can only be looked at
                await asyncio.sleep(0.05)

    def beside(self, work: Coroutine[None, None, None]) -> None:
        """Work that goes on beside the fault, until it is healed."""
        self._beside.append(asyncio.create_task(work))

    async def alone(self) -> None:
        beside, self._beside = self._beside, []
        for task in beside:
            task.cancel()
        for ended in await asyncio.gather(*beside, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    def on_end(self, end: Callable[[], Awaitable[None]]) -> None:
        """To be done when the row is over."""
        self._ends.append(end)

    async def end(self) -> None:
        while self._ends:
            await self._ends.pop()()


Fault = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """``fault`` breaks something and heals it."""

    name: str
    broken: str
    how: str
    healed: str
    fault: Fault
    conversations: int = CONVERSATIONS
    pause_s: float = PAUSE_S
    stage: StageKind = "plain"
    missing: Callable[[], str | None] = lambda: None
    """Why the row can't be played on this machine."""


@dataclass(frozen=True)
class Result:
    row: Row
    load: Load
    notes: list[str]
    well_s: float
    took_s: float


async def play(stage: Stage, row: Row, seed: int) -> Result:
    """One row, from a platform that is well to one that is well again."""
    began = time.monotonic()
    load = Load(stage, f"{seed} {row.name}", row.conversations, row.pause_s)
    scene = Scene(stage, load)
    well_s = float("nan")
    try:
        try:
            await load.begin()
            async with asyncio.timeout(ROW_S):
                await row.fault(scene)
            await scene.alone()
            well_s = await load.flowing(WELL_S)
            await stage.well()
            await load.judge()
        except Exception as error:  # noqa: BLE001 - whatever went wrong is told, and the other rows are played
            load.verdict.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        load.verdict.wrong += await stage.restore()
        await scene.alone()
        await load.end()
        await scene.end()
    return Result(row, load, scene.notes, well_s, time.monotonic() - began)
