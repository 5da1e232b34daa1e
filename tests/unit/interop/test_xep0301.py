"""XEP-0301 as others write it: defaults, gaps, and what can't be mapped."""

from itertools import count
from xml.etree import ElementTree as ET

import pytest

from shared.contracts.frames import client
from shared.interop import Unmappable
from shared.interop.xep0301 import FromRtt, Sent, to_rtt

CONVERSATION = "00000000-0000-4000-8000-000000000001"


def receiver() -> FromRtt:
    numbers = count(1)
    return FromRtt(CONVERSATION, lambda: f"00000000-0000-4000-8000-{next(numbers):012}")


def take(from_rtt: FromRtt, attributes: str, actions: str = "") -> list[Sent]:
    return from_rtt.take(ET.fromstring(f"<rtt xmlns='urn:xmpp:rtt:0' {attributes}>{actions}</rtt>"))


def edit(draft: int, rev: int, *ops: client.Op) -> client.LiveEdit:
    return client.LiveEdit(
        type="live.edit", conversation=CONVERSATION, draft=f"00000000-0000-4000-8000-{draft:012}", rev=rev, ops=[*ops]
    )


def test_places_and_counts_that_are_left_out() -> None:
    one = receiver()
    frames = take(one, "seq='700' event='new'", "<t>Helo</t><e/><w n='300'/><t>lo</t><t p='0'>Oh. </t>")
    assert frames == [edit(1, 1, (0, "i", 0, "Helo"), (0, "d", 3, 1), (300, "i", 3, "lo"), (0, "i", 0, "Oh. "))]
    assert take(one, "seq='701'", "<e p='4' n='4'/>") == [edit(1, 2, (0, "d", 0, 4))]


def test_places_outside_are_brought_inside() -> None:
    one = receiver()
    frames = take(one, "seq='1' event='new'", "<t p='9'>ab</t><e p='99' n='99'/><e/><e n='0'/><t p='-3'>c</t>")
    assert frames == [edit(1, 1, (0, "i", 0, "ab"), (0, "d", 0, 2), (0, "i", 0, "c"))]


def test_what_does_nothing_keeps_its_wait() -> None:
    one = receiver()
    assert take(one, "seq='1' event='new'", "<w n='400'/><t/><unknown/>") == []
    assert take(one, "seq='2'", "<w n='90000'/><t>a</t>") == [edit(1, 1, (60_000, "i", 0, "a"))]


def test_after_a_gap_nothing_until_the_whole_text() -> None:
    one = receiver()
    take(one, "seq='1' event='new'", "<t>a</t>")
    assert take(one, "seq='3'", "<t>c</t>") == []
    assert take(one, "seq='4'", "<t>d</t>") == []
    (whole,) = take(one, "seq='5' event='reset'", "<t>abcd</t>")
    assert (whole.type, getattr(whole, "text", None)) == ("live.reset", "abcd")
    assert take(one, "seq='6'", "<t>e</t>") == [edit(1, 6, (0, "i", 4, "e"))]


def test_a_sent_message_ends_the_draft() -> None:
    one = receiver()
    take(one, "seq='1' event='new'", "<t>a</t>")
    one.posted()
    assert take(one, "seq='8' event='new'", "<t>b</t>") == [edit(2, 1, (0, "i", 0, "b"))]


def test_a_draft_taken_back_and_begun_again() -> None:
    one = receiver()
    take(one, "seq='1' event='new'", "<t>a</t>")
    assert [frame.type for frame in take(one, "seq='5' event='new'")] == ["live.clear"]
    assert take(one, "seq='6'", "<t>b</t>") == [edit(2, 1, (0, "i", 0, "b"))]


def test_many_actions_are_several_frames() -> None:
    frames = take(receiver(), "seq='1' event='new'", "<t>a</t>" * 450)
    assert [len(frame.ops) for frame in frames if isinstance(frame, client.LiveEdit)] == [200, 200, 50]


def test_on_and_off() -> None:
    one = receiver()
    assert [frame.on for frame in take(one, "event='init'") if isinstance(frame, client.LiveToggle)] == [True]
    assert [frame.on for frame in take(one, "event='cancel'") if isinstance(frame, client.LiveToggle)] == [False]


@pytest.mark.parametrize(
    ("attributes", "actions", "reason"),
    [
        ("seq='x' event='new'", "", "bad_attribute"),
        ("seq='1' event='new'", "<t p='1.5'>a</t>", "bad_attribute"),
        ("seq='1' event='new'", f"<t>{'a' * 8_001}</t>", "too_long"),
    ],
)
def test_what_has_no_place_here(attributes: str, actions: str, reason: str) -> None:
    one = receiver()
    with pytest.raises(Unmappable, match=reason):
        take(one, attributes, actions)
    assert take(one, "seq='2'", "<t>b</t>") == []  # out of step


@pytest.mark.parametrize("character", ["\x07", "\r", "\ufffe"])
def test_what_has_no_place_in_xml(character: str) -> None:
    with pytest.raises(Unmappable, match="not_xml"):
        to_rtt(edit(1, 1, (0, "i", 0, character)))
