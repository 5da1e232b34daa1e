"""T.140 as others write it."""

import pytest

from shared.interop import Unmappable
from shared.interop.t140 import FromT140, ToT140


def test_typing_and_erasing_in_one_packet() -> None:
    one = FromT140()
    assert one.take([(0, "\ufeffHelo\b\bllo")]) == [(0, "i", 0, "Hello")]
    assert one.take([(300, "\b\b\b\b\bJa")]) == [(300, "d", 0, 5), (0, "i", 0, "Ja")]


def test_erasing_beyond_the_beginning() -> None:
    one = FromT140("a")
    assert one.take([(0, "\b\b\b")]) == [(0, "d", 0, 1)]
    assert one.take([(0, "\b")]) == []


def test_lines_end_in_several_ways() -> None:
    one = FromT140()
    one.take([(0, "a\u2028b\r\nc\r"), (0, "\nd\ne")])
    assert one.text == "a\nb\nc\nd\ne"


def test_other_controls_do_nothing_and_keep_their_wait() -> None:
    assert FromT140().take([(100, "\x07"), (200, "\x1ba"[:1]), (50, "x")]) == [(350, "i", 0, "x")]


def test_an_edit_in_the_middle_is_written_again_from_there() -> None:
    one = ToT140("I am angry")
    assert one.take([(120, "i", 4, " not")]) == [(120, "\b" * 6 + " not angry")]
    assert one.take([(0, "d", 4, 4)]) == [(0, "\b" * 10 + " angry")]


@pytest.mark.parametrize("character", ["\b", "\x07", "\t", "\x1b", "\x98", "\u2028", "\ufeff"])
def test_what_t140_would_take_for_a_control(character: str) -> None:
    one = ToT140("a")
    with pytest.raises(Unmappable, match="control_character"):
        one.take([(0, "i", 1, f"b{character}")])
    assert one.text == "a"
