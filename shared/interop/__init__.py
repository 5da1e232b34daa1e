"""Live text in the forms of other systems, as functions that a partner can use: XEP-0301 and ITU-T T.140.

See `docs/interop.md` for the mapping in words, and for what each form can't carry.
"""


class Unmappable(ValueError):  # noqa: N818 - it is what it says
    """What one form says has no place in the other. ``reason``, in one word: never the text itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
