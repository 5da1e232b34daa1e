"""Compositions: what a draft's writing is once its parts are put together, and what of it the other may see."""

from collections.abc import Iterable, Sequence

from services.gateway.domain.strokes import Stroke
from shared.contracts.frames.client import Op

WAIT_MOST_MS = 60_000


def apply(text: str, op: Op) -> str:
    """The text after an operation that was checked when it was written."""
    pos = op[2]
    return text[:pos] + op[3] + text[pos:] if op[1] == "i" else text[:pos] + text[pos + op[3] :]


def difference(before: str, after: str, wait_ms: int) -> list[Op]:
    """Operations that turn one text into the other: what lies between their common beginning and end is replaced."""
    head, shorter = 0, min(len(before), len(after))
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    wait = min(max(wait_ms, 0), WAIT_MOST_MS)
    gone, come = len(before) - tail - head, after[head : len(after) - tail]
    deleted: list[Op] = [(wait, "d", head, gone)] if gone else []
    inserted: list[Op] = [(0 if gone else wait, "i", head, come)] if come else []
    return [*deleted, *inserted]


def join(runs: Iterable[Sequence[Stroke]]) -> list[Stroke]:
    """One composition of several runs, each of which a gateway kept from an empty draft on.

    The draft went on where the former run ended, or a little further: its gateway may have died with a few strokes in
    hand. A run begins with the whole text then, of which only what is new becomes strokes.
    """
    joined: list[Stroke] = []
    text = ""
    for run in runs:
        strokes = list(run)
        if text and strokes:
            first = strokes.pop(0)
            mended = difference(text, apply("", first.op), first.op[0])
            strokes[:0] = [Stroke(op, first.shown) for op in mended]
        for stroke in strokes:
            text = apply(text, stroke.op)
        joined += strokes
    return joined


def visible(strokes: Sequence[Stroke]) -> list[Op]:
    """What was shown live at the time: what wasn't is left out, and its result comes with what was shown next."""
    ops: list[Op] = []
    text = seen = ""
    waited = 0
    for stroke in strokes:
        text = apply(text, stroke.op)
        if not stroke.shown:
            waited += stroke.op[0]
            continue
        if seen == text and not waited:
            continue
        wait = min(waited + stroke.op[0], WAIT_MOST_MS)
        direct = apply(seen, stroke.op) if stroke.op[2] <= len(seen) else None
        ops += [_with_wait(stroke.op, wait)] if direct == text else difference(seen, text, wait)
        seen, waited = text, 0
    return ops


def _with_wait(op: Op, wait_ms: int) -> Op:
    return (wait_ms, "i", op[2], op[3]) if op[1] == "i" else (wait_ms, "d", op[2], op[3])
