"""Telling what is being done when it takes long. Standard library only: the installer uses it too."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TOLD_AFTER_S = 1.0
CLEAR = "\r\x1b[K"


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show ``what`` and the time that it takes, if that is more than a second."""
    begun = time.monotonic()
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, begun, over), daemon=True)
    teller.start()
    done = False
    try:
        yield
        done = True
    finally:
        over.set()
        teller.join()
        took = time.monotonic() - begun
        if done and took > TOLD_AFTER_S:
            say(f"  {what}: {took:.1f} s")


def say(what: str) -> None:
    """On standard error: standard output is for what was asked."""
    print(what, file=sys.stderr, flush=True)


def _tell(what: str, begun: float, over: threading.Event) -> None:
    if over.wait(TOLD_AFTER_S):
        return
    if not sys.stderr.isatty():
        say(f"  {what} …")
        return
    while not over.wait(0.2):
        print(f"{CLEAR}  {what} … {time.monotonic() - begun:.0f} s", end="", file=sys.stderr, flush=True)
    print(CLEAR, end="", file=sys.stderr, flush=True)
