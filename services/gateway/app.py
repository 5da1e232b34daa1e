"""The gateway, wired together."""

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import get_args

import structlog
from aiohttp import web

from services.gateway.config import Settings
from services.gateway.domain.tokens import Tokens
from services.gateway.egress.peers import Peers
from services.gateway.egress.reads import Reads
from services.gateway.egress.requests import Requests
from services.gateway.feeds import Feeds
from services.gateway.handlers import uses
from services.gateway.handlers.audit import Audit
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.switches import Switches
from services.gateway.handlers.tenants import Tenants
from services.gateway.ingress.broker import Listener
from services.gateway.ingress.http import documents
from services.gateway.ingress.http.calendar import CalendarFeed
from services.gateway.ingress.http.oauth import OAuth
from services.gateway.ingress.http.page import Page
from services.gateway.ingress.http.partners import Api
from services.gateway.ingress.websocket import Door, heartbeats
from services.gateway.store import MISSED_MIN, Obscure, Store
from shared.contracts.errors import Close
from shared.contracts.frames.server import Reconnect
from shared.exercises.loading import BrokenDefinition
from shared.runtime import service
from shared.runtime.keys.ring import make_keyring
from shared.runtime.postgres import Pool
from shared.runtime.sealing import Sealer
from shared.runtime.service import CannotRun, Parts
from shared.runtime.stray import lasting
from shared.safety import library
from shared.safety.library import Library

log = structlog.get_logger()

FOLDER = Path(__file__).parent
SAFETY = FOLDER / "safety"
DRAIN_MS = 1_000
DRAIN_MS_EACH = 2
"""Connections come back over this long, so that they don't all arrive elsewhere at once."""
ACKS_S = 5.0


class Gateway:
    """The gateway's `shared.runtime.service.Work`."""

    def __init__(self, settings: Settings, parts: Parts, safety: Library) -> None:
        self._settings = settings
        self._parts = parts
        parts.health.set("listening", "starting")
        tokens = Tokens(settings.token_keys)
        self._store = Store(parts.pool)
        sealer = Sealer(settings.content_key)
        self._peers = Peers(parts.publisher, sealer)
        self._tenants = Tenants(self._store)
        self._switches = Switches(self._store)
        self._audit = Audit(self._store)
        requests = Requests(parts.publisher)
        self._reads = Reads(requests, sealer, settings.session_url)
        self._keys = make_keyring(settings, sealer)
        self._hub = Hub(
            settings,
            requests,
            self._reads,
            self._peers,
            sealer,
            self._keys,
            tokens,
            self._tenants,
            self._switches,
            self._audit,
            safety,
            Feeds(parts.pool),
        )
        self._door = Door(self._hub)
        self._listener = Listener(self._hub, parts.consuming, parts.health)
        self._app = web.Application(client_max_size=65_536)
        self._app.add_routes(
            [
                web.get("/v1/ws", self._door.serve),
                web.post("/v1/oauth/token", OAuth(self._hub, self._store, tokens).token),
                *Api(self._hub, tokens, self._store).routes(),
                *CalendarFeed(self._hub).routes(),
                *documents.routes(),
                *Page().routes(),
                *parts.health.routes(),
            ]
        )
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1)

    async def run(self) -> None:
        await self._tenants.load()
        await self._switches.load()
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port, backlog=1024).start()
        log.info("listening", host=self._settings.host, port=self._settings.port)
        async with asyncio.TaskGroup() as group:
            for work in (
                self._listener.run(),
                heartbeats(self._hub, self._door),
                uses.keep(self._hub),
                self._tenants.keep(),
                self._switches.keep(self._hub),
                self._keys.keep(self._hub.held_keys),
                self._audit.keep(),
            ):
                group.create_task(lasting(work))

    async def stop(self) -> None:
        """Drain: take nothing new, ask clients to come back, give the answers that are due, then close.

        What a client sent and had no answer to it sends again, with the same id, to another gateway.
        """
        self._hub.draining = True
        connections = list(self._hub.connections.values())
        spread = max(DRAIN_MS, len(connections) * DRAIN_MS_EACH)
        for connection in connections:
            connection.send(Reconnect(retry_ms=random.randrange(spread)))  # noqa: S311 - spreads load, guards nothing
        self._hub.keeping.flush()
        for room in list(self._hub.rooms.values()):
            uses.send(self._hub, room)
        await self._hub.requests.settled(ACKS_S)
        await self._door.shut(Close.SERVICE_RESTART)
        await self._runner.cleanup()
        await self._hub.close()
        await self._reads.close()
        await self._keys.close()
        await self._audit.flush()


async def build(settings: Settings, parts: Parts) -> Gateway:
    """Raises `CannotRun`."""
    return Gateway(settings, parts, _safety(settings))


def _safety(settings: Settings) -> Library:
    """Raises `CannotRun`: the platform's own data is broken. A tenant's that is broken is left out and logged."""
    try:
        found = library.own(SAFETY)
        if settings.safety is not None:
            library.add_tenants(found, settings.safety)
    except BrokenDefinition as broken:
        raise CannotRun(str(broken)) from None
    except OSError as error:
        raise CannotRun(f"UNSAID_SAFETY can't be read: {error.strerror}") from None
    for one in found.broken:
        log.error("safety_refused", file=one.file, line=one.line, reason=one.reason)
    return found


def _obscure(asked: object) -> Obscure:
    for known in get_args(Obscure):
        if asked == known:
            wanted: Obscure = known
            return wanted
    raise ValueError


async def ensure_tenant(pool: Pool) -> None:
    """Create or update a tenant from JSON on standard input. Raises `SystemExit` with what is wrong."""
    try:
        asked = json.load(sys.stdin)
        tenant = await Store(pool).ensure_tenant(
            str(asked["name"]),
            [str(origin) for origin in asked["origins"]],
            int(asked["rate_factor"]),
            _obscure(asked.get("obscure", "offered")),
            str(asked["client_id"]),
            str(asked["client_secret"]),
            int(asked.get("missed_min", MISSED_MIN)),
            {str(language): str(text) for language, text in dict(asked.get("away", {})).items()},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"ensure-tenant: the JSON on standard input is not right ({type(error).__name__})") from None
    if tenant is None:
        raise SystemExit("ensure-tenant: the client id belongs to another tenant")
    print(json.dumps({"tenant": tenant}))


async def switch_live(pool: Pool) -> None:
    """Switch live text on or off, from JSON on standard input. Raises `SystemExit` with what is wrong."""
    try:
        asked = json.load(sys.stdin)
        tenant, on = asked["tenant"], asked["on"]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"switch-live: the JSON on standard input is not right ({type(error).__name__})") from None
    if not isinstance(on, bool) or not isinstance(tenant, str | None):
        raise SystemExit('switch-live: {"tenant": name or null, "on": true or false} is wanted')
    if not await Store(pool).switch_live(tenant, on=on):
        raise SystemExit("switch-live: there is no such tenant")


def main() -> None:
    verbs = {"ensure-tenant": ensure_tenant, "switch-live": switch_live}
    service.main("gateway", Settings, FOLDER, build, verbs)
