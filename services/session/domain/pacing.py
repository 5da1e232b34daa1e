"""Pacing: a tally that grows with each message, shrinks with each deletion, and equals one made from scratch.

A tally holds counts and the last turn. All turns are kept elsewhere, in the order of their first messages; who changes
a tally is told which of them changed. docs/pacing.md defines the figures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shared.contracts.features.pacing import Ratios
from shared.contracts.ids import Intervention, Role

ROLES: tuple[Role, Role] = ("client", "therapist")
RECENT_WORDS = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A message as pacing sees it."""

    seq: int
    n: int
    who: Role
    at_ms: int
    words: int
    intervention: Intervention | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A maximal run of messages by one person, of which ``seq`` and ``at_ms`` are the first's."""

    seq: int
    who: Role
    at_ms: int
    messages: int
    words: int
    reply_ms: int | None


@dataclass(slots=True)
class Side:
    """What one of the two has said. ``replies``: how many reply times are in each bucket."""

    messages: int = 0
    words: int = 0
    turns: int = 0
    longest_run: int = 0
    interventions: dict[Intervention, int] = field(default_factory=dict)
    replies: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """A conversation or a session so far. ``last``: the turn that may go on."""

    sides: dict[Role, Side] = field(default_factory=lambda: {role: Side() for role in ROLES})
    last: Turn | None = None


@dataclass(slots=True)
class Changes:
    """What became of turns: those that are new or other than before, by ``seq``; those that are no more.

    ``shrunk``: whose longest run may be shorter now, and is to be looked up.
    """

    kept: dict[int, Turn] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    shrunk: set[Role] = field(default_factory=set)

    def keep(self, turn: Turn) -> None:
        self.kept[turn.seq] = turn
        self.gone.discard(turn.seq)

    def drop(self, turn: Turn) -> None:
        self.kept.pop(turn.seq, None)
        self.gone.add(turn.seq)


@dataclass(frozen=True, slots=True)
class Around:
    """The turn of a message, its neighbours, and the message that is the turn's first when this one is gone."""

    turn: Turn
    before: Turn | None
    after: Turn | None
    beyond: Turn | None
    """The turn behind ``after``, by the same person as ``turn``."""
    first: tuple[int, int] | None
    """``seq`` and ``at_ms`` of the turn's first other message."""


def bucket(ms: int) -> int:
    """A narrow range of reply times: 16 for each doubling, so that one holds few of many."""
    if ms < 32:
        return ms
    e = ms.bit_length() - 5
    return (e << 4) + (ms >> e)


def lowest(index: int) -> int:
    """The shortest reply time of a bucket."""
    if index < 32:
        return index
    e = (index >> 4) - 1
    return (index - (e << 4)) << e


@dataclass(frozen=True, slots=True)
class Median:
    """Where the median of reply times is: ``count`` of them, ``skip`` behind the first that isn't below ``from_ms``."""

    from_ms: int
    skip: int
    count: int


def median_of(side: Side) -> Median | None:
    """None: there are no replies."""
    total = sum(side.replies.values())
    if not total:
        return None
    skip = (total - 1) // 2
    for index in sorted(side.replies):
        if skip < side.replies[index]:
            return Median(lowest(index), skip, 2 - total % 2)
        skip -= side.replies[index]
    raise AssertionError("unreachable")


def _count(side: Side, reply_ms: int | None, by: int) -> None:
    if reply_ms is None:
        return
    index = bucket(reply_ms)
    left = side.replies.get(index, 0) + by
    if left:
        side.replies[index] = left
    else:
        del side.replies[index]


def grow(tally: Tally, messages: Iterable[Said]) -> Changes:
    """Take messages that follow, in order. Constant work for each."""
    changes = Changes()
    for said in messages:
        side, last = tally.sides[said.who], tally.last
        side.messages += 1
        side.words += said.words
        if said.intervention is not None:
            side.interventions[said.intervention] = side.interventions.get(said.intervention, 0) + 1
        if last is not None and last.who == said.who:
            turn = replace(last, messages=last.messages + 1, words=last.words + said.words)
        else:
            reply_ms = None if last is None else said.at_ms - last.at_ms
            turn = Turn(said.seq, said.who, said.at_ms, 1, said.words, reply_ms)
            side.turns += 1
            _count(side, reply_ms, 1)
        side.longest_run = max(side.longest_run, turn.words)
        tally.last = turn
        changes.keep(turn)
    return changes


def mark(tally: Tally, said: Said, intervention: Intervention) -> None:
    """A message is marked, perhaps in place of an earlier mark."""
    counts = tally.sides[said.who].interventions
    _unmark(counts, said.intervention)
    counts[intervention] = counts.get(intervention, 0) + 1


def _unmark(counts: dict[Intervention, int], intervention: Intervention | None) -> None:
    if intervention is None:
        return
    counts[intervention] -= 1
    if not counts[intervention]:
        del counts[intervention]


class _Removal:
    """Takes one message out of a tally."""

    def __init__(self, tally: Tally, around: Around) -> None:
        self._tally = tally
        self._around = around
        self.changes = Changes()

    def _reply(self, turn: Turn, since_ms: int | None) -> None:
        """A turn answers another moment than before, or none."""
        side = self._tally.sides[turn.who]
        reply_ms = None if since_ms is None else turn.at_ms - since_ms
        _count(side, turn.reply_ms, -1)
        _count(side, reply_ms, 1)
        self._keep(replace(turn, reply_ms=reply_ms))

    def _keep(self, turn: Turn) -> None:
        self.changes.keep(turn)
        if self._tally.last is not None and self._tally.last.seq == turn.seq:
            self._tally.last = turn

    def _drop(self, turn: Turn) -> None:
        side = self._tally.sides[turn.who]
        side.turns -= 1
        _count(side, turn.reply_ms, -1)
        self.changes.drop(turn)

    def run(self, said: Said) -> None:
        turn, side = self._around.turn, self._tally.sides[said.who]
        side.messages -= 1
        side.words -= said.words
        _unmark(side.interventions, said.intervention)
        if turn.words == side.longest_run:
            self.changes.shrunk.add(said.who)
        left = replace(turn, messages=turn.messages - 1, words=turn.words - said.words)
        if not left.messages:
            self._vanish()
        elif said.seq == turn.seq:
            self._begin_later(left)
        else:
            self._keep(left)

    def _begin_later(self, left: Turn) -> None:
        """The first message of a turn is gone: it is the next one that answers, and that is answered."""
        around = self._around
        assert around.first is not None
        self.changes.drop(left)
        seq, at_ms = around.first
        moved = replace(left, seq=seq, at_ms=at_ms)
        if self._tally.last is not None and self._tally.last.seq == left.seq:
            self._tally.last = moved
        self._reply(moved, None if around.before is None else around.before.at_ms)
        if around.after is not None:
            self._reply(around.after, at_ms)

    def _vanish(self) -> None:
        """Nothing is left of a turn: those around it, by the other person, become one."""
        around = self._around
        before, after = around.before, around.after
        self._drop(around.turn)
        if after is None:
            self._tally.last = before
        elif before is None:
            self._reply(after, None)
        else:
            self._drop(after)
            joined = replace(before, messages=before.messages + after.messages, words=before.words + after.words)
            side = self._tally.sides[joined.who]
            side.longest_run = max(side.longest_run, joined.words)
            if around.beyond is None:
                self._tally.last = joined
            else:
                self._reply(around.beyond, joined.at_ms)
            self._keep(joined)


def shrink(tally: Tally, said: Said, around: Around) -> Changes:
    """Take a message out that is deleted."""
    removal = _Removal(tally, around)
    removal.run(said)
    return removal.changes


Recent = list[tuple[Role, int]]
"""The last messages with words, as many as hold `RECENT_WORDS` or as there are; who said how many."""


def remember(recent: Recent, messages: Iterable[Said]) -> Recent:
    """The last words again, with what followed."""
    kept = [*recent, *((said.who, said.words) for said in messages if said.words)]
    words, begin = 0, len(kept)
    while begin and words < RECENT_WORDS:
        begin -= 1
        words += kept[begin][1]
    return kept[begin:]


def held(recent: Recent) -> float | None:
    """The therapist's share of exactly the last `RECENT_WORDS`; None: so many haven't been said."""
    left, therapist = RECENT_WORDS, 0
    for who, words in reversed(recent):
        counted = min(words, left)
        left -= counted
        if who == "therapist":
            therapist += counted
    return None if left else therapist / RECENT_WORDS


def ratio(part: int, of: int) -> float | None:
    """None: there is nothing to divide by."""
    return part / of if of else None


def ratios(marks: Mapping[Intervention, int]) -> Ratios:
    """Of motivational interviewing, from the therapist's marks."""
    simple, complex_ = marks.get("simple_reflection", 0), marks.get("complex_reflection", 0)
    open_ = marks.get("open_question", 0) + marks.get("socratic_question", 0)
    questions = open_ + marks.get("closed_question", 0)
    return Ratios(
        reflections_to_questions=ratio(simple + complex_, questions),
        open_to_all_questions=ratio(open_, questions),
        complex_to_all_reflections=ratio(complex_, simple + complex_),
    )
