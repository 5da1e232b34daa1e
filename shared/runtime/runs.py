"""Splitting a batch: into what can be applied together; into its envelopes, where it doesn't parse."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from shared.contracts.envelope import Command

C = TypeVar("C", bound=Command)


def runs(commands: Sequence[C], key: Callable[[C], str | None]) -> list[list[C]]:
    """Split a batch into runs of one type that can be applied together, keeping each key's own order.

    A command without a key may touch any conversation: it stands alone between what is before and behind it.
    """
    layers: list[dict[type[C], list[C]]] = []
    last: dict[str, tuple[int, type[C]]] = {}
    floor = 0
    for command in commands:
        kind, k = type(command), key(command)
        if k is None:
            floor = len(layers) + 1
            layers.append({kind: [command]})
            continue
        layer, before = last.get(k, (floor - 1, kind))
        if layer < floor:
            layer = floor
        elif before is not kind:
            layer += 1
        while len(layers) <= layer:
            layers.append({})
        layers[layer].setdefault(kind, []).append(command)
        last[k] = (layer, kind)
    return [run for layer in layers for run in layer.values()]


def split_body(body: bytes) -> list[bytes]:
    """The envelopes of a batch that doesn't parse as a whole; the body itself where it isn't a batch."""
    try:
        parts = orjson.loads(body)
    except orjson.JSONDecodeError:
        return [orjson.dumps({"malformed_bytes": len(body)})]
    return [orjson.dumps(part) for part in parts] if isinstance(parts, list) else [orjson.dumps(parts)]
