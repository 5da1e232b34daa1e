"""Safety's data: the platform's own is sound; a broken file is refused with its line and reason."""

import json
from pathlib import Path

import pytest

from deploy.local.safety_cli import OWN, SCHEMAS
from shared.contracts.safety_data import Resources, Suitability
from shared.exercises.loading import BrokenDefinition, load_as, schema_of
from shared.safety import crisis, library, suitability

TENANT = "6f9619ff-8b86-4d01-b42d-00c04fc964f1"

RESOURCES = """\
version: 1
default: FR
languages: {fr: FR}
regions:
  FR:
    name: {en: France}
    emergency: ["112"]
    also: [MC]
    contacts:
      - name: {en: A line}
        call: "3114"
        source: https://3114.fr
        noted: "2026-11-26"
"""
FORM = """\
version: 1
title: {en: Before}
about: {en: A few}
questions:
  - id: writing
    text: {en: How well}
    answer: {kind: rating, low: {en: hardly}, high: {en: well}}
  - id: place
    text: {en: A place}
    answer:
      kind: choice
      options:
        - {id: has_one, text: {en: There is}}
        - {id: has_none, text: {en: There is not}}
  - id: other
    text: {en: Who else}
    answer: {kind: text}
    optional: true
rules:
  - id: hard
    when: [{question: writing, at_most: 3}]
    weight: consider
    advice: {en: Consider a voice}
"""


def resources(text: str) -> Resources:
    return load_as(Resources, crisis.faults, text.encode(), "r.yaml")


def form(text: str) -> Suitability:
    return load_as(Suitability, suitability.faults, text.encode(), "s.yaml")


def test_the_platforms_own_is_sound() -> None:
    own = library.own(OWN).everybody
    numbers = {code: [one.call for one in region.contacts] for code, region in own.resources.regions.items()}
    assert "3114" in numbers["FR"]
    assert "116 123" in numbers["GB"]
    assert "988" in numbers["US"]
    assert "0800 1110111" in numbers["DE"]
    assert own.resources.regions["EU"].emergency == ["112"]
    assert own.resources.escalate_after_s == 600
    assert {rule.weight for rule in own.suitability.rules} == {"consider", "important"}


def test_the_samples_here_are_sound() -> None:
    assert resources(RESOURCES).default == "FR"
    assert form(FORM).version == 1


@pytest.mark.parametrize(("name", "kind"), SCHEMAS.items())
def test_the_published_schema_is_the_models(name: str, kind: type[Resources] | type[Suitability]) -> None:
    assert json.loads((OWN / name).read_text()) == schema_of(kind)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("default: FR", "default: DE", 2, "there is no region 'DE'"),
        ("{fr: FR}", "{fr: BE}", 3, "there is no region 'BE'"),
        ("also: [MC]", "also: [MC, FR]", 8, "served twice"),
        ("also: [MC]", "also: [MC, MC]", 8, "served twice"),
        ("version: 1", "version: one", 1, "valid integer"),
        ('"3114"', "3114", 11, "valid string"),
        ('"3114"', '"call us"', 11, "match pattern"),
        ('        call: "3114"\n', "", 10, "there must be a way to reach them"),
        ("https://3114.fr", "http://3114.fr", 12, "match pattern"),
        ('        noted: "2026-11-26"\n', "", 10, "Field required"),
        ('emergency: ["112"]', "emergency: []", 7, "at least 1 item"),
        ("also: [MC]", "alos: [MC]", 8, "Extra inputs"),
        (
            "{en: A line}",
            "{en: A line, fr: Une ligne}\n        hours: {en: always}",
            11,
            "in the languages of the name",
        ),
        ("version: 1", "version: 1\nversion: 2", 2, "there twice"),
    ],
)
def test_broken_resources_are_refused(old: str, new: str, line: int, reason: str) -> None:
    assert old in RESOURCES
    with pytest.raises(BrokenDefinition) as refused:
        resources(RESOURCES.replace(old, new, 1))
    (broken,) = [one for one in refused.value.broken if reason in one.reason]
    assert (broken.file, broken.line) == ("r.yaml", line)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("question: writing", "question: reading", 21, "there is no question 'reading'"),
        ("at_most: 3", "chose: has_one", 21, "wants 'at_least' or 'at_most'"),
        ("writing, at_most: 3", "place, chose: none_such", 21, "wants 'chose', one of its options"),
        ("writing, at_most: 3", "other, chose: has_one", 21, "free words"),
        ("- id: place", "- id: writing", 8, "two questions 'writing'"),
        ("id: has_none", "id: has_one", 12, "an option is there twice"),
        ("about: {en: A few}", "about: {fr: Un peu}", 3, "in the languages of the title"),
        ("{en: Consider a voice}", "{en: A, fr: B}", 23, "in the languages of the title"),
        ("weight: consider", "weight: refuse", 22, "Input should be"),
        ("at_most: 3", "at_most: 11", 21, "less than or equal"),
    ],
)
def test_broken_questions_are_refused(old: str, new: str, line: int, reason: str) -> None:
    assert old in FORM
    with pytest.raises(BrokenDefinition) as refused:
        form(FORM.replace(old, new, 1))
    (broken,) = [one for one in refused.value.broken if reason in one.reason]
    assert (broken.file, broken.line) == ("s.yaml", line)


def test_a_tenants_files_take_the_place_of_the_platforms(tmp_path: Path) -> None:
    folder = tmp_path / TENANT
    folder.mkdir()
    (folder / "resources.yaml").write_text(RESOURCES)
    (folder / "suitability.yaml").write_text(FORM.replace("weight: consider", "weight: refuse"))
    (folder / "others.yaml").write_text("")
    (tmp_path / "not-an-id").mkdir()
    found = library.own(OWN)
    library.add_tenants(found, tmp_path)
    assert found.of(TENANT).resources == resources(RESOURCES)
    assert found.of(TENANT).suitability == found.everybody.suitability  # theirs is broken
    assert found.of("another") == found.everybody
    assert sorted((Path(one.file).name, one.line) for one in found.broken) == [
        ("not-an-id", 1),
        ("others.yaml", 1),
        ("suitability.yaml", 22),
    ]
