"""Each wire type has a golden sample, a file with the bytes that travel: a changed byte is a changed protocol."""

import json
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from services.gateway.ingress.parsing import parse
from shared.contracts import commands, consent_commands, contents, events, features
from shared.contracts.frames import client, server
from shared.contracts.ids import PURPOSES, Intervention

LANGUAGES = ("en", "fr")
QUESTIONS = ("harm", "writing")
"""Of suitability, as the samples name them."""
INTERVENTIONS = get_args(Intervention)
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
Union = UnionType | Any  # a union, bare or annotated


def members(union: Union) -> list[type[BaseModel]]:
    """The classes of a union, also of one that names its discriminator."""
    parts = get_args(union)
    return [cls for part in parts for cls in members(part)] if parts else [union] if isinstance(union, type) else []


def types(union: Union, tag: str = "type") -> set[str]:
    return {name for cls in members(union) for name in get_args(cls.model_fields[tag].annotation)}


COMMANDS = (
    TypeAdapter[Any](commands.SessionCommand),
    TypeAdapter[Any](consent_commands.ConsentCommand),
    TypeAdapter[Any](commands.NotesCommand),
)
COMMAND_TYPES = [types(u) for u in (commands.SessionCommand, consent_commands.ConsentCommand, commands.NotesCommand)]
SERVER = {name: cls for cls in members(server.ServerFrame) for name in get_args(cls.model_fields["type"].annotation)}
GATEWAY = TypeAdapter[Any](events.GatewayMessage)
FACT = TypeAdapter[Any](events.Fact)
CONTENTS: dict[str, type[BaseModel]] = {
    cls.__name__: cls
    for cls in vars(contents).values()
    if isinstance(cls, type) and cls.__module__ == contents.__name__
}
CONTENTS |= {cls.__name__: cls for cls in features.CONTENTS}


def wire(path: Path) -> str:
    return path.read_text(encoding="utf-8").removesuffix("\n")


def side(path: Path) -> str:
    return path.name.partition(".")[0]


def of_side(name: str) -> list[Path]:
    return [path for path in SAMPLES if side(path) == name]


def read_command(raw: str) -> list[BaseModel]:
    kind = json.loads(raw)["type"]
    adapters = [a for a, union in zip(COMMANDS, COMMAND_TYPES, strict=True) if kind in union]
    return [adapter.validate_json(raw) for adapter in adapters]


def read(path: Path, raw: str) -> list[BaseModel]:
    """The sample's models, as each receiver reads it."""
    match side(path):
        case "client":
            return [parse(raw)]
        case "server":
            ok = features.OKS.get(path.name.removeprefix("server.ok.").removesuffix(".json"))
            return [(ok or SERVER[json.loads(raw)["type"]]).model_validate_json(raw)]
        case "command":
            return read_command(raw)
        case "gateway":
            return [GATEWAY.validate_json(raw)]
        case "fact":
            return [FACT.validate_json(raw)]
        case "content":
            return [CONTENTS[path.name.split(".")[1]].model_validate_json(raw)]
        case other:
            raise AssertionError(f"a sample of an unknown side: {other}")


def written(path: Path, model: BaseModel) -> str:
    """Clients leave out what they have nothing to say of; our own models know for each member."""
    return model.model_dump_json(exclude_none=side(path) == "client")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_written_as_it_was_read(path: Path) -> None:
    models = read(path, wire(path))
    assert models
    for model in models:
        assert written(path, model) == wire(path)


def with_unknowns(value: Any) -> Any:
    """The same with a member more in every object that isn't keyed by ids or by names."""
    if isinstance(value, list):
        return [with_unknowns(item) for item in value]
    if not isinstance(value, dict):
        return value
    grown = {key: with_unknowns(item) for key, item in value.items()}
    names = (*PURPOSES, *INTERVENTIONS, *LANGUAGES, *QUESTIONS)
    keyed = any(len(key) == 36 or key in names for key in value)
    return grown if keyed or not value else {**grown, "x_unknown": {"deep": [1, None]}}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_unknown_members_pass(path: Path) -> None:
    raw = json.dumps(with_unknowns_of(path), ensure_ascii=False)
    assert "x_unknown" in raw
    for model in read(path, raw):
        assert written(path, model) == wire(path)


def with_unknowns_of(path: Path) -> Any:
    """Empty objects are left alone where they are maps; the top of a frame always takes another member."""
    parsed = json.loads(wire(path))
    maps = ("reads", "live", "heads", "consents", "in_force", "details", "receipt", "records", "participants")
    return {
        "x_unknown": 1,
        **{key: item if key in maps else with_unknowns(item) for key, item in parsed.items()},
    }


def missing(wanted: Iterable[str], name: str, tag: str = "type") -> set[str]:
    return set(wanted) - {json.loads(wire(path))[tag] for path in of_side(name)}


def test_each_wire_type_has_a_sample() -> None:
    assert not missing(types(client.AnyFrame), "client")
    assert not missing(types(server.ServerFrame), "server")
    assert not missing(set().union(*COMMAND_TYPES), "command")
    assert not missing(types(events.AnyGatewayMessage), "gateway")
    assert not missing(types(events.Fact, "kind"), "fact", "kind")
    assert set(CONTENTS) == {path.name.split(".")[1] for path in of_side("content")}


def test_each_client_frame_has_a_sample_of_its_ok() -> None:
    shapes = {path.name.removeprefix("server.ok.").removesuffix(".json") for path in of_side("server")}
    assert types(client.AnyFrame) <= shapes


@pytest.mark.parametrize("name", ["client", "server", "command", "gateway"])
def test_each_member_is_in_some_sample(name: str) -> None:
    """A member that no sample has could be renamed unseen."""
    unions = {
        "client": [client.AnyFrame],
        "server": [server.ServerFrame],
        "command": [commands.SessionCommand, consent_commands.ConsentCommand, commands.NotesCommand],
        "gateway": [events.AnyGatewayMessage],
    }[name]
    shown: dict[str, set[str]] = {}
    for path in of_side(name):
        parsed = json.loads(wire(path))
        shown.setdefault(parsed["type"], set()).update(parsed)
    for cls in (cls for union in unions for cls in members(union)):
        names = {field.serialization_alias or field_name for field_name, field in cls.model_fields.items()}
        for kind in get_args(cls.model_fields["type"].annotation):
            assert names - {"ref"} <= shown[kind], kind  # any client frame may carry one, and some samples do


def test_a_type_without_a_sample_is_noticed() -> None:
    """The check above can fail."""
    assert missing({"message.send", "message.unsend"}, "client") == {"message.unsend"}
