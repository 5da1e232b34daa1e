"""The consent forms as files: what the consent service relies on when it loads and hashes them."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from services.consent.domain.forms import BadForms, collect, parse, unpublished
from services.consent.ingress import read_forms
from shared.contracts.ids import Purpose

FORMS = Path(__file__).parents[3] / "services" / "consent" / "forms"
LOCALES = ("en", "fr")
FILES = sorted(FORMS.rglob("*.md"))
NAME = re.compile(r"(?P<version>[1-9]\d*)\.(?P<locale>[a-z]{2})\.md")


def _versions(purpose: str, locale: str) -> set[int]:
    names = [NAME.fullmatch(path.name) for path in (FORMS / purpose).iterdir()]
    return {int(name["version"]) for name in names if name and name["locale"] == locale}


def test_there_is_a_folder_for_each_purpose_and_no_other() -> None:
    assert {path.name for path in FORMS.iterdir()} == set(get_args(Purpose))


@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_each_language_has_the_same_versions_without_gaps(purpose: str) -> None:
    english = _versions(purpose, "en")
    assert english == set(range(1, len(english) + 1))
    assert english
    for locale in LOCALES:
        assert _versions(purpose, locale) == english


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_form_is_a_title_an_empty_line_and_a_text(path: Path) -> None:
    assert NAME.fullmatch(path.name)
    raw = path.read_bytes()
    content = raw.decode("utf-8", errors="strict")
    # The hash of the shown text is what a decision records: it must not depend on a normal form or line ending.
    assert unicodedata.is_normalized("NFC", content)
    assert b"\r" not in raw
    assert not raw.startswith(b"\xef\xbb\xbf")
    first, empty, *text = content.split("\n")
    assert first.removeprefix("title: ").strip() == first.removeprefix("title: ") != ""
    assert first.startswith("title: ")
    assert empty == ""
    assert "\n".join(text).strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_text_uses_only_paragraphs_headings_and_lists(path: Path) -> None:
    """The page shows these three and nothing else, so that a form looks the same wherever it is read."""
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        assert not re.search(r"<|\*|`|\]\(|^#(?!# \S)|^\s+|^>|^\d+\.", line), line
        assert line == line.rstrip()


def test_a_head_says_when_grants_end() -> None:
    form = parse("live_text", 2, "en", "title: T\nvalid_days: 30\nolder_lapse_at: 2027-01-01T00:00:00Z\n\nText.\n")
    assert (form.title, form.text, form.valid_days) == ("T", "Text.", 30)
    assert form.older_lapse_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("title: T\n\n", "not a title"),
        ("T\n\nText.", "not a title"),
        ("title: T\nText.", "not a title"),
        ("title: T\nauthor: N\n\nText.", "something else"),
        ("title: T\nvalid_days\n\nText.", "something else"),
        ("title: T\nvalid_days: many\n\nText.", "can't be read"),
        ("title: T\nolder_lapse_at: soon\n\nText.", "can't be read"),
    ],
)
def test_what_is_no_form_is_named(raw: str, said: str) -> None:
    with pytest.raises(BadForms, match=said) as bad:
        parse("live_text", 2, "en", raw)
    assert str(bad.value).startswith("live_text/2.en: ")


def test_heads_of_one_version_are_alike_and_what_was_published_stays() -> None:
    forms = read_forms()
    other = [replace(f, valid_days=1) if (f.purpose, f.locale) == ("live_text", "fr") else f for f in forms]
    with pytest.raises(BadForms, match="live_text/1: the heads of its languages differ"):
        collect(other)
    assert unpublished(forms, forms) == []
    assert unpublished(forms, forms[1:]) == forms[:1]
    changed = [replace(forms[0], sha256="0" * 64), *forms[1:]]
    with pytest.raises(BadForms, match="changed after it was published"):
        unpublished(changed, forms)
