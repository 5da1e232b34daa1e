"""What text a person may write: the rules of protocol sections 2.1 and 2.2, for messages, notes and drafts alike."""

TEXT_MAX = 8_000
"""Code points of a message or a draft."""

NOTE_MAX = 20_000
"""Code points of a note: a frame holds 65,536 bytes."""

BULLET = "\u2022"
"""Stands for every code point at the level ``rhythm``."""


def has_forbidden(text: str) -> bool:
    """Whether the text holds a NUL, which Postgres can't store, or a lone surrogate, which UTF-8 can't carry."""
    if text.isascii():
        return "\0" in text
    try:
        return "\0" in text or not text.encode()
    except UnicodeEncodeError:
        return True


def fault(text: str, longest: int = TEXT_MAX) -> str | None:
    """Why this text can't be a message, in one word, or None.

    One of ``empty`` (only white space counts as empty), ``too_long``, ``forbidden`` (NUL or lone surrogate).
    """
    if has_forbidden(text):
        return "forbidden"
    if not text.strip():
        return "empty"
    return "too_long" if len(text) > longest else None
