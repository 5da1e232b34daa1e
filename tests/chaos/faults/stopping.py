"""Processes that stand still, and go on as if nothing had been."""

import asyncio
import os
import signal

from deploy.local.home import Part
from tests.chaos.row import Fault, Scene

NOTICE_S = 15.0
ON_THE_WAY_S = 1.0
"""What was committed when the server stopped may still be told."""


async def stop_owner(scene: Scene) -> None:
    """A second instance of the session service; the first is stopped until the second has taken over, then goes on."""
    first = scene.stage["session-1"]
    second = scene.stage.processes.get("session-2") or scene.stage.add("session", 2)
    await second.start()
    await second.ready()
    await scene.load.flowing(40)  # both own queues now
    first.send(signal.SIGSTOP)
    try:
        took_s = await scene.load.flowing(60)
        scene.notes.append(f"all conversations went on {took_s:.1f} s after the stop, before the waking")
    finally:
        first.send(signal.SIGCONT)
    await scene.load.flowing(40)
    await second.end()
    scene.stage.processes.pop("session-2")
    await scene.load.flowing(40)


def stop_process(instance: str, seconds: float) -> Fault:
    """SIGSTOP for some seconds."""

    async def fault(scene: Scene) -> None:
        process = scene.stage[instance]
        process.send(signal.SIGSTOP)
        await scene.for_a_while(seconds)
        process.send(signal.SIGCONT)

    return fault


def stop_server(part: Part, seconds: float) -> Fault:
    """SIGSTOP of all of a server's processes for some seconds, in which nothing is acknowledged."""

    async def fault(scene: Scene) -> None:
        family = scene.stage.family(part)
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            await scene.for_a_while(ON_THE_WAY_S)
            before = scene.load.acknowledged
            await scene.for_a_while(seconds - ON_THE_WAY_S)
            async with asyncio.timeout(NOTICE_S):  # the session service says that it isn't ready
                while not await asyncio.to_thread(scene.stage["session-1"].reasons):  # noqa: ASYNC110 - it can only be asked
                    await asyncio.sleep(0.2)
            assert scene.load.acknowledged == before, f"acknowledged while {part} was stopped"
        finally:
            for pid in family:
                os.kill(pid, signal.SIGCONT)

    return fault
