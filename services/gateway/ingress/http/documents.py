"""``/v1/openapi.json`` and ``/v1/asyncapi.json``: made from the models that validate, so that they can't drift."""

import json
from typing import Any, get_args

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from services.gateway.ingress.http import bodies as b
from shared.contracts.events import DecisionValue
from shared.contracts.frames import client, server

VERSION = "1.0.0"
Json = dict[str, Any]

REQUESTS: list[tuple[str, str, str, type[BaseModel] | None, type[BaseModel], int]] = [
    ("post", "/v1/conversations", "Create a conversation, or find it", b.NewConversation, b.ConversationBody, 201),
    ("get", "/v1/conversations/{id}", "A conversation", None, b.ConversationBody, 200),
    ("post", "/v1/conversations/{id}/tokens", "A connect token for one participant", b.NewToken, b.TokenBody, 201),
    ("get", "/v1/conversations/{id}/messages", "Messages in their order", None, b.MessagesBody, 200),
    ("get", "/v1/conversations/{id}/consents", "Decisions, and what is in force", None, b.ConsentsBody, 200),
    ("post", "/v1/conversations/{id}/consents", "Relay a participant's decision", b.NewDecision, DecisionValue, 201),
]  # fmt: skip
QUERIES = {
    "/v1/conversations/{id}/messages": [("after", 0, 2**53 - 1), ("limit", 1, 200)],
}


def _schemas(models: list[type[BaseModel]], direction: str, prefix: str) -> Json:
    mode: Any = direction
    _, document = models_json_schema(
        [(model, mode) for model in models], ref_template=prefix + "{model}", schema_generator=GenerateJsonSchema
    )
    found: Json = document.get("$defs", {})
    return found


def _parameters(method: str, path: str) -> list[Json]:
    found: list[Json] = []
    if "{id}" in path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}})
    for name, least, most in QUERIES.get(path, []):
        schema = {"type": "integer", "minimum": least, "maximum": most}
        found.append({"name": name, "in": "query", "schema": schema})
    if method == "post":
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema})
    return found


def _operation(
    method: str, path: str, summary: str, asked: type[BaseModel] | None, given: type[BaseModel], status: int
) -> Json:
    ref = "#/components/schemas/"
    problem = {"content": {"application/problem+json": {"schema": {"$ref": ref + "Problem"}}}}
    answer = {"description": "Done", "content": {"application/json": {"schema": {"$ref": ref + given.__name__}}}}
    operation: Json = {
        "summary": summary,
        "security": [{"partner": []}],
        "parameters": _parameters(method, path),
        "responses": {str(status): answer, "default": {"description": "RFC 9457 problem", **problem}},
    }
    if path == "/v1/conversations" and method == "post":
        operation["responses"]["200"] = {**answer, "description": "It existed already"}
    if asked is not None:
        content = {"application/json": {"schema": {"$ref": ref + asked.__name__}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def openapi() -> Json:
    """The HTTP interface, OpenAPI 3.1."""
    models = [m for row in REQUESTS for m in (row[3], row[4]) if m is not None]
    paths: Json = {}
    for method, path, summary, asked, given, status in REQUESTS:
        paths.setdefault(path, {})[method] = _operation(method, path, summary, asked, given, status)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Unsaid gateway, for partners", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": _schemas([*dict.fromkeys(models), b.Problem], "validation", "#/components/schemas/"),
            "securitySchemes": {
                "partner": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/v1/oauth/token", "scopes": {}}},
                }
            },
        },
    }


def _messages(models: list[type[BaseModel]]) -> Json:
    found: Json = {}
    for model in models:
        name = str(get_args(model.model_fields["type"].annotation)[0])
        found[name] = {"name": name, "payload": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return found


def asyncapi() -> Json:
    """The websocket interface, AsyncAPI 3."""
    sent: list[type[BaseModel]] = list(get_args(client.AnyFrame))
    received: list[type[BaseModel]] = list(get_args(server.ServerFrame))
    out, into = _messages(sent), _messages(received)
    schemas_in = _schemas(sent, "validation", "#/components/schemas/")
    schemas_out = {
        f"Server{k}": v
        for k, v in json.loads(json.dumps(_schemas(received, "serialization", "#/components/schemas/Server"))).items()
    }
    for message in into.values():
        message["payload"]["$ref"] = message["payload"]["$ref"].replace("schemas/", "schemas/Server")
    messages = {f"client:{k}": v for k, v in out.items()} | {f"server:{k}": v for k, v in into.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Unsaid gateway, for participants", "version": VERSION},
        "channels": {"ws": {"address": "/v1/ws", "messages": messages}},
        "operations": {
            "send": {"action": "receive", "channel": {"$ref": "#/channels/ws"}, "messages": _refs("client", out)},
            "receive": {"action": "send", "channel": {"$ref": "#/channels/ws"}, "messages": _refs("server", into)},
        },
        "components": {"schemas": schemas_in | schemas_out},
    }


def _refs(side: str, messages: Json) -> list[Json]:
    return [{"$ref": f"#/channels/ws/messages/{side}:{name}"} for name in messages]


def routes() -> list[web.RouteDef]:
    made = {"/v1/openapi.json": json.dumps(openapi()), "/v1/asyncapi.json": json.dumps(asyncapi())}

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text=made[request.path], content_type="application/json")

    return [web.get(path, serve) for path in made]
