"""Live text to and from ITU-T T.140, the text of RFC 4103 calls: characters at the end, and a backspace for the last.

T.140 knows no place but the end: an edit further up erases back to it and writes what stood behind again. The text is
exact both ways; an operation at the end comes back as itself.
"""

import re
from collections.abc import Iterable, Sequence

from shared.contracts.frames.client import Op
from shared.interop import Unmappable

BACKSPACE = "\b"
NEW_LINE = "\u2028"
"""T.140's line separator; CR LF is understood as well."""

# C0 and C1 but the line feed, the separators and the byte order mark: T.140 has its own use for them, or none.
_NOT_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_TOKENS = re.compile("(\b+)|(\r\n|\r|\n|\u2028|\u2029)|([^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+)|.", re.DOTALL)

Timed = tuple[int, str]
"""Milliseconds to wait, and the characters that come then."""


def _written(text: str) -> str:
    if _NOT_TEXT.search(text):
        raise Unmappable("control_character")
    return text.replace("\n", NEW_LINE)


class ToT140:
    """One draft's operations as T.140 text."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def take(self, ops: Iterable[Op]) -> list[Timed]:
        """The characters that each operation is, after its wait.

        Raises:
            Unmappable: ``control_character``, T.140 would take a character of the text for a control; nothing is taken.
        """
        text = self.text
        timed: list[Timed] = []
        for op in ops:
            wait, at = op[0], op[2]
            behind = text[at + op[3] :] if op[1] == "d" else op[3] + text[at:]
            timed.append((wait, BACKSPACE * (len(text) - at) + _written(behind)))
            text = text[:at] + behind
        self.text = text
        return timed

    def clear(self) -> str:
        """What takes the draft back."""
        erased = BACKSPACE * len(self.text)
        self.text = ""
        return erased


class FromT140:
    """T.140 text as operations. One backspace takes one code point; controls that aren't of the text do nothing."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._after_return = False

    def take(self, timed: Sequence[Timed]) -> list[Op]:
        """The operations that the characters are; a wait before a character that does nothing is the next one's."""
        ops: list[Op] = []
        waited = 0
        for wait, characters in timed:
            waited += wait
            for op in self._operations(characters):
                ops.append((waited, "i", op[2], op[3]) if op[1] == "i" else (waited, "d", op[2], op[3]))
                waited = 0
        return ops

    def _operations(self, characters: str) -> list[Op]:
        ops: list[Op] = []
        added = ""
        at = len(self.text)
        for match in _TOKENS.finditer(characters):
            erased, line, plain = match.groups()
            if line == "\n" and self._after_return:
                line = None  # its CR came in the packet before
            self._after_return = characters[match.start() : match.end()] == "\r"
            if erased:
                kept = added[: -len(erased)] if len(erased) < len(added) else ""
                count = min(len(erased) - (len(added) - len(kept)), at)
                added = kept
                if count:
                    self.text = self.text[: at - count]
                    at -= count
                    ops.append((0, "d", at, count))
            elif line or plain:
                added += "\n" if line else plain
        if added:
            ops.append((0, "i", at, added))
            self.text += added
        return ops
