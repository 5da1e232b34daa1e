"""How a message is meant, as its author marks it: one emoji, or one of these words."""

from shared.contracts.emoji import identity

TONES = frozenset(
    {
        "affectionate", "angry", "anxious", "calm", "confused", "curious", "firm", "frustrated", "gentle", "grateful",
        "hopeful", "hurt", "joking", "overwhelmed", "playful", "proud", "relieved", "sad", "serious", "tired", "unsure",
        "warm",
    }
)  # fmt: skip


def is_tone(text: str) -> bool:
    return text in TONES or identity(text) is not None
