"""The consent forms as files: what the consent service relies on when it loads and hashes them."""

import re
import unicodedata
from pathlib import Path
from typing import get_args

import pytest

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
