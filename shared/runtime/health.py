"""Health: what keeps a process from being ready, and the admin port that says so."""

import asyncio

import orjson
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime import metrics

log = structlog.get_logger()


class Health:
    """Reasons not to be ready, by part. Empty: ready."""

    def __init__(self, *parts: str) -> None:
        self._reasons = dict.fromkeys(parts, "starting")
        self._changed = asyncio.Event()
        metrics.READY.set(0)

    @property
    def ready(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> dict[str, str]:
        return dict(self._reasons)

    def set(self, part: str, reason: str | None) -> None:
        """Say why ``part`` is away, or None when it is there."""
        if self._reasons.get(part) == reason:
            return
        if reason is None:
            self._reasons.pop(part, None)
        else:
            self._reasons[part] = reason
        metrics.READY.set(self.ready)
        log.info("health", part=part, reason=reason, ready=self.ready)
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_ready(self) -> None:
        while not self.ready:
            await self._changed.wait()

    async def healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(self, _: web.Request) -> web.Response:
        body = orjson.dumps({"ready": self.ready, "reasons": self._reasons})
        return web.Response(body=body, status=200 if self.ready else 503, content_type="application/json")

    def routes(self) -> list[web.RouteDef]:
        """Liveness and readiness, for the admin port and for the gateway's public one."""
        return [web.get("/healthz", self.healthz), web.get("/readyz", self.readyz)]


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def start_admin(host: str, port: int, routes: list[web.RouteDef]) -> web.AppRunner:
    """Serve these and /metrics. Raises OSError if the port is taken."""
    app = web.Application()
    app.add_routes([*routes, web.get("/metrics", _metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
