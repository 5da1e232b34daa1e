"""How a draft was written, as bytes: operations with their waits, exact, at less than two bytes a keystroke.

What looks alike lies together, each kind compressed by itself (raw DEFLATE, RFC 1951): typing is runs at the caret, so
that an operation is mostly one of two values; the high parts of waits and the letters repeat; only the low eight bits
of a wait are noise. Nothing is rounded.

    version, then for each stream a varint of its length and its bytes:
    shapes   a byte for each operation: 1 delete, 2 elsewhere than expected, 4 more than one code point
    offsets  varints: for 2 the way from the caret (zigzag), for 4 the number of code points
    text     what was inserted, in UTF-8
    lows     the low byte of each wait in ms
    highs    varints of the rest of each wait
    shown    varints: how many operations in turn were shown to the others, and weren't, beginning with shown
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.contracts.frames.client import Op

VERSION = 1
STREAMS = 6
_DELETE, _ELSEWHERE, _SEVERAL = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Stroke:
    """An operation, and whether the others were shown it live."""

    op: Op
    shown: bool


def _varint(value: int, to: bytearray) -> None:
    while value > 127:
        to.append(value & 127 | 128)
        value >>= 7
    to.append(value)


def _zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def _unzigzag(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2


def _deflate(raw: bytes) -> bytes:
    """The smaller of two: with repetitions, as in words; or only by how often a byte comes, as in waits."""
    packed = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        deflating = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
        packed.append(deflating.compress(raw) + deflating.flush())
    return min(packed, key=len)


def _runs(flags: Iterable[bool]) -> Iterator[int]:
    """Lengths of runs, the first one of True."""
    current, length = True, 0
    for flag in flags:
        if flag != current:
            yield length
            current, length = flag, 0
        length += 1
    yield length


def encode(strokes: Sequence[Stroke]) -> bytes:
    """The bytes of some strokes; `decode` gives exactly these back."""
    shapes, offsets, lows, highs, shown = bytearray(), bytearray(), bytearray(), bytearray(), bytearray()
    text: list[str] = []
    caret = 0
    for stroke in strokes:
        op = stroke.op
        wait, pos = op[0], op[2]
        if op[1] == "i":
            shape, count, expected, caret = 0, len(op[3]), caret, pos + len(op[3])
            text.append(op[3])
        else:
            shape, count, expected, caret = _DELETE, op[3], caret - op[3], pos
        if pos != expected:
            shape |= _ELSEWHERE
            _varint(_zigzag(pos - expected), offsets)
        if count > 1:
            shape |= _SEVERAL
            _varint(count, offsets)
        shapes.append(shape)
        lows.append(wait & 255)
        _varint(wait >> 8, highs)
    for length in _runs(stroke.shown for stroke in strokes):
        _varint(length, shown)
    out = bytearray([VERSION])
    for stream in (shapes, offsets, "".join(text).encode(), lows, highs, shown):
        packed = _deflate(bytes(stream))
        _varint(len(packed), out)
        out += packed
    return bytes(out)


class _Reader:
    """Varints and slices, one after the other."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def end(self) -> None:
        if self._at != len(self._raw):
            raise IndexError

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._raw[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def take(self, length: int) -> bytes:
        found = self._raw[self._at : self._at + length]
        if len(found) != length:
            raise IndexError
        self._at += length
        return found


def decode(raw: bytes) -> list[Stroke]:
    """The strokes. Raises ValueError if these bytes aren't what `encode` makes."""
    if raw[:1] and raw[0] != VERSION:
        raise ValueError("a composition of another version")
    try:
        whole = _Reader(raw[1:])
        shapes, offsets, text, lows, highs, shown = (
            zlib.decompress(whole.take(whole.varint()), -15) for _ in range(STREAMS)
        )
        whole.end()
        return list(_strokes(shapes, _Reader(offsets), text.decode(), lows, _Reader(highs), _Reader(shown)))
    except (IndexError, zlib.error, UnicodeDecodeError):
        raise ValueError("not a composition") from None


def _strokes(
    shapes: bytes, offsets: _Reader, text: str, lows: bytes, highs: _Reader, shown: _Reader
) -> Iterator[Stroke]:
    caret = at = 0
    is_shown, left = True, shown.varint()
    for shape, low in zip(shapes, lows, strict=True):
        off = _unzigzag(offsets.varint()) if shape & _ELSEWHERE else 0
        count = offsets.varint() if shape & _SEVERAL else 1
        wait = highs.varint() << 8 | low
        while left == 0:
            is_shown, left = not is_shown, shown.varint()
        left -= 1
        if shape & _DELETE:
            caret = caret - count + off
            yield Stroke((wait, "d", caret, count), is_shown)
        else:
            pos = caret + off
            caret = pos + count
            yield Stroke((wait, "i", pos, text[at : at + count]), is_shown)
            at += count
