"""Drafts: the text that an author has in hand, changed by operations in code points (protocol, section 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.errors import Code, Refused
from shared.contracts.frames.client import Op
from shared.contracts.ids import Level
from shared.contracts.text import BULLET, TEXT_MAX, has_forbidden


@dataclass(slots=True)
class Draft:
    """An open draft, as the gateway knows it. ``author`` is a participant, ``holder`` the connection that writes it."""

    id: str
    author: str
    holder: str
    rev: int
    text: str


def _writable(text: str, level: Level) -> bool:
    if level == "rhythm":
        return text.strip(BULLET) == ""
    return not has_forbidden(text)


def grows_too_long(length: int, ops: Sequence[Op]) -> bool:
    """Whether the draft would be above its limit after any of the operations."""
    for op in ops:
        length += len(op[3]) if op[1] == "i" else -op[3]
        if length > TEXT_MAX:
            return True
    return False


def apply(text: str, ops: Sequence[Op], level: Level) -> str:
    """The text after the operations.

    Raises:
        Refused: ``bad_op``, an operation lies outside the draft or inserts what may not be; ``too_long``.
    """
    for op in ops:
        pos = op[2]
        if op[1] == "i":
            if pos > len(text) or not _writable(op[3], level):
                raise Refused(Code.BAD_OP)
            text = text[:pos] + op[3] + text[pos:]
            if len(text) > TEXT_MAX:
                raise Refused(Code.TOO_LONG)
        else:
            if pos + op[3] > len(text):
                raise Refused(Code.BAD_OP)
            text = text[:pos] + text[pos + op[3] :]
    return text


def edited(draft: Draft | None, holder: str, rev: int, ops: Sequence[Op], level: Level) -> tuple[str, bool]:
    """What an edit makes of a draft: its new text, and whether it follows what readers were sent.

    An edit with ``rev`` 1 from another connection of the author takes the draft over and starts it anew.

    Raises:
        Refused: ``too_long``, ``bad_rev`` (``details.expected``), ``bad_op``, in this order.
    """
    mine = draft is not None and draft.holder == holder
    base = draft.text if draft is not None and mine else ""
    expected = draft.rev + 1 if draft is not None and mine else 1
    if rev == expected:
        try:
            return apply(base, ops, level), draft is None or mine
        except Refused as refusal:
            if refusal.code is Code.TOO_LONG or not grows_too_long(len(base), ops):
                raise
    if grows_too_long(len(base), ops):
        raise Refused(Code.TOO_LONG)
    raise Refused(Code.BAD_REV, {"expected": expected})


def check_reset(text: str, level: Level) -> None:
    """Raises `Refused`: ``too_long``, ``bad_op``."""
    if len(text) > TEXT_MAX:
        raise Refused(Code.TOO_LONG)
    if not _writable(text, level):
        raise Refused(Code.BAD_OP)
