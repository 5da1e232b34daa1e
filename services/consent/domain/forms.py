"""Consent forms: files with versions, in several languages; a decision is on the exact text that was shown."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from shared.contracts.frames.values import FormValue
from shared.contracts.ids import PURPOSES, Purpose

FALLBACK = "en"


class BadForms(Exception):  # noqa: N818 - an outcome
    """The forms can't be used; the service refuses to start."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The newest version of each purpose, in all its languages."""

    newest: dict[Purpose, dict[str, FormValue]]

    def shown_to(self, locale: str | None) -> list[FormValue]:
        """One form for each purpose, in the language that fits best."""
        return [_best(self.newest[purpose], locale) for purpose in PURPOSES]

    def find(self, purpose: Purpose, version: int, digest: str) -> FormValue | None:
        """The form in force that this names; None: it is another version, or another text."""
        forms = self.newest[purpose].values()
        return next((f for f in forms if f.version == version and f.sha256 == digest), None)


def _best(forms: dict[str, FormValue], locale: str | None) -> FormValue:
    wanted = (locale or FALLBACK).lower()
    return forms.get(wanted) or forms.get(wanted.split("-")[0]) or forms[FALLBACK]


def parse(purpose: Purpose, version: int, locale: str, raw: str) -> FormValue:
    """A form from its file: ``title: …``, an empty line, the text. Raises `BadForms`."""
    head, separator, text = unicodedata.normalize("NFC", raw).partition("\n\n")
    if not separator or not head.startswith("title: ") or "\n" in head or not text.strip():
        raise BadForms(f"{purpose}/{version}.{locale}: not a title, an empty line and a text")
    text = text.strip()
    title = head.removeprefix("title: ").strip()
    digest = sha256(text.encode()).hexdigest()
    return FormValue(purpose=purpose, version=version, title=title, text=text, locale=locale, sha256=digest)


def collect(forms: Iterable[FormValue]) -> Forms:
    """Raises `BadForms`: a purpose has no form, or its newest version none in the fallback language."""
    newest: dict[Purpose, dict[str, FormValue]] = {}
    for form in sorted(forms, key=lambda f: f.version):
        known = newest.setdefault(form.purpose, {})
        if any(other.version < form.version for other in known.values()):
            known.clear()
        known[form.locale] = form
    for purpose in PURPOSES:
        if FALLBACK not in newest.get(purpose, {}):
            raise BadForms(f"{purpose}: the newest version has no text in {FALLBACK}")
    return Forms(newest)
