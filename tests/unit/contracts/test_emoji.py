"""Emoji as a person sees them: which texts are exactly one, and which are the same."""

from time import process_time

import pytest
import regex
from emoji import EMOJI_DATA, STATUS
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.emoji import USES_MOST, identities, identity
from shared.contracts.tones import TONES, is_tone

LISTED = {text: entry for text, entry in EMOJI_DATA.items() if entry["status"] != STATUS["component"]}
TONED = regex.compile("[\U0001f3fb-\U0001f3ff]")

SAME = {
    "❤️": ["❤", "❤\ufe0e", "❤\ufe0f"],
    "👍": ["👍🏻", "👍🏽", "👍🏿", "👍\ufe0f"],
    "1️⃣": ["1\u20e3", "1\ufe0f\u20e3"],
    "👩‍⚕️": ["👩🏾‍⚕️", "👩🏾‍⚕", "👩‍⚕"],
    "🤝": ["🤝🏽", "🫱🏻‍🫲🏿"],
    "👫": ["👫🏽", "👩🏻‍🤝‍👨🏿"],
    "🧑‍🤝‍🧑": ["🧑🏿‍🤝‍🧑🏻", "🧑🏿‍🤝‍🧑🏿"],
    "💑": ["💑🏽", "🧑🏻‍❤️‍🧑🏿"],
    "💏": ["💏🏼", "🧑🏻‍❤️‍💋‍🧑🏿"],
    "🕵️‍♂️": ["🕵🏿‍♂️", "🕵‍♂", "🕵️‍♂"],
}
ONE = ["🐢", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈", "#️⃣", "❤️‍🔥", "🐈‍⬛", "👁️‍🗨️", "™"]
NONE = {
    "nothing": "",
    "a letter": "a",
    "a digit": "1",
    "a sign of keycaps": "#",
    "a word": "turtle",
    "two": "🐢🐢",
    "a space behind it": "🐢 ",
    "a line before it": "\n🐢",
    "a skin tone": "🏽",
    "hair": "🦰",
    "a tone that it can't have": "🐢🏽",
    "half a flag": "🇩",
    "no country's flag": "🇽🇽",
    "flag letters with something between": "🇩\ufe0f🇪",
    "two flags": "🇩🇪🇫🇷",
    "a flag that isn't listed": "🏴󠁵󠁳󠁴󠁸󠁿",
    "a flag without an end": "🏴󠁧󠁢󠁥󠁮󠁧",
    "joined to nothing": "🐢\u200d",
    "joined to what it doesn't join": "🐢‍🔥",
    "a family that fell apart": "👨‍\ufe0f👩",
    "a selector alone": "\ufe0f",
    "a selector before it": "\ufe0f🐢",
    "two selectors": "❤\ufe0f\ufe0f",
    "a heap of selectors": "❤" + "\ufe0f" * 9_000,
    "an accent on it": "🐢\u0301",
    "a joiner": "\u200d",
    "not an emoji": "♔",
    "a keycap of a letter": "a\u20e3",
    "a NUL": "\0",
}


@pytest.mark.parametrize(("wanted", "written"), [(one, w) for one, several in SAME.items() for w in several])
def test_one_emoji_however_it_is_written(wanted: str, written: str) -> None:
    assert identity(written) == identity(wanted) == wanted
    assert identities(f"I feel {written} today") == [wanted]


@pytest.mark.parametrize("text", ONE)
def test_what_a_person_sees_as_one_is_one(text: str) -> None:
    assert identity(text) is not None
    assert identities(f"é{text}é") == [identity(text)]


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_what_is_not_exactly_one_emoji(text: str) -> None:
    assert identity(text) is None


def test_all_of_unicodes_list() -> None:
    """Each has an identity, which is listed, whole and without a tone, and is its own."""
    for text in LISTED:
        one = identity(text)
        assert one is not None
        assert LISTED[one]["status"] == STATUS["fully_qualified"]
        assert not TONED.search(one)
        assert identity(one) == one
        assert identities(text) == [one]
        if LISTED[text]["status"] == STATUS["fully_qualified"] and not TONED.search(text):
            assert one == text


def test_components_are_none() -> None:
    components = [text for text, entry in EMOJI_DATA.items() if entry["status"] == STATUS["component"]]
    assert len(components) == 9
    assert not [text for text in components if identity(text)]


def by_clusters(text: str) -> list[str]:
    """The same by the definition alone: cluster by cluster."""
    found = dict.fromkeys(one for c in regex.findall(r"\X", text) if (one := identity(c)) is not None)
    return list(found)[:USES_MOST]


pieces = st.one_of(
    st.sampled_from([*LISTED, *NONE.values()]).filter(lambda text: len(text) < 100),
    st.text(max_size=4),
    st.sampled_from(
        ["\u200d", "\ufe0f", "\u20e3", "🏽", "🇩", "🇪", "1", "#", "é", "’", "\u0301", "\U000e0067", "\u0600", "\r\n"]
    ),
)


@given(st.lists(pieces, max_size=12).map("".join))
@example("\u0600🐢")  # a sign that is one cluster with what follows it
@example("✀\u200d🐢 1⃣ 🇩🇪🇫")
def test_those_of_a_text_are_found_as_by_the_definition(text: str) -> None:
    assert identities(text) == by_clusters(text)


@given(st.text("🇩🇪🇫🇷\u0600\ufe0f\u0301\u0903\u200da", max_size=30))
@example("\u0600🇩🇪🇫🇷")
@example("🇩🇪\u0301🇫🇷🇩")
def test_flag_letters_pair_as_by_the_definition(text: str) -> None:
    assert identities(text) == by_clusters(text)


def spent(text: str) -> float:
    """The least time of several tries."""
    tries = []
    for _ in range(7):
        begun = process_time()
        identities(text)
        tries.append(process_time() - begun)
    return min(tries)


@pytest.mark.parametrize("sign", ["\u0600", "🇩", "🇩🇪", "🐢\u200d", "\u0301", "1\u20e3", "क\u094d", "\u1100"])
def test_a_text_of_whatever_signs_is_read_in_a_time_that_grows_as_it_does(sign: str) -> None:
    """Eight times the text: eight times as long, where each sign looked at all others it would be sixty-four times."""
    assert spent("🐢" + sign * 32_000) < 24 * spent("🐢" + sign * 4_000)


@given(st.lists(st.sampled_from(list(LISTED)), max_size=12))
def test_emoji_in_words_are_all_found(several: list[str]) -> None:
    assert identities("a".join(several)) == list(dict.fromkeys(identity(text) for text in several))


def test_a_text_full_of_emoji_is_bounded() -> None:
    assert identities(" ".join(LISTED)) == by_clusters(" ".join(LISTED))
    assert len(identities(" ".join(LISTED))) == USES_MOST


def test_tones() -> None:
    assert all(is_tone(tone) for tone in [*TONES, "🙂", "👍🏽"])
    assert not any(is_tone(tone) for tone in ["", "Calm", "calm ", "🙂🙂", "whatever"])
