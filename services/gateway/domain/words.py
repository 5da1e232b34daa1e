"""How many words a text has: segments between word boundaries (UAX #29) that hold a letter or a digit.

An emoji counts as none, whatever it is made of: a keycap has a digit in it, and 🅰 is a letter to Unicode.
"""

import regex

_WORD = regex.compile(r"(?wV1s)[\p{Alphabetic}\p{N}].*?\b")
"""From a letter or digit to the end of its segment; by default Unicode's boundaries, not those of `re`."""
_EMOJI = regex.compile(r"(?V1)[0-9#*]\uFE0F?\u20E3|[\p{Emoji}--[0-9#*]]\uFE0F?")


def count(text: str) -> int:
    """The words of a text; of one that is empty, or only emojis and signs: 0."""
    if not text.isascii():
        text = _EMOJI.sub(" ", text)
    return len(_WORD.findall(text))
