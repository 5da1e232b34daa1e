"""From a file to a definition, or to what is wrong with it: file, line and reason. Safety's data is read the same way.

YAML is read into nodes, not values, since nodes know their lines. What makes YAML surprising is refused: anchors and
aliases (with them a document can contain itself), tags, doubled keys, several documents, and values that only look
like text (``no``, ``12:30``, dates): the models are strict.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import JsonValue, ValidationError

from shared.contracts.exercises import Definition, Written
from shared.exercises.checks import Fault, Loc, faults

W = TypeVar("W", bound=Written)

FILE_MOST = 262_144
DEPTH_MOST = 30
FAULTS_MOST = 20
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no definition, and where."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class BrokenDefinition(Exception):  # noqa: N818 - an outcome
    """Raised with all that is wrong with a file."""

    def __init__(self, broken: list[Broken]) -> None:
        super().__init__("\n".join(str(one) for one in broken))
        self.broken = broken


class _Bad(Exception):  # noqa: N818
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def load(raw: bytes, file: str) -> Definition:
    """The definition in a file's bytes. Raises `BrokenDefinition`."""
    return load_as(Definition, faults, raw, file)


def load_as(kind: type[W], wrong_with: Callable[[W], list[Fault]], raw: bytes, file: str) -> W:
    """The same, of any kind that is written in YAML. Raises `BrokenDefinition`."""
    try:
        root = _compose(raw)
        plain = _plain(root, 0)
    except _Bad as bad:
        raise BrokenDefinition([Broken(file, bad.line, bad.reason)]) from None
    try:
        made = kind.model_validate(plain, extra="forbid")
    except ValidationError as error:
        told = [
            (line_of(root, one["loc"]), f"{_path(one['loc'])}{one['msg']}")
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise _broken(file, told) from None
    wrong = [(line_of(root, one.at), one.reason) for one in wrong_with(made)]
    if wrong:
        raise _broken(file, wrong)
    return made


def _broken(file: str, told: list[tuple[int, str]]) -> BrokenDefinition:
    return BrokenDefinition([Broken(file, line, reason) for line, reason in sorted(told)[:FAULTS_MOST]])


def _path(loc: Loc) -> str:
    return ".".join(str(part) for part in loc) + ": " if loc else ""


def _compose(raw: bytes) -> yaml.Node:
    if len(raw) > FILE_MOST:
        raise _Bad(1, f"the file has more than {FILE_MOST} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _Bad(raw.count(b"\n", 0, error.start) + 1, "this isn't UTF-8") from None
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Bad(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise _Bad(text.count("\n", 0, error.position) + 1, "a character that YAML doesn't allow") from None
    except (yaml.YAMLError, RecursionError):
        raise _Bad(1, "not YAML that can be read") from None
    if root is None:
        raise _Bad(1, "the file is empty")
    return root


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _plain(node: yaml.Node, depth: int, seen: set[int] | None = None) -> JsonValue:
    """What JSON could say as well. Raises `_Bad`."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        raise _Bad(_line(node), "an alias: write it out")
    if depth > DEPTH_MOST:
        raise _Bad(_line(node), "nested too deeply")
    seen.add(id(node))
    match node:
        case yaml.MappingNode():
            return _mapping(node, depth, seen)
        case yaml.SequenceNode():
            return [_plain(one, depth + 1, seen) for one in node.value]
        case _:
            return _scalar(node)


def _mapping(node: yaml.MappingNode, depth: int, seen: set[int]) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {}
    for key, value in node.value:
        name = _plain(key, depth + 1, seen)
        if not isinstance(name, str):
            raise _Bad(_line(key), "a key must be text; put it in quotes")
        if name in made:
            raise _Bad(_line(key), f"'{name}' is there twice")
        made[name] = _plain(value, depth + 1, seen)
    return made


def _scalar(node: yaml.Node) -> JsonValue:
    kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if kind == "str":
        return str(node.value)
    if kind in ("int", "float", "bool", "null"):
        loader = yaml.SafeLoader("")
        try:
            made: JsonValue = loader.construct_object(node)
        except ValueError:
            raise _Bad(_line(node), "not a number") from None
        return made
    raise _Bad(_line(node), f"'{kind}' isn't used here; put it in quotes")


def line_of(root: yaml.Node, at: Iterable[str | int]) -> int:
    """The line of what a path names, or of the last part of it that is there."""
    node, line = root, _line(root)
    for part in at:
        match node, part:
            case yaml.MappingNode(), str():
                found = next(((key, value) for key, value in node.value if key.value == part), None)
                if found is not None:
                    node, line = found[1], _line(found[0])
            case yaml.SequenceNode(), int() if part < len(node.value):
                node = node.value[part]
                line = _line(node)
            case _:  # the name of a kind of answer, which is no part of the document
                pass
    return line


def schema() -> dict[str, JsonValue]:
    """The published JSON schema of definitions, as strict as `load`."""
    return schema_of(Definition)


@cache
def schema_of(kind: type[Written]) -> dict[str, JsonValue]:
    made = kind.model_json_schema()
    for part in (made, *made["$defs"].values()):
        part["additionalProperties"] = False
    return {"$schema": SCHEMA, **made}


def read(path: Path) -> Definition:
    """As `load`, from a file. Raises `BrokenDefinition`, also for a file that can't be read."""
    return load(bytes_of(path), str(path))


def bytes_of(path: Path) -> bytes:
    """Raises `BrokenDefinition`: the file can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenDefinition([Broken(str(path), 1, f"can't be read: {error.strerror}")]) from None
