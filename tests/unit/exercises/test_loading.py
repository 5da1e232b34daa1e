"""Definitions: those that come with the platform are sound, and a broken one is refused with file, line and reason."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.exercises.loading import FILE_MOST, BrokenDefinition, load, read, schema

FOLDER = Path(__file__).parents[3] / "services" / "session" / "exercises"
FILES = sorted(FOLDER.glob("*/*.yaml"))

GOOD = """\
exercise: small
version: 1
title: {en: Small}
about: {en: A small one.}
rating:
  prompt: {en: 'How much?'}
  low: {en: none}
  high: {en: all}
steps:
  - id: one
    prompt: {en: 'Which?'}
    answer:
      kind: choice
      options:
        - {id: a, text: {en: A}}
        - {id: b, text: {en: B}}
  - id: two
    prompt: {en: 'How high?'}
    answer: {kind: rating, low: {en: low}, high: {en: high}}
    when: [{step: one, chose: a}]
  - id: three
    prompt: {en: 'What?'}
    answer: {kind: list, least: 1, most: 3}
"""


def told(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(BrokenDefinition) as raised:
        load(text.encode() if isinstance(text, str) else text, "a.yaml")
    assert all(one.file == "a.yaml" for one in raised.value.broken)
    return [(one.line, one.reason) for one in raised.value.broken]


def test_there_are_eight_in_english_and_french() -> None:
    found = [read(file) for file in FILES]
    assert {one.exercise for one in found} >= {
        "paced_breathing", "grounding_54321", "thought_record", "behavioural_activation", "values", "urge_surfing",
        "exposure_ladder", "safe_place",
    }  # fmt: skip
    assert all(set(one.title) == {"en", "fr"} for one in found)
    assert all(one.care is not None for one in found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_file_is_named_for_what_is_in_it(file: Path) -> None:
    definition = read(file)
    assert (definition.exercise, str(definition.version)) == (file.parent.name, file.stem)


def test_a_thought_record_has_seven_columns() -> None:
    prompts = [step.prompt["en"] for step in read(FOLDER / "thought_record" / "1.yaml").steps]
    assert [prompt[:2] for prompt in prompts if prompt[0].isdigit()] == [f"{i}." for i in range(1, 8)]


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((FOLDER / "exercise.schema.json").read_text())
    assert published == schema()
    Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_each_file_satisfies_the_published_schema(file: Path) -> None:
    Draft202012Validator(schema()).validate(yaml.safe_load(file.read_text()))


def test_a_good_one_is_loaded() -> None:
    assert [step.id for step in load(GOOD.encode(), "a.yaml").steps] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ("exercise: small", "exercise: Small", 1, "exercise: String should match pattern"),
        ("version: 1", "version: '1'", 2, "version: Input should be a valid integer"),
        ("version: 1", "version: 0", 2, "version: Input should be greater than or equal to 1"),
        ("about: {en: A small one.}", "about: {en: no}", 4, "about.en: Input should be a valid string"),
        ("about: {en: A small one.}", "about: {no: A small one.}", 4, "a key must be text"),
        ("about: {en: A small one.}", "about: {en: 2026-01-01}", 4, "'timestamp' isn't used here"),
        ("about: {en: A small one.}", "about: {en: ' '}", 4, "about.en: String should match pattern"),
        ("about: {en: A small one.}", "about: {fr: Un petit.}", 4, "the title is in en too, this isn't"),
        ("about: {en: A small one.}\n", "", 1, "about: Field required"),
        ("version: 1", "version: 1\nversion: 2", 3, "'version' is there twice"),
        ("version: 1", "version: 1\nverson: 2", 3, "verson: Extra inputs are not permitted"),
        ("version: 1", "version: 1 : 2", 2, "not YAML"),
        ("version: 1", "version: !!python/name:os.system x", 2, "isn't used here"),
        ("kind: choice", "kind: chice", 12, "steps.0.answer: Input tag"),
        ("{kind: list, least: 1, most: 3}", "{kind: list, least: 1}", 23, "steps.2.answer.list.most: Field required"),
        ("least: 1, most: 3", "least: 4, most: 3", 23, "most is below least"),
        ("least: 1, most: 3", "least: 1, most: 99", 23, "less than or equal to 20"),
        ("{id: b, text", "{id: a, text", 14, "two options have the same id"),
        ("id: three", "id: one", 21, "there are two steps 'one'"),
        ("id: three", "id: after", 21, "'after' is a name of the engine's own"),
        ("step: one, chose: a", "step: none, chose: a", 20, "there is no step 'none'"),
        ("step: one, chose: a", "step: three, chose: a", 20, "step 'three' can't have been answered by then"),
        ("step: one, chose: a", "step: two, at_least: 1", 20, "step 'two' can't have been answered by then"),
        ("step: one, chose: a", "step: one, chose: c", 20, "step 'one' has no option 'c'"),
        ("step: one, chose: a", "step: one, at_least: 3", 20, "step 'one' isn't a rating"),
        ("step: one, chose: a", "step: before, chose: a", 20, "step 'before' isn't a choice"),
        ("step: one, chose: a", "step: before, at_least: 5, at_most: 4", 20, "no rating is in this range"),
        ("step: one, chose: a", "step: one", 20, "a condition has either"),
        ("step: one, chose: a", "step: before, at_least: 11", 20, "less than or equal to 10"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(before: str, after: str, line: int, reason: str) -> None:
    assert before in GOOD
    found, why = told(GOOD.replace(before, after, 1))[0]
    assert found == line
    assert reason in why


THEN = "    answer: {kind: list, least: 1, most: 3}\n    then:\n"


@pytest.mark.parametrize(
    ("jumps", "line", "reason"),
    [
        ("      - go: three\n", 21, "it loops: three"),
        ("      - go: one\n", 10, "it loops: one, two, three"),
        ("      - {when: [{step: before, at_least: 9}], go: two}\n", 17, "it loops: two, three"),
        ("      - go: nowhere\n", 25, "there is no step 'nowhere'"),
        ("      - go: end\n      - {when: [{step: before, at_least: 9}], go: end}\n", 24, "nothing can come after"),
    ],
)
def test_a_definition_that_loops_or_leads_nowhere_is_refused(jumps: str, line: int, reason: str) -> None:
    lines = told(GOOD.replace("    answer: {kind: list, least: 1, most: 3}\n", THEN + jumps))
    assert lines[0][0] == line
    assert reason in lines[0][1]


def test_a_step_that_nothing_leads_to_is_refused() -> None:
    jump = "    then: [{go: three}]\n  - id: two\n"
    lines = told(GOOD.replace("  - id: two\n", jump, 1))
    assert lines == [(18, "nothing leads to step 'two'")]


def test_a_document_that_contains_itself_is_refused() -> None:
    assert told(GOOD.replace("about: {en: A small one.}", "about: &a {en: *a}")) == [(4, "an alias: write it out")]


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        (b"", 1, "the file is empty"),
        (b"# only a remark\n", 1, "the file is empty"),
        (b"- 1\n", 1, "Input should be a valid dictionary"),
        (b"a: 1\nb: \xff\n", 2, "this isn't UTF-8"),
        (b"a: 1\nb: \x07\n", 2, "a character that YAML doesn't allow"),
        (b"a: 1\n---\nb: 2\n", 2, "not YAML"),
        (b"[" * 5_000, 1, "not YAML"),
        (b"[" * 40 + b"]" * 40, 1, "nested too deeply"),
        (b"#" * (FILE_MOST + 1), 1, "the file has more than"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, line: int, reason: str) -> None:
    lines = told(raw)
    assert lines[0][0] == line
    assert reason in lines[0][1]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenDefinition, match=r"none\.yaml:1: can't be read"):
        read(tmp_path / "none.yaml")


def test_all_that_is_wrong_is_told_at_once() -> None:
    lines = told(GOOD.replace("version: 1", "version: 0").replace("most: 3", "most: 99"))
    assert [line for line, _ in lines] == [2, 23]


def test_whatever_is_taken_out_it_is_refused_or_loads_and_never_fails_otherwise() -> None:
    """Each member of a real definition, left out: the schema and the loader agree on whether it may be."""
    whole = yaml.safe_load((FOLDER / "values" / "1.yaml").read_text())
    validator = Draft202012Validator(schema())
    for path in _paths(whole):
        less: Any = copy.deepcopy(whole)
        inner = less
        for part in path[:-1]:
            inner = inner[part]
        del inner[path[-1]]
        missing = [reason for _, reason in _wrong(less) if "Field required" in reason]
        assert not (missing and validator.is_valid(less))
        assert _wrong(less) or validator.is_valid(less)


def _wrong(document: Any) -> list[tuple[int, str]]:
    try:
        load(yaml.safe_dump(document, allow_unicode=True).encode(), "a.yaml")
    except BrokenDefinition as broken:
        return [(one.line, one.reason) for one in broken.broken]
    return []


def _paths(part: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path for key, value in inner for path in ((*at, key), *_paths(value, (*at, key)))]
