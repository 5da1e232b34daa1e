"""The format of compositions: exact over anything that can be typed, and small over real typing."""

import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.compositions import apply, difference, join, visible
from services.gateway.domain.strokes import Stroke, decode, encode
from shared.contracts.frames.client import Op

TYPING = Path(__file__).parents[3] / "shared" / "data" / "typing-fr.jsonl"
KEYSTROKE_BYTES = 2.0
SEAL_BYTES = 29
CHUNK = 1_000

texts = st.text(
    st.one_of(
        st.sampled_from(list("abc é\n👩‍👩‍👧🏽אب𝄞")), st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    ),
    min_size=1,
    max_size=12,
)
waits = st.one_of(st.integers(0, 60_000), st.integers(0, 300))


@st.composite
def scripts(draw: st.DrawFn) -> list[Stroke]:
    """Strokes of a draft, each within it."""
    strokes: list[Stroke] = []
    length = 0
    for _ in range(draw(st.integers(0, 40))):
        wait, shown = draw(waits), draw(st.booleans())
        op: Op
        if length and draw(st.booleans()):
            count = draw(st.integers(1, length))
            op = (wait, "d", draw(st.integers(0, length - count)), count)
            length -= count
        else:
            text = draw(texts)
            op = (wait, "i", draw(st.integers(0, length)), text)
            length += len(text)
        strokes.append(Stroke(op, shown))
    return strokes


def result(ops: list[Op]) -> str:
    text = ""
    for op in ops:
        text = apply(text, op)
    return text


@given(scripts())
def test_every_stroke_comes_back_exactly(script: list[Stroke]) -> None:
    assert decode(encode(script)) == script


@given(st.binary(max_size=60))
def test_other_bytes_are_refused_by_one_name(raw: bytes) -> None:
    with pytest.raises(ValueError, match="composition"):
        decode(raw)


def test_a_cut_composition_is_refused() -> None:
    whole = encode([Stroke((5, "i", 0, "word"), shown=True)])
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="composition"):
            decode(whole[:length])
    with pytest.raises(ValueError, match="another version"):
        decode(b"\x09" + whole[1:])


@given(texts, texts, st.integers(-5, 90_000))
def test_a_difference_makes_the_one_text_of_the_other(before: str, after: str, wait: int) -> None:
    ops = difference(before, after, wait)
    text = before
    for op in ops:
        text = apply(text, op)
        assert 0 <= op[0] <= 60_000
    assert text == after


@given(scripts())
def test_the_other_sees_what_was_shown_and_no_more(script: list[Stroke]) -> None:
    """At each shown stroke, and only there, what the other sees is the draft as it then was."""
    text, wanted = "", ""
    for stroke in script:
        text = apply(text, stroke.op)
        wanted = text if stroke.shown else wanted
    assert result(visible(script)) == wanted
    hidden = [Stroke(stroke.op, shown=False) for stroke in script]
    assert visible(hidden) == []
    shown = [Stroke(stroke.op, shown=True) for stroke in script]
    assert result(visible(shown)) == text


def test_what_was_never_shown_is_not_seen_even_where_it_was_deleted_again() -> None:
    script = [
        Stroke((10, "i", 0, "I "), shown=True),
        Stroke((20, "i", 2, "hate"), shown=False),
        Stroke((30, "d", 2, 4), shown=False),
        Stroke((40, "i", 2, "miss"), shown=True),
    ]
    assert visible(script) == [(10, "i", 0, "I "), (90, "i", 2, "miss")]


@given(scripts(), st.integers(0, 40))
def test_a_draft_that_goes_on_elsewhere_is_one_composition(script: list[Stroke], lost: int) -> None:
    """The second run begins with the whole text; a few strokes of the first were lost with its gateway."""
    ops = [stroke.op for stroke in script]
    whole = result(ops)
    first = script[: max(0, len(script) - lost)]
    second = [Stroke((0, "i", 0, whole), shown=True)] if whole else []
    joined = join([first, second])
    assert result([stroke.op for stroke in joined]) == (whole or result([s.op for s in first]))
    if whole == result([s.op for s in first]):
        assert joined == first


def test_real_typing_takes_less_than_two_bytes_a_keystroke() -> None:
    if not TYPING.exists():
        pytest.skip(f"the recorded typing isn't on this machine ({TYPING.name})")
    strokes = stored = plain = 0
    for line in TYPING.read_text().splitlines():
        essay = json.loads(line)
        script = [Stroke(tuple(op), shown=True) for op in essay["ops"]]
        for start in range(0, len(script), CHUNK):
            part = script[start : start + CHUNK]
            packed = encode(part)
            assert decode(packed) == part
            stored += len(packed) + SEAL_BYTES
        plain += len(json.dumps(essay["ops"], separators=(",", ":"), ensure_ascii=False).encode())
        strokes += len(script)
        assert result([stroke.op for stroke in script]) == essay["text"]
    sys.stdout.write(
        f"\n{strokes} keystrokes: {stored / strokes:.3f} bytes each, sealed; as JSON {plain / strokes:.1f}\n"
    )
    assert stored / strokes <= KEYSTROKE_BYTES


def test_the_measure_can_fail() -> None:
    """Noise takes more than typing does, or the measure measures nothing."""
    rng = random.Random(5)
    noise = [
        Stroke((rng.randrange(60_000), "i", rng.randrange(i + 1), chr(rng.randrange(0x4E00, 0x9FFF))), shown=True)
        for i in range(CHUNK)
    ]
    assert len(encode(noise)) / CHUNK > KEYSTROKE_BYTES
