"""Emoji as what a person sees: extended grapheme clusters (UAX #29) that Unicode's ``emoji-test.txt`` lists.

An emoji's *identity* is its fully qualified form without skin tones: with another tone, or other presentation
selectors, it is the same symbol. What somebody wrote is kept as they wrote it, to be shown.
"""

import re

import regex
from emoji import EMOJI_DATA, STATUS

USES_MOST = 100
"""Different emoji of one text that are told apart; any text of a person's has fewer."""

_CLUSTER = regex.compile(r"\X")
_SELECTOR = re.compile("[\ufe0e\ufe0f]")
_DOUBLED = re.compile("[\ufe0e\ufe0f]{2}")
_NAMED_TONES = re.compile(r"(?:_person_person)?(?:_(?:light|medium-light|medium|medium-dark|dark)_skin_tone)+")
_KEYCAP = "\u20e3"


def _identities() -> dict[str, str]:
    """Identities of all sequences in ``emoji-test.txt``, these without presentation selectors.

    Where two people of different tones are a sequence of their own (a handshake), only its name says which one it is
    without them. Components (a skin tone, or hair, alone) are none.
    """
    listed = {text: entry for text, entry in EMOJI_DATA.items() if entry["status"] != STATUS["component"]}
    qualified = {e["en"]: text for text, e in listed.items() if e["status"] == STATUS["fully_qualified"]}
    return {_SELECTOR.sub("", text): qualified[_NAMED_TONES.sub("", e["en"])] for text, e in listed.items()}


_IDENTITIES = _identities()
_SIGNS = {text[0] for text in _IDENTITIES if not text[0].isascii()} | {_KEYCAP}
"""Any text with an emoji in it has one of these, and hardly any other has: most texts are done with here."""
_CANDIDATE = regex.compile(
    r"\p{Regional_Indicator}{2}[\p{Grapheme_Cluster_Break=Extend}\p{Grapheme_Cluster_Break=SpacingMark}\u200d]*+"
    r"|(?=\p{Grapheme_Cluster_Break=Prepend}|\p{Extended_Pictographic}|[0-9#*]\ufe0f?\u20e3)\X"
)
"""A cluster that may be one, in a time that grows as the text does, whoever wrote it.

Flag letters pair from the first of a row on, as the scan does; ``\\X`` would count each row anew from each letter. A
cluster that a Prepend begins is never one, and is taken whole, so that the scan goes on behind it.
"""


def identity(text: str) -> str | None:
    """The identity of the emoji that this text is, exactly one and nothing else; else None."""
    if _CLUSTER.fullmatch(text) is None or _DOUBLED.search(text):
        return None
    return _IDENTITIES.get(_SELECTOR.sub("", text))


def identities(text: str) -> list[str]:
    """The identities of the emoji in a text, each once, in the order of their first use; `USES_MOST` at most."""
    if text.isascii() or _SIGNS.isdisjoint(text):
        return []
    found: dict[str, None] = {}
    for cluster in _CANDIDATE.finditer(text):
        if (one := identity(cluster.group())) is not None:
            found[one] = None
            if len(found) == USES_MOST:
                break
    return list(found)
