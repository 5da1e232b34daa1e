"""The file of Socratic prompts is whole, and choosing goes round its themes."""

import json
from pathlib import Path

import pytest

from services.session.domain.prompts import OFFERED, load
from services.session.handlers.pacer import PROMPTS


def test_there_are_sixty_prompts_in_two_languages() -> None:
    prompts = load(PROMPTS)
    several = [prompt for own in prompts.themes.values() for prompt in own]
    assert len(several) >= 60
    for language in ("en", "fr"):
        texts = [prompt[language] for prompt in several]
        assert len(set(texts)) == len(texts)
        assert all(text.endswith("?") for text in texts)


def test_it_takes_long_until_a_prompt_comes_again() -> None:
    prompts = load(PROMPTS)
    several = sum(len(own) for own in prompts.themes.values())
    seen: list[str] = []
    for nth in range(several // OFFERED):
        chosen = prompts.choose(nth, "en-GB")
        assert len({prompt.theme for prompt in chosen}) == OFFERED
        seen += [prompt.id for prompt in chosen]
    assert len(set(seen)) == len(seen)
    assert prompts.choose(10**6, None)


def test_the_therapists_language_is_taken_where_it_is_there() -> None:
    prompts = load(PROMPTS)
    french, english = prompts.choose(0, "fr-CA"), prompts.choose(0, "de")
    assert [prompt.id for prompt in french] == [prompt.id for prompt in english]
    assert french[0].text != english[0].text == prompts.choose(0, None)[0].text


@pytest.mark.parametrize(
    ("broken", "why"),
    [({"id": "a-1", "en": "What?", "fr": " "}, "a: a-1 has no fr"), ({"en": "What?", "fr": "Quoi ?"}, "without id")],
)
def test_a_broken_prompt_is_named(tmp_path: Path, broken: dict[str, str], why: str) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps({"version": 1, "themes": {"a": [broken], "b": [], "c": []}}))
    with pytest.raises(ValueError, match=why):
        load(file)


def test_a_prompt_that_comes_twice_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    prompt = {"id": "a-1", "en": "What?", "fr": "Quoi ?"}
    file.write_text(json.dumps({"version": 1, "themes": {"a": [prompt], "b": [prompt], "c": []}}))
    with pytest.raises(ValueError, match="b: a-1 comes twice"):
        load(file)
