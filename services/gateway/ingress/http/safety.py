"""For partners: who asked for help and waits to be seen, since when. Ids and times, nothing of what it says."""

from collections.abc import Callable

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import RaiseBody, RaisesBody
from services.gateway.ingress.http.requests import Answered, Handler, Route, bad_request, query_int
from shared.contracts.features.safety import ListTenantRaises, RaisePlace, TenantRaisesListed
from shared.contracts.ids import Id

PAGE = 50
PAGE_MOST = 200
_id: TypeAdapter[str] = TypeAdapter(Id)


class Safety:
    """The handler; it gets the tenant."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self, wrap: Callable[[str, Handler], Route]) -> list[web.RouteDef]:
        return [web.get("/v1/safety", wrap("/v1/safety", self.raises))]

    async def raises(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        """The oldest first. ``open=true``: what nobody has acknowledged; with ``escalated_at``: for too long."""
        command = ListTenantRaises(
            tenant=tenant,
            replyto=self._hub.address,
            open=_flag(request, "open"),
            after=_place(request),
            limit=query_int(request, "limit", PAGE, 1, PAGE_MOST),
        )
        reply = await self._hub.requests.ask(self._hub.session_queue(tenant), command, TenantRaisesListed)
        page = [RaiseBody(**one.model_dump(by_alias=False)) for one in reply.raises]
        last = f"{page[-1].conversation}.{page[-1].raised}" if page and reply.more else None
        return Answered(200, RaisesBody(raises=page, next_after=last))


def _flag(request: web.Request, name: str) -> bool:
    """Raises `Refused` (``bad_request``)."""
    raw = request.query.get(name, "false")
    if raw not in ("true", "false"):
        raise bad_request(name)
    return raw == "true"


def _place(request: web.Request) -> RaisePlace | None:
    """Raises `Refused` (``bad_request``)."""
    raw = request.query.get("after")
    if raw is None:
        return None
    conversation, _, raised = raw.partition(".")
    try:
        return RaisePlace(conversation=_id.validate_python(conversation), raised=_id.validate_python(raised))
    except ValidationError:
        raise bad_request("after") from None
