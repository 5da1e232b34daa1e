"""A draft in portions that each fit a frame of a given size (protocol, section 2.2: obscured connections)."""

import unicodedata
from collections import deque
from collections.abc import Iterable

import orjson

from shared.contracts.frames import server
from shared.contracts.frames.client import Op

OPS_MOST = 200
_JOINER = "\u200d"
_REGIONAL = range(0x1F1E6, 0x1F200)


def _continues(text: str, at: int) -> bool:
    """Whether the character here may belong to what a person sees as one with the character before."""
    if ord(text[at]) in _REGIONAL:  # flags are pairs
        before = at
        while before and ord(text[before - 1]) in _REGIONAL:
            before -= 1
        return (at - before) % 2 == 1
    return unicodedata.category(text[at]) in {"Mn", "Mc", "Me", "Cf", "Sk"} or text[at - 1] == _JOINER


def split(text: str, size: int) -> tuple[str, str]:
    """The longest beginning that takes at most ``size`` bytes as JSON, if possible not within a grapheme; at least one
    character.
    """
    low, high = 1, min(len(text), size)
    while low < high:
        middle = (low + high + 1) // 2
        if len(orjson.dumps(text[:middle])) <= size:
            low = middle
        else:
            high = middle - 1
    at = low
    while 1 < at < len(text) and _continues(text, at):
        at -= 1
    return (text[:at], text[at:]) if at > 1 else (text[:low], text[low:])


class Portions:
    """One author's draft on its way to one reader. A portion isn't an edit, so the revisions are of its own count."""

    def __init__(self, conversation: str, author: str, draft: str) -> None:
        self.author = author
        self.conversation = conversation
        self._draft = draft
        self._rev: int | None = None
        """Of what was sent last; None: nothing is known yet."""
        self._whole: str | None = None
        self._ops: deque[Op] = deque()

    @property
    def waiting(self) -> bool:
        return self._whole is not None or bool(self._ops)

    @property
    def long(self) -> bool:
        """Whether the whole text is less than what waits."""
        return len(self._ops) > OPS_MOST

    def edit(self, rev: int, ops: Iterable[Op]) -> None:
        """What follows on what the reader has, or will have got."""
        if self._rev is None:
            self._rev = rev - 1
        self._ops.extend(ops)

    def reset(self, rev: int, text: str) -> None:
        self._rev = rev - 1
        self._whole = text
        self._ops.clear()

    def next(self, size: int) -> bytes:
        """A frame of at most ``size`` bytes. Something must wait."""
        assert self._rev is not None
        self._rev += 1
        if self._whole is not None:
            return self._reset(self._whole, self._rev, size)
        frame = server.LiveEdit(
            conversation=self.conversation, draft=self._draft, rev=self._rev, ops=[], sender=self.author
        )
        taken = self._take(size - len(frame.model_dump_json().encode()))
        return frame.model_copy(update={"ops": taken}).model_dump_json().encode()

    def _reset(self, text: str, rev: int, size: int) -> bytes:
        self._whole = None
        frame = server.LiveReset(
            conversation=self.conversation, draft=self._draft, rev=rev, text="", sender=self.author
        )
        room = size - len(frame.model_dump_json().encode()) + 2
        head, rest = split(text, room) if len(orjson.dumps(text)) > room else (text, "")
        if rest:
            self._ops.appendleft((0, "i", len(head), rest))
        return frame.model_copy(update={"text": head}).model_dump_json().encode()

    def _take(self, room: int) -> list[Op]:
        """The operations that fit; of an insertion that doesn't, what fits of it."""
        taken: list[Op] = []
        while self._ops and len(taken) < OPS_MOST:
            op = self._ops[0]
            size = len(orjson.dumps(op)) + 1
            if size <= room:
                taken.append(self._ops.popleft())
                room -= size
                continue
            if not taken and op[1] == "i":
                head, rest = split(op[3], room - (size - len(orjson.dumps(op[3]))))
                taken.append((op[0], "i", op[2], head))
                self._ops[0] = (0, "i", op[2] + len(head), rest)
            break
        return taken
