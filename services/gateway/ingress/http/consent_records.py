"""People's decisions for partners: receipts, and FHIR R4 ``Consent`` resources (hl7.org/fhir/R4/consent.html)."""

import json
from collections.abc import Callable

from aiohttp import web

from services.gateway.egress import fhir, receipts
from services.gateway.handlers import consents
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.requests import (
    Answered,
    Handler,
    Route,
    bad_request,
    path_id,
    query_id,
    query_int,
)
from shared.contracts.consent_commands import DecisionPlace, ReadRecord
from shared.contracts.consent_events import RecordRead
from shared.contracts.errors import Code, Refused

PAGE = 200


class ConsentRecords:
    """The handlers; each gets the tenant."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self, wrap: Callable[[str, Handler], Route]) -> list[web.RouteDef]:
        handlers: dict[str, Handler] = {
            "/v1/fhir/Consent": self.search,
            "/v1/fhir/Consent/{fhir_id}": self.resource,
            "/v1/conversations/{id}/consents/{decision}/receipt": self.receipt,
        }
        return [web.get(path, wrap(path, handler)) for path, handler in handlers.items()]

    async def search(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        """``patient``: this client's; ``consentor``: this participant's; ``date``: when, with FHIR's prefixes.

        ``_count``: of how many decisions a page is made, those that don't fit the search among them. The link
        ``next`` goes back in time; it carries ``before``, the id of a resource.
        """
        patient, consentor = _reference(request, "patient"), _reference(request, "consentor")
        try:
            within = fhir.dates(request.query.getall("date", []))
        except ValueError:
            raise bad_request("date") from None
        who = patient or consentor
        if who is None:
            raise bad_request("patient")
        command = ReadRecord(
            tenant=tenant,
            replyto=self._hub.address,
            participant=who,
            conversation=None,
            before=_before(request),
            limit=query_int(request, "_count", PAGE, 1, PAGE),
        )
        page = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, RecordRead)
        found = [
            one
            for one in page.decisions
            if within(one) and consentor in (None, one.participant) and (patient is None or one.role == "client")
        ]
        older = None
        if page.more:
            older = str(request.rel_url.update_query(before=fhir.fhir_id(page.decisions[0])))
        return _answered(fhir.bundle(found, self._base, request.path_qs, older))

    async def resource(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        named = fhir.ids(request.match_info["fhir_id"])
        if named is None:
            raise Refused(Code.NOT_FOUND)
        conversation, decision = named
        return _answered(fhir.consent(await consents.decided(self._hub, tenant, conversation, decision), self._base))

    @property
    def _base(self) -> str:
        return self._hub.settings.public_url.rstrip("/")

    async def receipt(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        """JSON; HTML for who accepts nothing else."""
        conversation, decision = path_id(request), path_id(request, "decision")
        made = await consents.receipt(self._hub, tenant, conversation, decision, None)
        if request.headers.get("Accept", "").startswith("text/html"):
            return Answered(200, receipts.html(made), "text/html")
        return Answered(200, json.dumps(made, ensure_ascii=False), "application/json")


def _before(request: web.Request) -> DecisionPlace | None:
    """Raises `Refused` (``bad_request``)."""
    raw = request.query.get("before")
    if raw is None:
        return None
    named = fhir.ids(raw)
    if named is None:
        raise bad_request("before")
    return DecisionPlace(conversation=named[0], decision=named[1])


def _answered(resource: fhir.Json) -> Answered:
    return Answered(200, json.dumps(resource, ensure_ascii=False), "application/fhir+json")


def _reference(request: web.Request, name: str) -> str | None:
    """An id, or a reference to a Patient, Practitioner… with it. Raises `Refused` (``bad_request``)."""
    raw = request.query.get(name)
    if raw is None:
        return None
    return query_id(request.clone(rel_url=request.rel_url.with_query({name: raw.rpartition("/")[2]})), name)
