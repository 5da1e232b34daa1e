"""A tally that grew and shrank message by message is the one made from scratch of what is left."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from statistics import median
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.session.domain import pacing
from services.session.domain.pacing import ROLES, Around, Changes, Said, Tally, Turn
from shared.contracts.ids import Intervention, Role

messages = st.lists(
    st.tuples(
        st.sampled_from(ROLES),
        st.integers(0, 100_000),
        st.integers(0, 40),
        st.none() | st.sampled_from(get_args(Intervention)),
    ),
    max_size=40,
)


@dataclass
class Kept:
    """The turns of a tally, as the store has them."""

    tally: Tally = field(default_factory=Tally)
    turns: dict[int, Turn] = field(default_factory=dict)

    def apply(self, changes: Changes) -> None:
        for seq in changes.gone:
            del self.turns[seq]
        self.turns |= changes.kept
        for role in changes.shrunk:
            runs = [turn.words for turn in self.turns.values() if turn.who == role]
            self.tally.sides[role].longest_run = max(runs, default=0)

    def around(self, said: Said, left: Sequence[Said]) -> Around:
        order = sorted(self.turns)
        here = bisect_right(order, said.seq) - 1

        def turn(index: int) -> Turn | None:
            return self.turns[order[index]] if 0 <= index < len(order) else None

        found, after = turn(here), turn(here + 1)
        assert found is not None
        until = after.seq if after is not None else 2**62
        first = next(((m.seq, m.at_ms) for m in left if said.seq < m.seq < until), None)
        return Around(found, turn(here - 1), after, turn(here + 2), first)

    def median_s(self, who: Role) -> float | None:
        """As the store finds it."""
        where = pacing.median_of(self.tally.sides[who])
        if where is None:
            return None
        times = sorted(t.reply_ms for t in self.turns.values() if t.who == who and t.reply_ms is not None)
        found = [ms for ms in times if ms >= where.from_ms][where.skip : where.skip + where.count]
        assert len(found) == where.count
        return sum(found) / len(found) / 1_000


def scratch(left: Sequence[Said]) -> dict[Role, tuple[object, ...]]:
    """The figures by their definitions, with nothing of ours."""
    runs = [list(run) for _, run in groupby(left, key=lambda m: m.who)]
    figures: dict[Role, tuple[object, ...]] = {}
    for who in ROLES:
        own = [m for m in left if m.who == who]
        times = [b[0].at_ms - a[0].at_ms for a, b in pairwise(runs) if b[0].who == who]
        spoken = [sum(m.words for m in run) for run in runs if run[0].who == who]
        figures[who] = (
            len(own),
            sum(m.words for m in own),
            len(spoken),
            max(spoken, default=0),
            median(times) / 1_000 if times else None,
            Counter(m.intervention for m in own if m.intervention),
        )
    return figures


def figures(kept: Kept) -> dict[Role, tuple[object, ...]]:
    return {
        who: (s.messages, s.words, s.turns, s.longest_run, kept.median_s(who), Counter(s.interventions))
        for who, s in kept.tally.sides.items()
    }


def said(drawn: Sequence[tuple[Role, int, int, Intervention | None]]) -> list[Said]:
    at, found = 0, []
    for seq, (who, wait_ms, words, intervention) in enumerate(drawn, start=1):
        at += wait_ms
        found.append(Said(seq, seq, who, at, words, intervention))
    return found


@settings(max_examples=300, deadline=None)
@given(messages, st.data())
def test_growing_and_shrinking_equals_counting_anew(
    drawn: list[tuple[Role, int, int, Intervention | None]], data: st.DataObject
) -> None:
    kept, left, coming = Kept(), list[Said](), said(drawn)
    recent: pacing.Recent = []
    for _ in range(data.draw(st.integers(1, 30))):
        if not coming and not left:
            break
        what = data.draw(st.sampled_from(["grow"] * bool(coming) + ["shrink", "shrink", "mark"] * bool(left)))
        if what == "grow":
            several = data.draw(st.integers(1, len(coming)))
            new, coming = coming[:several], coming[several:]
            kept.apply(pacing.grow(kept.tally, new))
            recent = pacing.remember(recent, new)
            left += new
        elif what == "mark":
            index = data.draw(st.integers(0, len(left) - 1))
            mark = data.draw(st.sampled_from(get_args(Intervention)))
            pacing.mark(kept.tally, left[index], mark)
            left[index] = replace(left[index], intervention=mark)
        else:
            gone = left.pop(data.draw(st.integers(0, len(left) - 1)))
            kept.apply(pacing.shrink(kept.tally, gone, kept.around(gone, left)))
            recent = pacing.remember([], left)
        assert figures(kept) == scratch(left)
        assert kept.turns == _turns(left)
        assert kept.tally.last == (kept.turns[max(kept.turns)] if kept.turns else None)
        assert pacing.held(recent) == _held(left)
        assert sum(words for _, words in recent[1:]) < pacing.RECENT_WORDS  # no more is kept than needed


def _turns(left: Sequence[Said]) -> dict[int, Turn]:
    found = Kept()
    found.apply(pacing.grow(found.tally, left))
    return found.turns


def _held(left: Sequence[Said]) -> float | None:
    each = [m.who for m in left for _ in range(m.words)][-pacing.RECENT_WORDS :]
    return each.count("therapist") / len(each) if len(each) == pacing.RECENT_WORDS else None


@given(st.integers(0, 2**45), st.integers(0, 2**45))
def test_buckets_keep_the_order(a: int, b: int) -> None:
    assert pacing.lowest(pacing.bucket(a)) <= a
    assert (
        (pacing.bucket(a) <= pacing.bucket(b)) == (pacing.lowest(pacing.bucket(a)) <= b)
        or a == b
        or (pacing.bucket(a) == pacing.bucket(b))
    )
    if a <= b:
        assert pacing.bucket(a) <= pacing.bucket(b)
    assert pacing.bucket(pacing.lowest(pacing.bucket(a))) == pacing.bucket(a)
