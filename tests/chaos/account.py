"""The clients' own account: what was attempted, what was acknowledged, what each reader saw, and in which order.

In: what clients send and frames as they come. Out: a verdict, which holds nothing but what the protocol promises.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Frame = dict[str, Any]
KINDS = ("lost", "doubled", "gaps", "reordered", "changed")


@dataclass
class Verdict:
    """What went against the protocol, by kind; and any other reason why a row isn't well."""

    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, what: str) -> None:
        self.found[kind].append(what)

    @property
    def zero(self) -> bool:
        return not self.wrong and not any(self.found.values())

    @property
    def numbers(self) -> str:
        return " / ".join(str(len(self.found[kind])) for kind in KINDS)

    def reasons(self, most: int = 3) -> list[str]:
        told = [f"{kind}: {what}" for kind in KINDS for what in self.found[kind][:most]]
        return told + self.wrong[:most]


@dataclass(frozen=True)
class Place:
    """Where a message stands."""

    seq: int
    n: int
    at: str


@dataclass(eq=False)
class Message:
    """One message, as its author knows it."""

    id: str
    text: str
    sender: str
    first_sent: float = 0.0
    sent: int = 0
    place: Place | None = None
    acknowledged: float = 0.0
    confirmed: bool = False
    """The broker has confirmed the command, and nobody will send it again."""


@dataclass(frozen=True)
class Seen:
    """One message, as a reader saw it."""

    place: Place
    message: str
    sender: str
    text: str


def seen(frame: Frame) -> Seen:
    place = Place(frame["seq"], frame["n"], frame["at"])
    return Seen(place, frame["message"], frame["from"], frame["text"])


class Account:
    """One conversation's account, kept by the clients together."""

    def __init__(self, conversation: str, verdict: Verdict) -> None:
        self.conversation = conversation
        self.verdict = verdict
        self.messages: dict[str, Message] = {}
        self.counts: Counter[str] = Counter()

    def acknowledged(self, message: Message, place: Place, now: float) -> None:
        """An ``ok`` for a message came; a repeated one must say the same."""
        if message.place is None:
            message.place, message.acknowledged = place, now
        elif message.place != place:
            self.verdict.add("changed", f"{message.id}: ok said {message.place}, then {place}")

    def judge(self, history: list[Seen], views: Iterable["View"]) -> None:
        """Compare everything with the conversation as it is read back in the end."""
        self._judge_places(history)
        self._judge_identities(history)
        by_id = {one.message: one for one in history}
        for message in self.messages.values():
            self._judge_message(message, by_id.get(message.id))
        self._judge_order(by_id)
        for view in views:
            view.judge(history)

    def _judge_places(self, history: list[Seen]) -> None:
        verdict = self.verdict
        for number, one in enumerate(history, 1):
            if one.place.seq != number:
                verdict.add("gaps", f"history has seq {one.place.seq} at position {number}")
                break
        for before, after in pairwise(history):
            if after.place.n != before.place.n + 1:
                verdict.add("gaps", f"n {after.place.n} follows {before.place.n}")
            if after.place.at < before.place.at:
                verdict.add("reordered", f"seq {after.place.seq} is earlier than the one before it")

    def _judge_identities(self, history: list[Seen]) -> None:
        for message, times in Counter(one.message for one in history).items():
            if times > 1:
                self.verdict.add("doubled", f"{message} stands {times} times in the history")
            if message not in self.messages:
                self.verdict.add("changed", f"{message} was sent by nobody")

    def _judge_message(self, message: Message, kept: Seen | None) -> None:
        if kept is None:
            if message.place is not None or message.confirmed:
                self.verdict.add("lost", f"{message.id}, {message.place or 'confirmed by the broker'}, isn't there")
            return
        if (kept.text, kept.sender) != (message.text, message.sender):
            self.verdict.add("changed", f"{message.id} is read back with other content")
        if message.place is not None and kept.place != message.place:
            self.verdict.add("changed", f"{message.id}: acknowledged as {message.place}, read back as {kept.place}")

    def _judge_order(self, by_id: dict[str, Seen]) -> None:
        """What was acknowledged before another message was first sent stands before it."""
        soonest_behind = float("inf")
        kept = [(by_id[m.id].place.seq, m) for m in self.messages.values() if m.id in by_id]
        for seq, message in sorted(kept, key=lambda pair: pair[0], reverse=True):
            if soonest_behind < message.first_sent:
                self.verdict.add("reordered", f"seq {seq} was first sent after one behind it was acknowledged")
            if message.place is not None:
                soonest_behind = min(soonest_behind, message.acknowledged)


class View:
    """What one reader has of one conversation, over all of its connections."""

    def __init__(self, account: Account, name: str) -> None:
        self._account = account
        self.name = name
        self.seq = 0
        self.n = 0
        self.seen: dict[int, Seen] = {}
        self._own: dict[int, Message] = {}
        self._may_repeat: set[int] = set()
        """Counted by the ``ok`` of a message sent again; they may still be shown, in order, before anything newer."""

    def connected(self) -> None:
        """A new connection begins where the last one ended."""
        self._may_repeat.clear()

    def posted(self, frame: Frame) -> None:
        """``message.posted`` came, or an element of a history that is read instead of a resume."""
        one = seen(frame)
        seq = one.place.seq
        repeated = seq in self._may_repeat
        self._may_repeat = {later for later in self._may_repeat if repeated and later > seq}
        if seq <= self.seq and not repeated:
            self._add("doubled" if seq in self.seen or seq in self._own else "reordered", f"seq {seq} after {self.seq}")
        self._count(one.place)
        self.seen[seq] = one

    def ok(self, message: Message, place: Place, *, resent: bool) -> None:
        """An own message was acknowledged on this connection.

        The ``ok`` of a message that was sent only once counts as its one appearance. That of one sent again may be a
        repetition, which says nothing of what was shown already and may be followed by ``message.posted``.
        """
        if resent and place.seq != self.seq + 1:
            return
        if place.seq <= self.seq:
            self._add("doubled", f"ok for seq {place.seq} after {self.seq}")
        elif place.seq > self.seq + 1:
            self._add("reordered", f"ok for seq {place.seq} before what is below it, from {self.seq + 1} on")
        self._count(place)
        self._own[place.seq] = message
        self._may_repeat = self._may_repeat | {place.seq} if resent else set()

    def _count(self, place: Place) -> None:
        if place.seq > self.seq + 1:
            self._add("gaps", f"seq {place.seq} after {self.seq}")
        if place.seq == self.seq + 1 and self.n and place.n != self.n + 1:
            self._add("gaps", f"n {place.n} after {self.n}")
        if place.seq > self.seq:
            self.seq, self.n = place.seq, place.n

    def judge(self, history: list[Seen]) -> None:
        for one in history:
            seq = one.place.seq
            own = self._own.get(seq)
            if seq in self.seen and self.seen[seq] != one:
                self._add("changed", f"seq {seq} was shown otherwise than it is read back")
            if own is not None and own.id != one.message:
                self._add("changed", f"seq {seq} is another message than the one acknowledged so")
            if own is None and seq not in self.seen:
                self._add("gaps", f"seq {seq} was never shown")
        if self.seq > len(history):
            self._add("lost", f"seq {self.seq} was shown, history ends at {len(history)}")

    def _add(self, kind: str, what: str) -> None:
        self._account.verdict.add(kind, f"{self.name} in {self._account.conversation}: {what}")
