"""The table of faults: one row each. `play` breaks and heals what a row names while the load goes on."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from deploy.local.home import Part
from tests.chaos.load import WELL_S, Load
from tests.chaos.stage import Stage

ROW_S = 150.0
UNDER_LOAD_S = 2.0


class Scene:
    """What a fault has in hand."""

    def __init__(self, stage: Stage, load: Load) -> None:
        self.stage = stage
        self.load = load
        self.notes: list[str] = []

    async def for_a_while(self, seconds: float) -> None:
        """Let the load meet the fault."""
        await asyncio.sleep(seconds)


Fault = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """``fault`` breaks something and heals it."""

    name: str
    broken: str
    how: str
    healed: str
    fault: Fault
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
    load = Load(stage, f"{seed} {row.name}")
    scene = Scene(stage, load)
    well_s = float("nan")
    try:
        try:
            await load.begin()
            async with asyncio.timeout(ROW_S):
                await row.fault(scene)
            well_s = await load.flowing(WELL_S)
            await stage.well()
            await load.judge()
        except (AssertionError, OSError, TimeoutError, aiohttp.ClientError) as error:
            load.verdict.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        load.verdict.wrong += await stage.revive()
        await load.end()
    return Result(row, load, scene.notes, well_s, time.monotonic() - began)


# --- killing -------------------------------------------------------------------------------------------------------


def kill(instance: str) -> Fault:
    """SIGKILL, and a new process of the same name a second later."""

    async def fault(scene: Scene) -> None:
        process = scene.stage[instance]
        await process.kill()
        await scene.for_a_while(1)
        await process.start()

    return fault


def kill_server(part: Part) -> Fault:
    """SIGKILL; the supervisor starts it again."""

    async def fault(scene: Scene) -> None:
        import os

        old = scene.stage.server(part)
        os.kill(old, signal.SIGKILL)
        while scene.stage.home.pid(part) == old:
            await asyncio.sleep(0.05)

    return fault


ROWS = (
    Row("kill-gateway", "a gateway", "SIGKILL under load", "started again after 1 s", kill("gateway-1")),
    Row("kill-session", "the session service", "SIGKILL under load", "started again after 1 s", kill("session-1")),
    Row("kill-consent", "the consent service", "SIGKILL under load", "started again after 1 s", kill("consent-1")),
    Row("kill-rabbitmq", "RabbitMQ", "SIGKILL under load", "the supervisor starts it again", kill_server("rabbitmq")),
    Row("kill-postgres", "Postgres", "SIGKILL under load", "the supervisor starts it again", kill_server("postgres")),
)
