"""``POST /v1/oauth/token``: client credentials (RFC 6749, 4.4), errors by its section 5.2."""

import base64
import binascii
import time
import urllib.parse

from aiohttp import web
from multidict import MultiDict, MultiMapping

from services.gateway.domain.tokens import ACCESS_TTL_S, Tokens
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import AccessBody
from services.gateway.store import Store
from shared.contracts.errors import Unavailable

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _error(code: str, status: int = 400) -> web.Response:
    headers = dict(NO_STORE)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="unsaid"'
    return web.json_response({"error": code}, status=status, headers=headers)


def _basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header; both are form-encoded inside (RFC 6749, 2.3.1)."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, separator, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)) if separator else None


async def _form(request: web.Request) -> MultiMapping[object]:
    """The form; empty where it is none."""
    if request.content_type != "application/x-www-form-urlencoded":
        return MultiDict()
    try:
        return await request.post()
    except UnicodeDecodeError:
        return MultiDict()


class OAuth:
    """The token endpoint."""

    def __init__(self, hub: Hub, store: Store, tokens: Tokens) -> None:
        self._hub = hub
        self._store = store
        self._tokens = tokens

    async def token(self, request: web.Request) -> web.Response:
        form = await _form(request)
        grant_type = form.get("grant_type")
        if not isinstance(grant_type, str) or len(form.getall("grant_type")) != 1:
            return _error("invalid_request")
        if grant_type != "client_credentials":
            return _error("unsupported_grant_type")
        header = request.headers.get("Authorization")
        if header is not None:
            credentials = _basic(header)
            if credentials is None:
                return _error("invalid_client", 401)
            if "client_secret" in form:
                return _error("invalid_request")  # one way of authenticating, not two
        else:
            name, secret = form.get("client_id"), form.get("client_secret")
            if not isinstance(name, str) or not isinstance(secret, str):
                return _error("invalid_client", 401)
            credentials = (name, secret)
        return await self._issue(*credentials)

    async def _issue(self, client_id: str, secret: str) -> web.Response:
        if "\0" in client_id:
            return _error("invalid_client", 401)
        try:
            tenant = await self._store.authenticate(client_id, secret)
        except Unavailable:
            response = _error("temporarily_unavailable", 503)
            response.headers["Retry-After"] = "1"
            return response
        if tenant is None:
            return _error("invalid_client", 401)
        body = AccessBody(access_token=self._tokens.access(tenant, time.time()), expires_in=ACCESS_TTL_S)
        return web.Response(text=body.model_dump_json(), content_type="application/json", headers=NO_STORE)
