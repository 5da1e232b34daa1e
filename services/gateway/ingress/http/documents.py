"""``/v1/openapi.json`` and ``/v1/asyncapi.json``: made from the models that validate, so that they can't drift."""

import json
import re
from typing import Any, get_args

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from services.gateway.ingress.http import bodies as b
from shared.contracts import features
from shared.contracts.consent_events import DecisionValue
from shared.contracts.frames import client, server
from shared.contracts.frames.values import FormValue
from shared.contracts.ids import PURPOSES

VERSION = "1.0.0"
Json = dict[str, Any]

REQUESTS: list[tuple[str, str, str, type[BaseModel] | None, type[BaseModel] | None, int]] = [
    ("post", "/v1/conversations", "Create a conversation, or find it", b.NewConversation, b.ConversationBody, 201),
    ("get", "/v1/conversations/{id}", "A conversation", None, b.ConversationBody, 200),
    ("delete", "/v1/conversations/{id}", "Erase it, for ever", None, b.ErasureBody, 202),
    ("post", "/v1/conversations/{id}/tokens", "A connect token for one participant", b.NewToken, b.TokenBody, 201),
    ("get", "/v1/conversations/{id}/messages", "Messages in their order", None, b.MessagesBody, 200),
    ("get", "/v1/conversations/{id}/consents", "Decisions, and what is in force", None, b.ConsentsBody, 200),
    ("post", "/v1/conversations/{id}/consents", "Relay a participant's decision", b.NewDecision, DecisionValue, 201),
    ("get", "/v1/reports", "Conversations that one of the two has reported", None, b.ReportsBody, 200),
    ("post", "/v1/consent-forms", "Publish the next version of a form of one's own", b.NewForm, b.FormsBody, 201),
    ("get", "/v1/consent-forms", "All versions of the forms that one's people decide on", None, b.FormsBody, 200),
    ("get", "/v1/consent-forms/{sha256}", "A form by the hash of its text", None, FormValue, 200),
    ("get", "/v1/consent-forms/diff", "What changed between versions; a unified diff", None, None, 200),
    ("get", "/v1/conversations/{id}/consents/{decision}/receipt", "A receipt (ISO/IEC TS 27560)", None, b.Receipt, 200),
    ("get", "/v1/fhir/Consent", "Decisions of a participant as a FHIR R4 searchset", None, b.Fhir, 200),
    ("get", "/v1/fhir/Consent/{fhir_id}", "A decision as a FHIR R4 Consent", None, b.Fhir, 200),
    ("get", "/v1/safety", "Who asked for help, and whether somebody has seen it", None, b.RaisesBody, 200),
    ("get", "/v1/consent-log/key", "The key of the consent log's signed notes", None, None, 200),
    ("get", "/v1/consent-log/checkpoint", "The consent log as it is, signed (C2SP tlog-checkpoint)", None, None, 200),
    ("get", "/v1/consent-log/entries", "Entries, both ends included; at most 256", None, b.EntriesBody, 200),
    ("get", "/v1/consent-log/proof", "Proof that a log begins with a former one", None, b.ConsistencyBody, 200),
    ("get", "/v1/consents/{decision}/proof", "Proof that a decision is logged (C2SP tlog-proof)", None, None, 200),
]  # fmt: skip
QUERIES = {
    "/v1/reports": [("after", 0, 2**53 - 1), ("limit", 1, 200)],
    "/v1/conversations/{id}/messages": [("after", 0, 2**53 - 1), ("limit", 1, 200)],
    "/v1/consent-forms/diff": [("first", 1, 2**31 - 1), ("second", 1, 2**31 - 1)],
    "/v1/fhir/Consent": [("_count", 1, 200)],
    "/v1/safety": [("limit", 1, 200)],
    "/v1/consent-log/entries": [("start", 0, 2**53 - 1), ("end", 0, 2**53 - 1)],
    "/v1/consent-log/proof": [("first", 0, 2**53 - 1), ("second", 0, 2**53 - 1)],
}
MUST = {"start", "end", "first", "second"}
ID = {"type": "string", "format": "uuid"}
TEXT = {"type": "string"}
FHIR_ID = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME = {"type": "string", "format": "date-time"}
NAMED: dict[str, list[tuple[str, bool, Json]]] = {
    "/v1/consents/{decision}/proof": [("conversation", False, ID)],  # where several have a decision of this id
    "/v1/conversations/{id}/consents": [("at", False, TIME)],
    "/v1/safety": [("open", False, {"type": "boolean"}), ("after", False, TEXT)],  # as ``next_after`` has it
    "/v1/consent-forms/diff": [("purpose", True, {"type": "string", "enum": list(PURPOSES)}), ("locale", True, TEXT)],
    "/v1/fhir/Consent": [
        *((name, False, TEXT) for name in ("patient", "consentor", "date")),
        ("before", False, FHIR_ID),  # as the link ``next`` has it
    ],
}
IN_PATH = {
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "fhir_id": FHIR_ID,
}


def _schemas(models: list[type[BaseModel]], direction: str, prefix: str) -> Json:
    mode: Any = direction
    _, document = models_json_schema(
        [(model, mode) for model in models], ref_template=prefix + "{model}", schema_generator=GenerateJsonSchema
    )
    found: Json = document.get("$defs", {})
    return found


def _parameters(method: str, path: str) -> list[Json]:
    names = re.findall(r"{(\w+)}", path)
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": IN_PATH.get(name, ID)} for name in names
    ]
    for name, least, most in QUERIES.get(path, []):
        schema = {"type": "integer", "minimum": least, "maximum": most}
        found.append({"name": name, "in": "query", "required": name in MUST, "schema": schema})
    if method == "get":
        for name, must, schema in NAMED.get(path, []):
            found.append({"name": name, "in": "query", "required": must, "schema": schema})
    if method == "post":
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema})
    return found


def _operation(
    method: str, path: str, summary: str, asked: type[BaseModel] | None, given: type[BaseModel] | None, status: int
) -> Json:
    ref = "#/components/schemas/"
    problem = {"content": {"application/problem+json": {"schema": {"$ref": ref + "Problem"}}}}
    content: Json = {"text/plain": {"schema": {"type": "string"}}}
    if given is not None:
        content = {"application/json": {"schema": {"$ref": ref + given.__name__}}}
    answer = {"description": "Done", "content": content}
    operation: Json = {
        "summary": summary,
        "security": [{"partner": []}],
        "parameters": _parameters(method, path),
        "responses": {str(status): answer, "default": {"description": "RFC 9457 problem", **problem}},
    }
    if path in ("/v1/conversations", "/v1/consent-forms") and method == "post":
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
        for name in get_args(model.model_fields["type"].annotation):
            found[name] = {"name": name, "payload": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return found


def asyncapi() -> Json:
    """The websocket interface, AsyncAPI 3."""
    sent: list[type[BaseModel]] = list(get_args(client.AnyFrame))
    received: list[type[BaseModel]] = list(get_args(server.ServerFrame))
    out, into = _messages(sent), _messages(received)
    for asked, ok in features.OKS.items():
        into[f"ok:{asked}"] = {"name": "ok", "payload": {"$ref": f"#/components/schemas/{ok.__name__}"}}
    received += features.OKS.values()
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
