"""Frames of one size: filled up, split, and put together again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.portions import Portions, split
from services.gateway.egress.obscured import FRAME_BYTES, NOTHING, padded
from shared.contracts.frames.client import Op

CONVERSATION, AUTHOR, DRAFT = (f"00000000-0000-4000-8000-{number:012}" for number in (1, 2, 3))


@pytest.mark.parametrize("size", [20, 500, *range(1_010, 1_026), 5_000])
def test_a_frame_is_filled_up_and_says_the_same(size: int) -> None:
    frame = {"type": "x", "text": ""}
    frame["text"] = "a" * (size - len(json.dumps(frame)))
    payload = padded(json.dumps(frame).encode())
    assert len(payload) == max(size, FRAME_BYTES)
    said = json.loads(payload)
    said.pop("pad", None)
    assert said == frame


def test_nothing_has_the_same_size() -> None:
    assert len(NOTHING) == FRAME_BYTES
    assert json.loads(NOTHING)["type"] == "live.pad"


characters = st.one_of(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    st.sampled_from(["👩‍👩‍👧", "e\u0301", "\x01", '"', "a"]),
)

texts = st.lists(characters, max_size=2_000).map("".join)


@st.composite
def edits(draw: st.DrawFn) -> list[list[Op]]:
    """Edits within the text, some with long insertions."""
    frames: list[list[Op]] = []
    length = 0
    for _ in range(draw(st.integers(1, 8))):
        ops: list[Op] = []
        for _ in range(draw(st.integers(1, 6))):
            if length and draw(st.booleans()):
                count = draw(st.integers(1, length))
                ops.append((draw(st.integers(0, 60_000)), "d", draw(st.integers(0, length - count)), count))
                length -= count
            else:
                text = "".join(draw(st.lists(characters, min_size=1, max_size=8))) * draw(st.sampled_from([1, 1, 90]))
                ops.append((draw(st.integers(0, 60_000)), "i", draw(st.integers(0, length)), text))
                length += len(text)
        frames.append(ops)
    return frames


def applied(text: str, ops: list[Any]) -> str:
    for op in ops:
        text = text[: op[2]] + (op[3] if op[1] == "i" else "") + text[op[2] + (op[3] if op[1] == "d" else 0) :]
    return text


class Reader:
    """Follows the protocol: an edit has the next revision, or it isn't taken."""

    def __init__(self) -> None:
        self.rev = 0
        self.text = ""
        self.waits = 0

    def take(self, payload: bytes) -> None:
        assert len(payload) <= FRAME_BYTES
        frame = json.loads(payload)
        if frame["type"] == "live.reset":
            self.text = frame["text"]
        else:
            assert frame["rev"] == self.rev + 1
            assert 1 <= len(frame["ops"]) <= 200
            self.text = applied(self.text, frame["ops"])
            self.waits += sum(op[0] for op in frame["ops"])
        self.rev = frame["rev"]


@given(edits(), st.lists(st.booleans(), min_size=20, max_size=20), st.integers(1, 1_000))
def test_portions_put_together_are_the_draft(script: list[list[Op]], ticks: list[bool], first: int) -> None:
    portions, reader, text = Portions(CONVERSATION, AUTHOR, DRAFT), Reader(), ""
    reader.rev = first - 1
    for number, ops in enumerate(script):
        portions.edit(first + number, ops)
        text = applied(text, list(ops))
        if ticks[number] and portions.waiting:
            reader.take(portions.next(FRAME_BYTES))
    while portions.waiting:
        reader.take(portions.next(FRAME_BYTES))
    assert reader.text == text
    assert reader.waits == sum(op[0] for ops in script for op in ops)


@given(texts, edits())
def test_a_whole_text_in_portions(text: str, script: list[list[Op]]) -> None:
    portions, reader = Portions(CONVERSATION, AUTHOR, DRAFT), Reader()
    portions.edit(1, script[0])
    portions.reset(7, text)
    while portions.waiting:
        reader.take(portions.next(FRAME_BYTES))
    assert reader.text == text


def test_a_text_is_split_between_what_a_person_sees_as_one() -> None:
    for one in ("👩‍👩‍👧", "🇩🇪", "👍🏽", "e\u0301"):
        text = one * 30
        for size in range(60, 90):
            head, rest = split(text, size)
            assert head + rest == text
            assert len(head) % len(one) == 0
