"""Live text against a plain model: whoever applies what is shown always has the author's text, in code points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from services.gateway.domain import drafts
from services.gateway.domain.drafts import Draft, edited, grows_too_long
from services.gateway.domain.live import Edit, LiveFrame, LiveText, Shown
from shared.contracts.errors import Code, Refused
from shared.contracts.frames import client, server
from shared.contracts.frames.client import Op
from shared.contracts.ids import Level, new_id
from shared.contracts.text import BULLET, TEXT_MAX

# Real text: combining marks, joiners, characters beyond the first plane, right-to-left; not the two that may not be.
characters = st.one_of(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    st.sampled_from(["a", " ", "\u0301", "\u200d", "👩", "🏽", "𝄞", "ß", "\u05d0", "\u202e", "\n", "\U0010ffff"]),
)
texts = st.text(characters, max_size=12)
pieces = st.text(characters, min_size=1, max_size=6)
waits = st.integers(0, 60_000)
places = st.integers(0, 20)
inserts = st.tuples(waits, st.just("i"), places, pieces)
deletes = st.tuples(waits, st.just("d"), places, st.integers(1, 8))
some_ops = st.lists(st.one_of(inserts, deletes), min_size=1, max_size=8)


R = TypeVar("R")


def tried(do: Callable[[], R]) -> R | Code:
    """What comes of it, or why it is refused."""
    try:
        return do()
    except Refused as refused:
        return refused.code


def model(text: str, ops: Sequence[Op]) -> str | None:
    """The plain model: a list of code points. None: an operation lies outside."""
    points = list(text)
    for op in ops:
        pos = op[2]
        if op[1] == "i":
            if pos > len(points):
                return None
            points[pos:pos] = list(op[3])
        else:
            if pos + op[3] > len(points):
                return None
            del points[pos : pos + op[3]]
    return "".join(points)


@given(texts, some_ops)
def test_operations_do_what_they_do_to_a_list_of_code_points(text: str, ops: list[Op]) -> None:
    wanted = model(text, ops)
    if wanted is None:
        with pytest.raises(Refused) as refused:
            drafts.apply(text, ops, "letters")
        assert refused.value.code is Code.BAD_OP
    else:
        assert drafts.apply(text, ops, "letters") == wanted


@given(texts, some_ops, some_ops)
def test_how_operations_are_cut_into_frames_makes_no_difference(text: str, first: list[Op], second: list[Op]) -> None:
    whole = model(text, [*first, *second])
    if whole is not None:
        assert drafts.apply(drafts.apply(text, first, "letters"), second, "letters") == whole


@given(texts, some_ops, st.sampled_from(["\0", "a\0", "\0𝄞"]), st.integers(0, 7))
def test_what_may_not_be_stored_is_never_inserted(text: str, ops: list[Op], bad: str, where: int) -> None:
    ops = [*ops[:where], (0, "i", 0, bad), *ops[where:]]
    with pytest.raises(Refused) as refused:
        drafts.apply(text, ops, "letters")
    assert refused.value.code is Code.BAD_OP


@given(st.integers(0, 12), some_ops)
def test_rhythm_takes_only_bullets(length: int, ops: list[Op]) -> None:
    dotted: list[Op] = [(op[0], "i", op[2], BULLET * len(op[3])) if op[1] == "i" else op for op in ops]
    start = BULLET * length
    wanted = model(start, dotted)
    if wanted is not None:
        assert drafts.apply(start, dotted, "rhythm") == wanted
    if any(op[1] == "i" and op[3].strip(BULLET) for op in ops):
        with pytest.raises(Refused):
            drafts.apply(start, ops, "rhythm")


long_ops = st.lists(
    st.one_of(
        st.tuples(waits, st.just("i"), st.just(0), st.integers(1, TEXT_MAX).map("𝄞".__mul__)),
        st.tuples(waits, st.just("d"), st.just(0), st.integers(1, TEXT_MAX)),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60)
@given(st.integers(0, TEXT_MAX), long_ops)
def test_a_draft_is_never_too_long_at_any_operation(length: int, ops: list[Op]) -> None:
    lengths, size = [], length
    for op in ops:
        size += len(op[3]) if op[1] == "i" else -op[3]
        lengths.append(size)
    assert grows_too_long(length, ops) == any(size > TEXT_MAX for size in lengths)
    draft = Draft(new_id(), "anna", "tab", 1, "x" * length)
    outcome = tried(lambda: edited(draft, "tab", 2, ops, "letters"))
    if any(size > TEXT_MAX for size in lengths):
        assert outcome is Code.TOO_LONG
    elif min(lengths) < 0:
        assert outcome is Code.BAD_OP
    else:
        assert isinstance(outcome, tuple)
        assert len(outcome[0]) == lengths[-1]
    assert (draft.rev, len(draft.text)) == (1, length)


def fitted(text: str, ops: list[Op]) -> list[Op]:
    """The same operations, moved so that they lie inside the draft; else few of them would."""
    fitting: list[Op] = []
    for op in ops:
        size = len(text)
        if op[1] == "i":
            fit: Op = (op[0], "i", op[2] % (size + 1), op[3])
        elif size:
            pos = op[2] % size
            fit = (op[0], "d", pos, min(op[3], size - pos))
        else:
            fit = (op[0], "i", 0, "𝄞")
        fitting.append(fit)
        text = model(text, [fit]) or ""
    return fitting


# --- a whole conversation --------------------------------------------------------------------------------------------

CONVERSATION, ANNA = new_id(), new_id()
TABS = ("tab", "phone")


@dataclass
class Reader:
    """Applies what it is shown, as a page would. One that is slow has frames waiting, of which some may be dropped."""

    slow: bool = False
    waiting: list[Shown] = field(default_factory=list)
    texts: dict[str, tuple[int, str]] = field(default_factory=dict)
    on: bool = False

    def show(self, shown: list[Shown]) -> None:
        for one in shown:
            if one.drop:
                is_text = Edit, server.LiveReset
                self.waiting = [w for w in self.waiting if not isinstance(w.frame, is_text)]
            self.waiting.append(one)
        if not self.slow:
            self.read()

    def read(self) -> None:
        for one in self.waiting:
            self._apply(one.frame)
        self.waiting.clear()

    def _apply(self, frame: LiveFrame) -> None:
        match frame:
            case server.LiveChanged():
                self.on = frame.on
            case server.LiveReset():
                self.texts[frame.draft] = (frame.rev, frame.text)
            case server.LiveClear():
                self.texts.pop(frame.draft, None)
            case Edit():
                rev, text = self.texts.get(frame.draft, (0, ""))
                assert frame.rev == rev + 1, "an edit that doesn't follow what was sent before"
                wanted = model(text, frame.ops)
                assert wanted is not None
                self.texts[frame.draft] = (frame.rev, wanted)

    def posted(self, draft: str) -> None:
        """The message itself ends a draft; it comes behind what waits."""
        self.read()
        self.texts.pop(draft, None)


class Writing(RuleBasedStateMachine):
    """Anna writes with two connections; one reader is quick, one is slow, and some come late."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.live = LiveText(CONVERSATION)
        self.quick = Reader()
        self.slow = Reader(slow=True)

    def show(self, shown: list[Shown]) -> None:
        self.quick.show(shown)
        self.slow.show(shown)

    @initialize(target=ids)
    def begin(self) -> object:
        for tab in TABS:
            self.switch(tab, "letters")
        return multiple(*(new_id() for _ in range(3)))

    @rule(target=ids)
    def think(self) -> str:
        return new_id()

    @rule(tab=st.sampled_from(TABS), level=st.sampled_from([None, "letters", "letters", "letters", "rhythm"]))
    def switch(self, tab: str, level: Level | None) -> None:
        self.show(self.live.switch(tab, ANNA, level))
        if level is None:
            assert all(draft.holder != tab for draft in self.live.drafts.values())

    def level(self, tab: str) -> Level | None:
        return None if self.live.suspended else self.live.level_of(tab, ANNA)

    @rule(tab=st.sampled_from(TABS), draft=ids, ops=some_ops, follows=st.integers(0, 9), fits=st.integers(0, 9))
    def edit(self, tab: str, draft: str, ops: list[Op], follows: int, fits: int) -> None:
        level = self.level(tab)
        if level is None:
            return
        known = self.live.drafts.get(draft)
        mine = known is not None and known.holder == tab
        base = known.text if known is not None and mine else ""
        expected = known.rev + 1 if known is not None and mine else 1
        rev = expected + 1 if follows == 0 else expected
        ops = ops if fits == 0 else fitted(base, ops)
        if level == "rhythm":
            ops = [(op[0], "i", op[2], BULLET * len(op[3])) if op[1] == "i" else op for op in ops]
        frame = client.LiveEdit(type="live.edit", conversation=CONVERSATION, draft=draft, rev=rev, ops=ops)
        wanted = model(base, ops)
        before = self.state()
        outcome = tried(lambda: self.live.edit(tab, ANNA, level, frame))
        if isinstance(outcome, Code):
            assert self.state() == before
            if outcome is not Code.CONFLICT:
                assert outcome is (Code.BAD_REV if rev != expected else Code.BAD_OP)
                assert rev != expected or wanted is None
            return
        assert self.live.drafts[draft].text == wanted
        self.show(outcome)

    @rule(tab=st.sampled_from(TABS), draft=ids, text=texts, rev=st.integers(1, 50))
    def reset(self, tab: str, draft: str, text: str, rev: int) -> None:
        level = self.level(tab)
        if level is None:
            return
        text = BULLET * len(text) if level == "rhythm" else text
        frame = client.LiveReset(type="live.reset", conversation=CONVERSATION, draft=draft, rev=rev, text=text)
        before = self.state()
        outcome = tried(lambda: self.live.reset(tab, ANNA, level, frame))
        if isinstance(outcome, Code):
            assert outcome is Code.CONFLICT
            assert self.state() == before
            return
        assert (self.live.drafts[draft].rev, self.live.drafts[draft].text) == (rev, text)
        self.show(outcome)

    @rule(draft=ids)
    def clear(self, draft: str) -> None:
        self.show(self.live.clear(ANNA, draft))
        assert draft not in self.live.drafts

    @rule(draft=consumes(ids))
    def post(self, draft: str) -> None:
        self.live.posted(draft)
        self.quick.posted(draft)
        self.slow.posted(draft)

    @rule(target=ids, text=texts, rev=st.integers(1, 9))
    def write_elsewhere(self, text: str, rev: int) -> object:
        self.show(self.live.elsewhere("gateway.2", {ANNA: "letters"}, [ANNA]))
        draft = new_id()
        self.show(self.live.from_peer("gateway.2", ANNA, draft, rev, text))
        return multiple(draft)

    @rule()
    def leave_elsewhere(self) -> None:
        self.show(self.live.elsewhere("gateway.2", {}, [ANNA]))

    @rule()
    def withdraw(self) -> None:
        self.show(self.live.withdraw(ANNA))
        assert self.live.drafts == {}

    @rule(suspended=st.booleans())
    def suspend(self, suspended: bool) -> None:
        self.show(self.live.suspend(suspended))

    @rule()
    def read_at_last(self) -> None:
        self.slow.read()
        assert self.slow.texts == self.quick.texts

    @rule()
    def come_late(self) -> None:
        late = Reader()
        late.show([self.live.reset_of(draft) for draft in self.live.drafts.values()])
        assert {k: text for k, (_, text) in late.texts.items()} == {d.id: d.text for d in self.live.drafts.values()}

    def state(self) -> dict[str, tuple[str, int, str]]:
        return {key: (d.holder, d.rev, d.text) for key, d in self.live.drafts.items()}

    @invariant()
    def the_reader_has_the_authors_text(self) -> None:
        assert {k: text for k, (_, text) in self.quick.texts.items()} == {
            d.id: d.text for d in self.live.drafts.values()
        }

    @invariant()
    def one_open_draft_a_connection(self) -> None:
        holders = [d.holder for d in self.live.drafts.values() if d.holder in TABS]
        assert len(holders) == len(set(holders))

    @precondition(lambda self: not self.quick.on)
    @invariant()
    def nothing_is_open_and_nothing_waits_while_off(self) -> None:
        assert self.live.drafts == {}
        assert not any(isinstance(w.frame, Edit | server.LiveReset) for w in self.slow.waiting)


Writing.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestWriting = Writing.TestCase
