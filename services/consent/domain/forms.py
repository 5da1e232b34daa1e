"""Consent forms: with versions, in several languages; a decision is on the exact text that was shown."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from hashlib import sha256

from services.consent import errors
from shared.contracts.consent_commands import Decide, PublishForm
from shared.contracts.frames.values import FormValue, FormVersionValue
from shared.contracts.ids import PURPOSES, Purpose, moment, rfc3339

EVERYBODY = "00000000-0000-0000-0000-000000000000"
"""The tenant of the forms that come as files."""
FALLBACK = "en"


class BadForms(Exception):  # noqa: N818 - an outcome
    """The forms can't be used; the service refuses to start."""


@dataclass(frozen=True, slots=True)
class Form:
    """A version of a form in one language. ``older_lapse_at``: when grants of older versions lapse, if they do."""

    tenant: str
    purpose: Purpose
    version: int
    locale: str
    title: str
    text: str
    sha256: str
    valid_days: int | None = None
    older_lapse_at: datetime | None = None

    def value(self) -> FormValue:
        return FormValue(
            purpose=self.purpose,
            version=self.version,
            title=self.title,
            text=self.text,
            locale=self.locale,
            sha256=self.sha256,
        )

    def published(self, now: datetime) -> "Form":
        """As it comes into force: it ends nothing before it is there."""
        return self if self.older_lapse_at is None else replace(self, older_lapse_at=max(self.older_lapse_at, now))

    def version_value(self, published_at: datetime) -> FormVersionValue:
        return FormVersionValue(
            purpose=self.purpose,
            version=self.version,
            locale=self.locale,
            title=self.title,
            sha256=self.sha256,
            own=self.tenant != EVERYBODY,
            published_at=rfc3339(published_at),
            valid_days=self.valid_days,
            older_lapse_at=None if self.older_lapse_at is None else rfc3339(self.older_lapse_at),
        )


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def shown_to(newest: Iterable[Form], locale: str | None) -> list[FormValue]:
    """One form for each purpose, in the language that fits best; ``newest``: the newest versions in all languages."""
    found: dict[Purpose, dict[str, Form]] = {}
    for form in newest:
        found.setdefault(form.purpose, {})[form.locale] = form
    return [_best(found[purpose], locale).value() for purpose in PURPOSES if purpose in found]


def _best(forms: Mapping[str, Form], locale: str | None) -> Form:
    wanted = (locale or FALLBACK).lower()
    return forms.get(wanted) or forms.get(wanted.split("-")[0]) or forms.get(FALLBACK) or forms[min(forms)]


def named(newest: Iterable[Form], command: Decide) -> Form | None:
    """The form that a grant names; None for a withdrawal. Raises `Refused` (``stale_form``)."""
    if not command.grant:
        return None
    forms = [f for f in newest if (f.purpose, f.version) == (command.purpose, command.version)]
    if not forms:
        raise errors.stale_form("version")
    found = next((f for f in forms if f.sha256 == command.sha256), None)
    if found is None:
        raise errors.stale_form("sha256")
    return found


def new_version(newest: Iterable[Form], command: PublishForm, now: datetime) -> list[Form]:
    """The next version, in all its languages. Raises `Refused` (``conflict``): another one would be the next."""
    expected = max((f.version for f in newest if f.purpose == command.purpose), default=0) + 1
    if command.version != expected:
        raise errors.conflict(expected)
    lapse = None if command.older_lapse_at is None else moment(command.older_lapse_at)
    return [
        Form(
            tenant=command.tenant,
            purpose=command.purpose,
            version=command.version,
            locale=text.locale.lower(),
            title=text.title,
            text=text.text,
            sha256=digest(text.text),
            valid_days=command.valid_days,
            older_lapse_at=lapse,
        ).published(now)
        for text in command.texts
    ]


def is_repeat(known: Iterable[Form], command: PublishForm) -> bool:
    """Whether a version that is there says the same. Raises `Refused` (``conflict``)."""
    there = {f.locale: (f.tenant, f.title, f.text, f.valid_days, f.older_lapse_at is None) for f in known}
    asked = {
        t.locale.lower(): (command.tenant, t.title, t.text, command.valid_days, command.older_lapse_at is None)
        for t in command.texts
    }
    if there != asked:
        raise errors.conflict()
    return True


def compare(first: Form, second: Form) -> str:
    """A unified diff of titles and texts."""

    def lines(form: Form) -> list[str]:
        return [f"{line}\n" for line in (form.title, "", *form.text.splitlines())]

    before, after = (f"{form.purpose}/{form.version}.{form.locale}" for form in (first, second))
    return "".join(unified_diff(lines(first), lines(second), before, after))


def parse(purpose: Purpose, version: int, locale: str, raw: str) -> Form:
    """A form from its file: a head, an empty line, the text. Raises `BadForms`.

    The head: ``title: …``; if grants end by themselves, ``valid_days: <number>``; if the version ends grants of older
    ones, ``older_lapse_at: <RFC 3339>``.
    """
    where = f"{purpose}/{version}.{locale}"
    head, separator, text = unicodedata.normalize("NFC", raw).partition("\n\n")
    first, *rest = head.split("\n")
    members = dict(line.split(": ", 1) for line in rest if ": " in line)
    text = text.strip()
    if not separator or not first.startswith("title: ") or not text:
        raise BadForms(f"{where}: not a title, an empty line and a text")
    if len(members) != len(rest) or not members.keys() <= {"valid_days", "older_lapse_at"}:
        raise BadForms(f"{where}: the head holds something else than title, valid_days and older_lapse_at")
    try:
        days = int(members["valid_days"]) if "valid_days" in members else None
        lapse = moment(members["older_lapse_at"]) if "older_lapse_at" in members else None
    except ValueError:
        raise BadForms(f"{where}: valid_days or older_lapse_at can't be read") from None
    title = first.removeprefix("title: ").strip()
    return Form(EVERYBODY, purpose, version, locale, title, text, digest(text), days, lapse)


def collect(forms: Iterable[Form]) -> list[Form]:
    """Raises `BadForms`: a purpose has no form, its newest version none in the fallback language, or heads differ."""
    versions: dict[tuple[Purpose, int], list[Form]] = {}
    for form in forms:
        versions.setdefault((form.purpose, form.version), []).append(form)
    for (purpose, version), all_languages in versions.items():
        if len({(f.valid_days, f.older_lapse_at) for f in all_languages}) > 1:
            raise BadForms(f"{purpose}/{version}: the heads of its languages differ")
    for purpose in PURPOSES:
        newest = max((version for known, version in versions if known == purpose), default=0)
        if FALLBACK not in {f.locale for f in versions.get((purpose, newest), [])}:
            raise BadForms(f"{purpose}: the newest version has no text in {FALLBACK}")
    return [form for _, all_languages in sorted(versions.items()) for form in all_languages]


def unpublished(files: Iterable[Form], known: Iterable[Form]) -> list[Form]:
    """Forms of files that aren't on record yet. Raises `BadForms`: a text that was published is another one now."""
    there = {(f.purpose, f.version, f.locale): f.sha256 for f in known}
    found = []
    for form in files:
        sum_there = there.get((form.purpose, form.version, form.locale))
        if sum_there is None:
            found.append(form)
        elif sum_there != form.sha256:
            raise BadForms(f"{form.purpose}/{form.version}.{form.locale}: changed after it was published")
    return found
