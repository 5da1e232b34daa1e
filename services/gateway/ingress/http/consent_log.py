"""The tenant's consent log, for partners and their auditors (docs/audit.md)."""

from collections.abc import Callable

from aiohttp import web

from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import ConsistencyBody, EntriesBody
from services.gateway.ingress.http.requests import Answered, Handler, Route, bad_request, path_id, query_id, query_int
from shared.contracts.consent_commands import ReadCheckpoint, ReadConsistency, ReadEntries, ReadLogKey, ReadProof
from shared.contracts.consent_events import CheckpointRead, ConsistencyRead, EntriesRead, LogKeyRead, ProofRead

MOST = 2**53 - 1


class ConsentLog:
    """The handlers; each gets the tenant. Which consent queue answers doesn't matter: a tenant's is always the same."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self, wrap: Callable[[str, Handler], Route]) -> list[web.RouteDef]:
        handlers: dict[str, Handler] = {
            "/v1/consent-log/key": self.key,
            "/v1/consent-log/checkpoint": self.checkpoint,
            "/v1/consent-log/entries": self.entries,
            "/v1/consent-log/proof": self.consistency,
            "/v1/consents/{decision}/proof": self.proof,
        }
        return [web.get(path, wrap(path, handler)) for path, handler in handlers.items()]

    async def key(self, _: web.Request, tenant: str, __: object, ___: str | None) -> Answered:
        command = ReadLogKey(tenant=tenant, replyto=self._hub.address)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, LogKeyRead)
        return Answered(200, reply.key)

    async def checkpoint(self, _: web.Request, tenant: str, __: object, ___: str | None) -> Answered:
        command = ReadCheckpoint(tenant=tenant, replyto=self._hub.address)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, CheckpointRead)
        return Answered(200, reply.checkpoint)

    async def entries(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        """From ``start`` to ``end``, both included, or fewer: a page. Beyond the end of the log: none."""
        start, end = _number(request, "start"), _number(request, "end")
        command = ReadEntries(tenant=tenant, replyto=self._hub.address, start=start, end=end)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, EntriesRead)
        return Answered(200, EntriesBody(entries=reply.entries))

    async def consistency(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        first, second = _number(request, "first"), _number(request, "second")
        command = ReadConsistency(tenant=tenant, replyto=self._hub.address, first=first, second=second)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, ConsistencyRead)
        return Answered(200, ConsistencyBody(consistency=reply.consistency))

    async def proof(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        decision, conversation = path_id(request, "decision"), query_id(request, "conversation")
        command = ReadProof(tenant=tenant, replyto=self._hub.address, decision=decision, conversation=conversation)
        reply = await self._hub.requests.ask(self._hub.consent_queue(tenant), command, ProofRead)
        return Answered(200, reply.proof)


def _number(request: web.Request, name: str) -> int:
    """A number that must be given. Raises `Refused` (``bad_request``)."""
    if name not in request.query:
        raise bad_request(name)
    return query_int(request, name, 0, 0, MOST)
