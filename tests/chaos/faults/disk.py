"""Postgres' disk is full."""

from contextlib import suppress
from pathlib import Path

from tests.chaos.row import Scene

FULL_S = 8.0
BLOCK = bytes(1024 * 1024)


def _fill(ballast: Path) -> None:
    """Take whatever is free, to the last block."""
    for size in (len(BLOCK), 4096):
        with suppress(OSError), ballast.open("ab", buffering=0) as file:
            while file.write(BLOCK[:size]):
                pass


async def full(scene: Scene) -> None:
    """A file takes all the room that is left, again and again since Postgres gives some back, and is then deleted."""
    load = scene.load
    ballast = scene.stage.postgres_home.folder.parent / "ballast"
    before, refused = load.acknowledged, load.count("unavailable")
    try:
        for _ in range(int(FULL_S)):
            _fill(ballast)
            await scene.for_a_while(1)
        scene.notes.append(
            f"while it was full: {load.acknowledged - before} acknowledged, "
            f"{load.count('unavailable') - refused} refused and retried"
        )
    finally:
        ballast.unlink()
