"""How much of a list an answer holds: each is one frame, and who reads on asks for the next."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel

FRAME_BYTES = 250_000
"""A server frame is at most 256 KiB; the rest is its envelope."""

V = TypeVar("V", bound=BaseModel)


def fit(values: Iterable[V], most: int = FRAME_BYTES) -> list[V]:
    """As many as ``most`` bytes of JSON hold; the first one always. Those behind aren't looked at."""
    kept: list[V] = []
    size = 0
    for value in values:
        size += len(value.model_dump_json().encode()) + 1
        if kept and size > most:
            break
        kept.append(value)
    return kept
