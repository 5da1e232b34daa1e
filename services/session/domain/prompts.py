"""Socratic prompts: questions that a therapist may choose from, out of a data file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.contracts.features.pacing import Prompt

LOCALES = ("en", "fr")
OFFERED = 3


@dataclass(frozen=True, slots=True)
class Prompts:
    """A version of the file: by theme, each prompt's id and its text by language."""

    version: int
    themes: dict[str, list[dict[str, str]]]

    def choose(self, nth: int, locale: str | None) -> list[Prompt]:
        """The ``nth`` three, of three themes, going round so that it is long until one comes again."""
        language = (locale or "").split("-")[0].lower()
        language = language if language in LOCALES else LOCALES[0]
        names = list(self.themes)
        chosen = []
        for place in range(nth * OFFERED, (nth + 1) * OFFERED):
            theme = names[place % len(names)]
            prompt = self.themes[theme][place // len(names) % len(self.themes[theme])]
            chosen.append(Prompt(id=prompt["id"], theme=theme, text=prompt[language]))
        return chosen


def load(path: Path) -> Prompts:
    """The prompts of a file. Raises ValueError: it isn't whole; the message says where."""
    told = json.loads(path.read_text(encoding="utf-8"))
    prompts = Prompts(told["version"], told["themes"])
    seen: set[str] = set()
    for theme, several in prompts.themes.items():
        for prompt in several:
            _check(theme, prompt, seen)
    if len(prompts.themes) < OFFERED:
        raise ValueError(f"{path.name}: fewer than {OFFERED} themes")
    return prompts


def _check(theme: str, prompt: dict[str, str], seen: set[str]) -> None:
    name = prompt.get("id", "a prompt without id")
    if name in seen:
        raise ValueError(f"{theme}: {name} comes twice")
    seen.add(name)
    missing: Sequence[str] = [part for part in ("id", *LOCALES) if not prompt.get(part, "").strip()]
    if missing:
        raise ValueError(f"{theme}: {name} has no {', '.join(missing)}")
