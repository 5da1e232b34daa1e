"""The generated documents: whole, and about everything that there is."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from services.gateway.ingress.http.documents import asyncapi, openapi
from services.gateway.ingress.http.partners import Api
from shared.contracts import features
from shared.contracts.frames import client, server

Json = Any


def references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(document: Json, ref: str) -> Json:
    """RFC 6901, within the document."""
    assert ref.startswith("#/"), ref
    for part in ref[2:].split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("document", [openapi(), asyncapi()], ids=["openapi", "asyncapi"])
def test_every_reference_resolves(document: Json) -> None:
    found = list(references(document))
    assert len(found) > 20
    for ref in found:
        assert isinstance(resolve(document, ref), dict), ref


@pytest.mark.parametrize("document", [openapi(), asyncapi()], ids=["openapi", "asyncapi"])
def test_no_schema_is_left_over(document: Json) -> None:
    used = set(references(document))
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in used, name


def test_every_partner_route_is_described() -> None:
    unwired: Any = None  # routes are only listed; nothing is asked of them
    routes = Api(unwired, unwired, unwired).routes()
    described = {(method, path) for path, methods in openapi()["paths"].items() for method in methods}
    assert described == {(route.method.lower(), route.path) for route in routes}


def test_creating_requests_take_a_key() -> None:
    for methods in openapi()["paths"].values():
        for method, operation in methods.items():
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert ("Idempotency-Key" in names) == (method == "post")


def test_every_frame_is_described_in_its_direction() -> None:
    document = asyncapi()
    messages = document["channels"]["ws"]["messages"]
    for side, union in (("client", client.AnyFrame), ("server", server.ServerFrame)):
        types = {name for cls in get_args(union) for name in get_args(cls.model_fields["type"].annotation)}
        oks = {f"ok:{frame}" for frame in features.OKS} if side == "server" else set()
        assert {name.removeprefix(f"{side}:") for name in messages if name.startswith(f"{side}:")} == types | oks
    operations = {one["action"]: one["messages"] for one in document["operations"].values()}
    assert all(resolve(document, one["$ref"]) for one in operations["receive"] + operations["send"])
    assert len(operations["receive"]) + len(operations["send"]) == len(messages)


def test_what_the_server_sends_is_described_as_it_is_sent() -> None:
    """``from`` is the name on the wire, whatever it is called inside."""
    schema = resolve(asyncapi(), "#/components/schemas/ServerMessagePosted")
    assert "from" in schema["properties"]
    assert "sender" not in schema["properties"]
