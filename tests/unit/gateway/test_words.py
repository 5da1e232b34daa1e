"""Words are those of Unicode (UAX #29), as ICU has them too; an emoji counts as none."""

import random

import pytest

from services.gateway.domain.words import count
from tests.support.pacing import words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", 0),
        (" \n ?!…", 0),
        ("yes", 1),
        ("I can't, don't you see?", 5),
        ("l’ami d'hier", 2),
        ("3.14 is 1,000 times e.g. U.S.", 6),
        ("well-being and/or", 4),
        ("foo_bar", 1),
        ("🐢", 0),
        ("🐢 1️⃣ #️⃣ ℹ️ 🅰️ Ⓜ️ 🇫🇷 👩🏽‍🦱 👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ©️", 0),
        ("so🐢slow 1️⃣st", 3),
        ("1 #1", 2),
        ("Привет, мир", 2),
        ("한국어 단어", 2),
        ("a\u0301\u200db", 1),
    ],
)
def test_words_are_counted(text: str, wanted: int) -> None:
    assert count(text) == wanted


def test_icu_counts_the_same() -> None:
    chance = random.Random(29)
    pieces = [*"ab'’.:,;_ 1éשЖ\"d7\n-/ ", "e\u0301", "a\u200d", " 🐢 ", " 👩‍👧 ", " 🇫🇷 ", " 👍🏽 "]
    texts = ["".join(chance.choices(pieces, k=chance.randint(1, 30))) for _ in range(5_000)]
    assert [count(text) for text in texts] == [len(found) for found in words(texts)]
