"""What every partner request has in common: its token, its body, its problems, and its ``Idempotency-Key``."""

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from services.gateway import metrics
from services.gateway.domain.tokens import Tokens
from services.gateway.errors import to_problem
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.parsing import mend
from services.gateway.store import Store
from shared.contracts import keys as records
from shared.contracts.commands import GetConversation
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.events import ConversationFound
from shared.contracts.frames.values import Value
from shared.contracts.ids import Id, Moment
from shared.contracts.keys import people_key
from shared.runtime.sealing import SealBroken

log = structlog.get_logger()

B = TypeVar("B", bound=Value)
BODY_BYTES = 65_536
KEY_MAX = 255
_id: TypeAdapter[str] = TypeAdapter(Id)
_moment: TypeAdapter[str] = TypeAdapter(Moment)


@dataclass(frozen=True, slots=True)
class Answered:
    """A success: its status, and its body as JSON or plain text."""

    status: int
    body: Value | str
    media_type: str | None = None

    def response(self) -> web.Response:
        if isinstance(self.body, str):
            return _respond(self.status, self.body, self.media_type or "text/plain")
        return _respond(self.status, self.body.model_dump_json(), self.media_type or "application/json")


def problem(refused: Refused) -> web.Response:
    status, body = to_problem(refused)
    headers = {}
    if status == 503:
        headers["Retry-After"] = "1"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    raw = json.dumps(body).encode()
    return web.Response(body=raw, status=status, content_type="application/problem+json", headers=headers)


def bad_request(field: str) -> Refused:
    return Refused(Code.BAD_REQUEST, {"field": field})


def path_id(request: web.Request, name: str = "id") -> str:
    """An id in the path. Raises `Refused` (``not_found``): it isn't even one."""
    try:
        return _id.validate_python(request.match_info[name])
    except ValidationError:
        raise Refused(Code.NOT_FOUND) from None


def query_int(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """A number in the query. Raises `Refused` (``bad_request``)."""
    raw = request.query.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 17 and least <= int(raw) <= most):
        raise bad_request(name)
    return int(raw)


def query_moment(request: web.Request, name: str) -> str | None:
    """A time in the query, RFC 3339. Raises `Refused` (``bad_request``)."""
    raw = request.query.get(name)
    if raw is None:
        return None
    try:
        return _moment.validate_python(raw.replace(" ", "+"))  # a plus that wasn't escaped
    except ValidationError:
        raise bad_request(name) from None


def query_id(request: web.Request, name: str) -> str | None:
    """An id in the query. Raises `Refused` (``bad_request``)."""
    raw = request.query.get(name)
    if raw is None:
        return None
    try:
        return _id.validate_python(raw)
    except ValidationError:
        raise bad_request(name) from None


async def read_json(request: web.Request) -> object:
    """The body. Raises `Refused` (``bad_request``)."""
    try:
        raw = await request.content.read(BODY_BYTES + 1)
        while len(raw) <= BODY_BYTES and not request.content.at_eof():
            raw += await request.content.read(BODY_BYTES + 1 - len(raw))
        if len(raw) > BODY_BYTES:
            raise bad_request("body")
        body: object = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise bad_request("body") from None
    return body


def typed(kind: type[B], body: object) -> B:
    """The body as a model. Raises `Refused` (``bad_request``, naming the field)."""
    try:
        return kind.model_validate_json(json.dumps(mend(body)))
    except ValidationError as error:
        raise bad_request(_field(error)) from None


def _field(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=True)[0]
    if first["loc"]:
        return ".".join(str(part) for part in first["loc"])
    context = first.get("ctx", {}).get("error")
    return str(context) if context is not None else "body"


Handler = Callable[[web.Request, str, object, str | None], Awaitable[Answered]]
"""Request, tenant, JSON body, and an id derived from the ``Idempotency-Key`` if there is one."""

Route = Callable[[web.Request], Awaitable[web.Response]]
"""What aiohttp calls."""


class Partners:
    """Wraps the handlers of partner requests."""

    def __init__(self, hub: Hub, store: Store, tokens: Tokens) -> None:
        self.hub = hub
        self.store = store
        self.tokens = tokens

    async def tenant(self, request: web.Request) -> str:
        """Raises `Refused` (``unauthorized``)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(Code.UNAUTHORIZED)
        tenant = self.tokens.read_access(token.strip(), time.time()).tenant
        if await self.hub.tenants.find(tenant) is None:
            raise Refused(Code.UNAUTHORIZED)
        return tenant

    def route(self, template: str, handler: Handler, *, creates: bool) -> Route:
        """An aiohttp handler; a creating one honours ``Idempotency-Key``."""

        async def serve(request: web.Request) -> web.Response:
            response = await self._serve(request, template, handler, creates=creates)
            metrics.HTTP.labels(template, str(response.status)).inc()
            return response

        return serve

    async def _serve(self, request: web.Request, template: str, handler: Handler, *, creates: bool) -> web.Response:
        try:
            tenant = await self.tenant(request)
        except Refused as refused:
            return problem(refused)
        try:
            body = await read_json(request) if creates else None
            key = request.headers.get("Idempotency-Key") if creates else None
            if key is None:
                answered = await handler(request, tenant, body, None)
                return answered.response()
            return await self._once(request, template, handler, tenant, body, key)
        except Refused as refused:
            self._note(refused, request, template, tenant)
            return problem(refused)
        except SealBroken as error:
            log.error("seal_broken", route=template, exc_info=error)
            self._note(Unavailable("seal"), request, template, tenant)
            return problem(Unavailable("seal"))

    def _note(self, refused: Refused, request: web.Request, template: str, tenant: str) -> None:
        with suppress(Refused):  # what isn't an id names no conversation
            conversation = path_id(request) if "id" in request.match_info else None
            self.hub.audit.note(refused, tenant, conversation, None, f"{request.method} {template}")

    async def _once(
        self, request: web.Request, template: str, handler: Handler, tenant: str, body: object, key: str
    ) -> web.Response:
        """The first success under a key is repeated; anything else under it is a conflict."""
        if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
            raise bad_request("Idempotency-Key")
        for name in request.match_info:  # the path is kept, so nothing but ids may be in it
            path_id(request, name)
        keys = self.hub.keys
        hashed = keys.index(tenant, template, key)  # a key may name a person
        body_hmac = keys.index(tenant, json.dumps(body, sort_keys=True, separators=(",", ":")))
        begun = await self.store.begin_request(tenant, template, hashed, request.path, body_hmac)
        if (begun.path, begun.body_hmac) != (request.path, body_hmac):
            raise Refused(Code.CONFLICT)
        await keys.load([people_key(tenant)])
        record = records.answer(template, hashed)
        if begun.status is not None and begun.answer is not None:
            with suppress(Unavailable):  # then the same is done again, which has the effect of once
                text = keys.cached(people_key(tenant)).open(record, begun.answer).decode()
                await self._require_there(request, tenant, text)
                return _respond(begun.status, text)
        try:
            answered = await handler(request, tenant, body, f"{template} {hashed}")
        except Refused as refused:
            if refused.code is not Code.UNAVAILABLE:
                await self.store.forget_request(tenant, template, hashed)
            raise
        assert isinstance(answered.body, Value)
        text = answered.body.model_dump_json()
        with suppress(Unavailable):  # a withdrawal needs no key; repeated, it is recorded once all the same
            sealed = keys.cached(people_key(tenant)).seal(record, text.encode())
            about = _conversation(request, text)
            await self.store.finish_request(tenant, template, hashed, answered.status, sealed, about)
        return _respond(answered.status, text)

    async def _require_there(self, request: web.Request, tenant: str, text: str) -> None:
        """An answer is repeated only while its conversation isn't erased. Raises `Erased`, `Unavailable`."""
        conversation = _conversation(request, text)
        if conversation is None:
            return
        command = GetConversation(tenant=tenant, replyto=self.hub.address, conversation=conversation)
        await self.hub.requests.ask(self.hub.session_queue(conversation), command, ConversationFound)


def _conversation(request: web.Request, text: str) -> str | None:
    """Which conversation an answer is about; None: none."""
    found: str | None = request.match_info.get("id") or json.loads(text).get("id")
    return found


def _respond(status: int, text: str, content_type: str = "application/json") -> web.Response:
    return web.Response(text=text, status=status, content_type=content_type, headers={"Cache-Control": "no-store"})
