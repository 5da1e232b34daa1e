"""Consent forms of a tenant's own, and what changed from one version to another (docs/consent-forms.md)."""

from collections.abc import Callable
from typing import get_args

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import FormsBody, NewForm
from services.gateway.ingress.http.requests import Answered, Route, bad_request, query_int, typed
from shared.contracts.consent_commands import CompareForms, ListForms, PublishForm, ReadForm
from shared.contracts.consent_events import FormPublished, FormRead, FormsCompared, FormsListed
from shared.contracts.errors import Code, Refused
from shared.contracts.frames.values import Locale
from shared.contracts.ids import Purpose, Sha256

_hash: TypeAdapter[str] = TypeAdapter(Sha256)
_locale: TypeAdapter[str] = TypeAdapter(Locale)


class ConsentForms:
    """The handlers; each gets the tenant. Everything of a tenant's forms goes through the same consent queue."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self, wrap: Callable[..., Route]) -> list[web.RouteDef]:
        path = "/v1/consent-forms"
        return [
            web.post(path, wrap(path, self.publish, creates=True)),
            web.get(path, wrap(path, self.listed, creates=False)),
            web.get(path + "/diff", wrap(path + "/diff", self.diff, creates=False)),
            web.get(path + "/{sha256}", wrap(path + "/{sha256}", self.read, creates=False)),
        ]

    async def publish(self, _: web.Request, tenant: str, body: object, __: str | None) -> Answered:
        """The version is the request's own id: the same again is the same form, another text is a conflict."""
        new = typed(NewForm, body)
        command = PublishForm(
            tenant=tenant,
            replyto=self._hub.address,
            purpose=new.purpose,
            version=new.version,
            texts=new.texts,
            valid_days=new.valid_days,
            older_lapse_at=new.older_lapse_at,
        )
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, FormPublished)
        return Answered(201 if reply.created else 200, FormsBody(forms=reply.forms))

    async def listed(self, _: web.Request, tenant: str, __: object, ___: str | None) -> Answered:
        command = ListForms(tenant=tenant, replyto=self._hub.address)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, FormsListed)
        return Answered(200, FormsBody(forms=reply.forms))

    async def read(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        try:
            digest = _hash.validate_python(request.match_info["sha256"])
        except ValidationError:
            raise Refused(Code.NOT_FOUND) from None
        command = ReadForm(tenant=tenant, replyto=self._hub.address, sha256=digest)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, FormRead)
        return Answered(200, reply.form)

    async def diff(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        command = CompareForms(
            tenant=tenant,
            replyto=self._hub.address,
            purpose=_purpose(request),
            locale=_in_query(request),
            first=_version(request, "first"),
            second=_version(request, "second"),
        )
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, FormsCompared)
        return Answered(200, reply.diff)


def _purpose(request: web.Request) -> Purpose:
    for known in get_args(Purpose):
        if request.query.get("purpose") == known:
            purpose: Purpose = known
            return purpose
    raise bad_request("purpose")


def _in_query(request: web.Request) -> str:
    try:
        return _locale.validate_python(request.query.get("locale", ""))
    except ValidationError:
        raise bad_request("locale") from None


def _version(request: web.Request, name: str) -> int:
    found = query_int(request, name, 0, 1, 2**31 - 1)
    if not found:
        raise bad_request(name)
    return found
