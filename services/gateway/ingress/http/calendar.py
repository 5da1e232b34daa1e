"""``GET /v1/calendar/{token}.ics``: who has the address has the feed, until it is revoked."""

from aiohttp import web

from services.gateway.egress.ics import feed
from services.gateway.handlers.calendars import digest
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.scheduling import listed
from services.gateway.ingress.http.requests import problem
from shared.contracts.errors import Code, Refused

MOST = 200
"""Appointments in a feed: those that were scheduled last."""
HEADERS = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class CalendarFeed:
    """The handler. Whatever is wrong with an address, it is not there."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [web.get(r"/v1/calendar/{token:[0-9a-f]{64}}.ics", self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        try:
            found = await self._hub.feeds.feed(digest(request.match_info["token"]))
        except Refused as refused:
            return problem(refused)
        if found is None:
            return problem(Refused(Code.NOT_FOUND))
        try:
            room = await self._hub.hold(found.conversation, found.tenant)
            reply = await listed(self._hub, room, found.participant, MOST)
        except Refused as refused:
            return problem(Refused(Code.NOT_FOUND) if refused.code is Code.ERASED else refused)
        body = feed(reply.sessions, room.locale(found.participant))
        return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=HEADERS)
