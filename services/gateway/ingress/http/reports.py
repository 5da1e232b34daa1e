"""``GET /v1/reports``: conversations that one of the two has reported, to the partner."""

from collections.abc import Callable

from aiohttp import web

from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import ReportsBody
from services.gateway.ingress.http.requests import Answered, Route, query_int
from shared.contracts import keys
from shared.contracts.errors import Erased, KeyGone
from shared.contracts.features.leaving import ListReports, ReportedContent, ReportsListed, ReportValue, StoredReport
from shared.runtime.sealing import SealBroken

PAGE = 50
PAGE_MOST = 200


class Reports:
    """The handler; it gets the tenant."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self, wrap: Callable[..., Route]) -> list[web.RouteDef]:
        return [web.get("/v1/reports", wrap("/v1/reports", self.listed))]

    async def listed(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        limit = query_int(request, "limit", PAGE, 1, PAGE_MOST)
        after = query_int(request, "after", 0, 0, 2**53 - 1)
        command = ListReports(tenant=tenant, replyto=self._hub.address, after=after, limit=limit + 1)
        found = (await self._hub.requests.ask(self._hub.session_queue(tenant), command, ReportsListed)).reports
        page = [await self._opened(tenant, one) for one in found[:limit]]
        return Answered(200, ReportsBody(reports=page, next_after=page[-1].number if len(found) > limit else None))

    async def _opened(self, tenant: str, stored: StoredReport) -> ReportValue:
        """Without its text, where nobody can read that any more."""
        text = None
        if stored.content is not None:
            try:
                key = await self._hub.keys.of(keys.conversation_key(tenant, stored.conversation))
                raw = key.open(keys.record(stored.report), stored.content)
                text = ReportedContent.model_validate_json(raw).text
            except (Erased, KeyGone, SealBroken):
                text = None
        return ReportValue(**stored.model_dump(exclude={"content"}), text=text)
