"""Telling what is done while it takes long."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

# Standard error: what is asked for goes to standard output, and only that.
console = Console(stderr=True, highlight=False)
TOLD_AFTER_S = 1.0


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show ``what`` with the time it takes, if that is more than a second."""
    begun = time.monotonic()
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, begun, over), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
    took = time.monotonic() - begun
    if took > TOLD_AFTER_S:
        console.print(f"  {what}: {took:.1f} s")


def _tell(what: str, begun: float, over: threading.Event) -> None:
    if over.wait(TOLD_AFTER_S):
        return
    if not sys.stderr.isatty():
        console.print(f"  {what} …")
        return
    with console.status(what) as status:
        while not over.wait(0.2):
            status.update(f"{what} … {time.monotonic() - begun:.0f} s")


def say(what: str) -> None:
    console.print(what)
