"""A process whose clock is set, while it runs, to another time (libfaketime)."""

import asyncio
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.chaos.row import Fault, Scene

PLACES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")
OFF_S = 6.0


def _library() -> Path | None:
    found = (path for place in PLACES for path in Path(place).glob("**/faketime/libfaketimeMT.so.1"))
    return next(found, None)


def missing() -> str | None:
    return None if _library() else "the package faketime isn't there"


def set_clock(instance: str, seconds: int, *, monotonic: bool) -> Fault:
    """The clock jumps while the process runs; healed by a restart without the library."""

    async def fault(scene: Scene) -> None:
        process = scene.stage[instance]
        with NamedTemporaryFile("w", suffix=".faketime") as file:
            told = {
                "LD_PRELOAD": str(_library()),
                "FAKETIME_TIMESTAMP_FILE": file.name,
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "0" if monotonic else "1",
            }
            _write(file.name, 0)
            await process.end()
            await process.start(**told)
            await process.ready()
            scene.load.shuffle()
            await scene.load.flowing(40)
            _write(file.name, seconds)
            await scene.for_a_while(OFF_S)
            scene.notes.append(f"`/readyz` said meanwhile: {await asyncio.to_thread(process.reasons) or 'ready'}")
            await process.kill()
            await process.start()

    return fault


def _write(name: str, seconds: int) -> None:
    Path(name).write_text(f"{seconds:+d}\n")
