"""Live text: the order of its checks, and what readers are shown of each change."""

import json

import pytest

from services.gateway.domain.live import POSTED_KEPT, Edit, LiveText, Shown
from services.gateway.egress.rendering import rendered
from shared.contracts.errors import Code, Refused
from shared.contracts.frames import client, server
from shared.contracts.frames.client import Op
from shared.contracts.ids import Level, new_id
from shared.contracts.text import BULLET, TEXT_MAX

C, ANNA, BEN = new_id(), new_id(), new_id()
DRAFT, OTHER = new_id(), new_id()
TAB, PHONE, DESK = "tab", "phone", "desk"  # two connections of Anna's, one of Ben's


def edit(rev: int, *ops: Op, draft: str = DRAFT) -> client.LiveEdit:
    return client.LiveEdit(type="live.edit", conversation=C, draft=draft, rev=rev, ops=list(ops))


def reset(text: str, rev: int = 1, draft: str = DRAFT) -> client.LiveReset:
    return client.LiveReset(type="live.reset", conversation=C, draft=draft, rev=rev, text=text)


def i(pos: int, text: str, wait: int = 0) -> Op:
    return (wait, "i", pos, text)


def d(pos: int, count: int) -> Op:
    return (0, "d", pos, count)


@pytest.fixture
def live() -> LiveText:
    """Anna has it on with two connections, Ben with one."""
    text = LiveText(C)
    text.switch(TAB, ANNA, "letters")
    text.switch(PHONE, ANNA, "letters")
    text.switch(DESK, BEN, "letters")
    return text


def told(shown: list[Shown]) -> list[str]:
    """What is shown, in short."""
    short = []
    for one in shown:
        match one.frame:
            case server.LiveChanged() as frame:
                short.append(f"changed {'on' if frame.on else 'off'} {frame.level} {frame.reason or ''}".strip())
            case Edit() as frame:
                short.append(f"edit {frame.rev}")
            case server.LiveReset() as frame:
                short.append(f"reset {frame.rev} {frame.text}".strip())
            case server.LiveClear():
                short.append("drop, clear" if one.drop else "clear")
        assert one.to_others is not isinstance(one.frame, server.LiveChanged)
    return short


def refused(
    live: LiveText, frame: client.LiveEdit | client.LiveReset, by: str = TAB, level: Level = "letters"
) -> Refused:
    """The refusal of a frame, which changed nothing."""
    who = BEN if by == DESK else ANNA
    before = {k: (v.holder, v.rev, v.text) for k, v in live.drafts.items()}
    with pytest.raises(Refused) as refusal:
        live.edit(by, who, level, frame) if isinstance(frame, client.LiveEdit) else live.reset(by, who, level, frame)
    assert {k: (v.holder, v.rev, v.text) for k, v in live.drafts.items()} == before
    return refusal.value


# --- edits -----------------------------------------------------------------------------------------------------------


def test_an_edit_is_shown_as_it_came(live: LiveText) -> None:
    frame = edit(1, (120, "i", 0, "I 𝄞"), (60_000, "d", 2, 1))
    (shown,) = live.edit(TAB, ANNA, "letters", frame)
    assert isinstance(shown.frame, Edit)
    assert json.loads(rendered(shown.frame)) == json.loads(frame.model_dump_json(exclude={"ref"})) | {"from": ANNA}
    assert live.drafts[DRAFT].text == "I "
    assert told(live.edit(TAB, ANNA, "letters", edit(2, i(2, "am")))) == ["edit 2"]
    assert live.drafts[DRAFT].text == "I am"


def test_a_new_draft_clears_the_former_of_that_connection_only(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.edit(PHONE, ANNA, "letters", edit(1, i(0, "b"), draft=OTHER))
    assert set(live.drafts) == {DRAFT, OTHER}
    third = new_id()
    assert told(live.edit(TAB, ANNA, "letters", edit(1, i(0, "c"), draft=third))) == ["clear", "edit 1"]
    assert told(live.reset(TAB, ANNA, "letters", reset("d"))) == ["clear", "reset 1 d"]
    assert set(live.drafts) == {DRAFT, OTHER}


@pytest.mark.parametrize("rev", [0, 2, 4, 9])
def test_revisions_rise_by_one(live: LiveText, rev: int) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.edit(TAB, ANNA, "letters", edit(2, i(0, "a")))
    frame = edit(1, i(0, "x")).model_copy(update={"rev": rev})
    refusal = refused(live, frame)
    assert (refusal.code, refusal.details) == (Code.BAD_REV, {"expected": 3})
    assert told(live.edit(TAB, ANNA, "letters", edit(3, i(0, "a")))) == ["edit 3"]


def test_an_unknown_draft_begins_with_one(live: LiveText) -> None:
    refusal = refused(live, edit(2, i(0, "x")))
    assert (refusal.code, refusal.details) == (Code.BAD_REV, {"expected": 1})


def test_a_refused_edit_leaves_the_former_draft_open(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    assert refused(live, edit(2, i(0, "x"), draft=OTHER)).code is Code.BAD_REV
    assert refused(live, edit(1, d(0, 1), draft=OTHER)).code is Code.BAD_OP
    assert told(live.edit(TAB, ANNA, "letters", edit(2, i(1, "b")))) == ["edit 2"]


OUTSIDE: list[tuple[Op, ...]] = [
    (i(4, "x"),),
    (d(3, 1),),
    (d(0, 4),),
    (d(2, 2),),
    (i(3, "x"), d(4, 1)),
    (d(0, 3), d(0, 1)),
    (i(0, "\0"),),
]


@pytest.mark.parametrize("ops", OUTSIDE)
def test_operations_that_do_not_fit(live: LiveText, ops: tuple[Op, ...]) -> None:
    live.reset(TAB, ANNA, "letters", reset("a𝄞b"))
    assert refused(live, edit(2, *ops)).code is Code.BAD_OP
    assert told(live.edit(TAB, ANNA, "letters", edit(2, i(3, "!")))) == ["edit 2"]


def test_the_limit_holds_at_every_operation(live: LiveText) -> None:
    live.reset(TAB, ANNA, "letters", reset("𝄞" * TEXT_MAX))
    assert refused(live, edit(2, i(0, "x"), d(0, 1))).code is Code.TOO_LONG
    assert told(live.edit(TAB, ANNA, "letters", edit(2, d(0, 1), i(0, "x")))) == ["edit 2"]
    assert refused(live, reset("x" * (TEXT_MAX + 1))).code is Code.TOO_LONG


def test_checks_come_in_their_order(live: LiveText) -> None:
    """Each of these breaks all rules from its own on."""
    live.reset(DESK, BEN, "letters", reset("ben", draft=OTHER))
    live.reset(TAB, ANNA, "letters", reset("x" * TEXT_MAX))
    assert refused(live, edit(9, i(0, "xx"), d(9_999, 1), draft=OTHER)).code is Code.CONFLICT
    assert refused(live, edit(9, i(0, "xx"), d(9_999, 1))).code is Code.TOO_LONG
    assert refused(live, edit(9, d(9_999, 1))).code is Code.BAD_REV
    assert refused(live, edit(2, d(9_999, 1))).code is Code.BAD_OP
    assert refused(live, reset("\0" * (TEXT_MAX + 1))).code is Code.TOO_LONG


# --- whose draft -----------------------------------------------------------------------------------------------------


def test_nobody_writes_in_the_others_draft(live: LiveText) -> None:
    live.edit(DESK, BEN, "letters", edit(1, i(0, "mine")))
    assert refused(live, edit(2, i(0, "x"))).code is Code.CONFLICT
    assert refused(live, reset("x")).code is Code.CONFLICT
    with pytest.raises(Refused) as refusal:
        live.clear(ANNA, DRAFT)
    assert refusal.value.code is Code.CONFLICT
    assert live.is_somebody_elses(DRAFT, ANNA)
    assert not live.is_somebody_elses(DRAFT, BEN)
    assert not live.is_somebody_elses(OTHER, ANNA)


def test_another_connection_of_the_author_takes_a_draft_over(live: LiveText) -> None:
    live.reset(TAB, ANNA, "letters", reset("from the tab", rev=5))
    assert refused(live, edit(6, i(0, "x")), by=PHONE).details == {"expected": 1}
    assert told(live.edit(PHONE, ANNA, "letters", edit(1, i(0, "anew")))) == ["reset 1 anew"]
    assert refused(live, edit(6, i(0, "x"))).details == {"expected": 1}
    assert told(live.edit(PHONE, ANNA, "letters", edit(2, i(4, "!")))) == ["edit 2"]
    assert told(live.reset(TAB, ANNA, "letters", reset("back", rev=40))) == ["reset 40 back"]
    assert told(live.edit(TAB, ANNA, "letters", edit(41, i(0, "!")))) == ["edit 41"]
    assert list(live.drafts) == [DRAFT]


def test_whoever_lost_a_draft_does_not_end_it(live: LiveText) -> None:
    live.reset(TAB, ANNA, "letters", reset("a"))
    live.reset(PHONE, ANNA, "letters", reset("b"))
    assert told(live.switch(TAB, ANNA, None)) == []
    assert told(live.switch(PHONE, ANNA, None)) == ["drop, clear", "changed off letters"]


def test_a_posted_message_ends_its_draft_and_its_id(live: LiveText) -> None:
    live.reset(TAB, ANNA, "letters", reset("a"))
    live.posted(DRAFT)
    assert live.drafts == {}
    assert refused(live, edit(1, i(0, "x"))).code is Code.CONFLICT
    assert refused(live, reset("x")).code is Code.CONFLICT
    assert live.clear(ANNA, DRAFT) == []
    assert told(live.edit(TAB, ANNA, "letters", edit(1, i(0, "b"), draft=OTHER))) == ["edit 1"]


def test_so_many_posted_messages_are_known_and_no_more(live: LiveText) -> None:
    ids = [new_id() for _ in range(POSTED_KEPT + 1)]
    for message in ids:
        live.posted(message)
    assert refused(live, edit(1, i(0, "x"), draft=ids[1])).code is Code.CONFLICT
    assert told(live.edit(TAB, ANNA, "letters", edit(1, i(0, "x"), draft=ids[0]))) == ["edit 1"]


def test_clearing(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    assert told(live.clear(ANNA, DRAFT)) == ["clear"]
    assert live.clear(ANNA, DRAFT) == []
    assert told(live.edit(TAB, ANNA, "letters", edit(1, i(0, "b")))) == ["edit 1"]


# --- on and off ------------------------------------------------------------------------------------------------------


def test_what_is_said_is_whether_any_connection_is_on() -> None:
    live = LiveText(C)
    assert told(live.switch(TAB, ANNA, "rhythm")) == ["changed on rhythm"]
    assert told(live.switch(PHONE, ANNA, "rhythm")) == []
    assert told(live.switch(PHONE, ANNA, "letters")) == ["changed on letters"]
    assert told(live.switch(TAB, ANNA, "letters")) == []
    assert told(live.switch(TAB, ANNA, "letters")) == []
    assert told(live.switch(TAB, ANNA, None)) == []
    assert told(live.switch(PHONE, ANNA, "rhythm")) == ["changed on rhythm"]
    assert told(live.switch(PHONE, ANNA, None)) == ["changed off rhythm"]
    assert told(live.switch(PHONE, ANNA, None)) == []
    assert (live.state(ANNA).on, live.state(ANNA).level) == (False, "rhythm")
    assert (live.state(BEN).on, live.state(BEN).level) == (False, "letters")


def test_another_level_clears_what_was_shown(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    assert told(live.switch(TAB, ANNA, "rhythm")) == ["drop, clear"]  # the phone is still at letters
    assert told(live.edit(TAB, ANNA, "rhythm", edit(1, i(0, BULLET * 3)))) == ["edit 1"]


def test_at_rhythm_the_words_stay_at_home(live: LiveText) -> None:
    for text in ("a", f"{BULLET}a", f"{BULLET} ", "·"):
        assert refused(live, edit(1, i(0, text)), level="rhythm").code is Code.BAD_OP
        assert refused(live, reset(text), level="rhythm").code is Code.BAD_OP
    assert told(live.edit(TAB, ANNA, "rhythm", edit(1, i(0, BULLET * 3), d(0, 1)))) == ["edit 1"]
    assert told(live.reset(TAB, ANNA, "rhythm", reset(""))) == ["reset 1"]


def test_switching_off_drops_then_clears_then_says_so(live: LiveText) -> None:
    live.edit(DESK, BEN, "letters", edit(1, i(0, "a")))
    assert told(live.switch(DESK, BEN, None)) == ["drop, clear", "changed off letters"]
    assert live.level_of(DESK, BEN) is None


def test_of_the_authors_other_drafts_what_was_dropped_is_shown_anew(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.edit(PHONE, ANNA, "letters", edit(1, i(0, "b"), draft=OTHER))
    assert told(live.switch(TAB, ANNA, None)) == ["drop, clear", "reset 1 b"]
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    live.from_peer("gateway.2", ANNA, DRAFT, 3, "c")
    assert told(live.elsewhere("gateway.2", {}, [ANNA, BEN])) == ["drop, clear", "reset 1 b"]


def test_going_off_drops_what_waits_of_former_drafts_too(live: LiveText) -> None:
    live.edit(DESK, BEN, "letters", edit(1, i(0, "a")))
    live.posted(DRAFT)
    (shown,) = live.switch(DESK, BEN, None)
    assert told([shown]) == ["changed off letters"]
    assert shown.drop


def test_withdrawing_ends_every_connection_of_the_author_and_nobody_elses(live: LiveText) -> None:
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.edit(PHONE, ANNA, "letters", edit(1, i(0, "b"), draft=OTHER))
    live.edit(DESK, BEN, "letters", edit(1, i(0, "c"), draft=(bens := new_id())))
    assert told(live.withdraw(ANNA)) == ["drop, clear", "drop, clear", "changed off letters"]
    assert (live.level_of(TAB, ANNA), live.level_of(PHONE, ANNA)) == (None, None)
    assert list(live.drafts) == [bens]
    assert told(live.withdraw(ANNA)) == []


def test_suspending_stops_all_and_going_on_says_so(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.edit(DESK, BEN, "letters", edit(1, i(0, "c"), draft=OTHER))
    shown = live.suspend(suspended=True)
    assert told(shown) == ["drop, clear", "drop, clear", *["changed off letters suspended"] * 2]
    assert live.drafts == {}
    assert live.levels_here() == {}
    assert live.suspend(suspended=True) == []
    assert told(live.suspend(suspended=False)) == ["changed on letters"] * 2
    assert live.levels_here() == {ANNA: "letters", BEN: "letters"}
    assert told(live.reset(TAB, ANNA, "letters", reset("a"))) == ["reset 1 a"]


# --- other gateways --------------------------------------------------------------------------------------------------


def test_a_participant_elsewhere() -> None:
    live = LiveText(C)
    assert told(live.elsewhere("gateway.2", {ANNA: "rhythm"}, [ANNA, BEN])) == ["changed on rhythm"]
    assert told(live.elsewhere("gateway.2", {ANNA: "rhythm"}, [ANNA, BEN])) == []
    assert told(live.switch(TAB, ANNA, "letters")) == ["changed on letters"]
    assert told(live.switch(TAB, ANNA, None)) == ["changed on rhythm"]
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 3, "••")) == ["reset 3 ••"]
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 4, "•")) == ["reset 4 •"]
    assert told(live.from_peer("gateway.3", ANNA, DRAFT, 0, None)) == []
    assert told(live.elsewhere("gateway.2", {}, [ANNA, BEN])) == ["drop, clear", "changed off rhythm"]
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 5, "late")) == []


def test_a_draft_elsewhere_ends() -> None:
    live = LiveText(C)
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    live.from_peer("gateway.2", ANNA, DRAFT, 3, "text")
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 0, None)) == ["clear"]
    live.posted(OTHER)
    assert told(live.from_peer("gateway.2", ANNA, OTHER, 3, "late")) == []
    live.suspend(suspended=True)
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 4, "text")) == []


def test_a_draft_elsewhere_can_be_taken_over_here(live: LiveText) -> None:
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    live.from_peer("gateway.2", ANNA, DRAFT, 3, "text")
    assert told(live.reset(TAB, ANNA, "letters", reset("here"))) == ["reset 1 here"]
    assert told(live.edit(TAB, ANNA, "letters", edit(2, i(0, "!")))) == ["edit 2"]
    assert told(live.from_peer("gateway.2", ANNA, DRAFT, 0, None)) == []


def test_edits_elsewhere_keep_their_frames() -> None:
    live = LiveText(C)
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    shown = live.edits_from_peer("gateway.2", ANNA, DRAFT, 0, [[i(0, "a", wait=70)], [i(1, "b", wait=90)]])
    frames = [one.frame for one in shown if isinstance(one.frame, Edit)]
    assert [(frame.rev, frame.ops) for frame in frames] == [(1, [(70, "i", 0, "a")]), (2, [(90, "i", 1, "b")])]
    assert told(live.edits_from_peer("gateway.2", ANNA, DRAFT, 2, [[d(0, 1)]])) == ["edit 3"]
    assert live.drafts[DRAFT].text == "b"


@pytest.mark.parametrize(
    ("base", "edits"),
    [(1, [[i(0, "c")]]), (3, [[i(0, "c")]]), (2, [[i(0, "c")], [d(7, 1)]])],
    ids=["again", "one is missing", "outside"],
)
def test_edits_elsewhere_that_do_not_follow_change_nothing(base: int, edits: list[list[Op]]) -> None:
    live = LiveText(C)
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    live.from_peer("gateway.2", ANNA, DRAFT, 2, "ab")
    with pytest.raises(Refused):
        live.edits_from_peer("gateway.2", ANNA, DRAFT, base, edits)
    assert (live.drafts[DRAFT].rev, live.drafts[DRAFT].text) == (2, "ab")


def test_edits_elsewhere_take_a_draft_over(live: LiveText) -> None:
    live.edit(TAB, ANNA, "letters", edit(1, i(0, "a")))
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    assert told(live.edits_from_peer("gateway.2", ANNA, DRAFT, 0, [[i(0, "b")]])) == ["reset 1 b"]
    assert told(live.edits_from_peer("gateway.2", ANNA, DRAFT, 1, [[i(1, "c")]])) == ["edit 2"]


def test_edits_elsewhere_of_nobody_who_is_on_or_of_somebody_elses_draft_are_not_shown(live: LiveText) -> None:
    assert live.edits_from_peer("gateway.2", ANNA, DRAFT, 0, [[i(0, "b")]]) == []
    live.edit(DESK, BEN, "letters", edit(1, i(0, "a")))
    live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA, BEN])
    assert live.edits_from_peer("gateway.2", ANNA, DRAFT, 0, [[i(0, "b")]]) == []
    assert live.from_peer("gateway.2", ANNA, DRAFT, 1, "b") == []
    assert live.drafts[DRAFT].text == "a"
