"""What an upgraded connection leaves behind: nothing of aiohttp's, which would stay as long as the socket."""

import asyncio
import gc

import picows
import uvloop
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from services.gateway.ingress.upgrade import hand_over

CONNECTIONS = 3


class _Listener(picows.WSListener):
    pass


def _handlers() -> int:
    gc.collect()
    return sum(isinstance(each, RequestHandler) for each in gc.get_objects())


async def _upgraded() -> tuple[int, int]:
    """Handlers of aiohttp's before, and while upgraded connections are open."""
    listeners: list[_Listener] = []  # picows keeps weak references only

    async def serve(request: web.Request) -> web.Response:
        listeners.append(_Listener())
        return hand_over(request, listeners[-1], None)

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    before = _handlers()
    clients = [(await picows.ws_connect(_Listener, f"ws://{host}:{port}/"))[0] for _ in range(CONNECTIONS)]
    await asyncio.sleep(0)  # the handlers' tasks end
    found = before, _handlers()
    for client in clients:
        client.disconnect()
    await runner.cleanup()
    return found


def test_nothing_of_the_request_stays_with_an_upgraded_connection() -> None:
    """On the loop that services run on: uvloop kept the handler, by a method of its own."""
    before, after = uvloop.run(_upgraded())
    assert after <= before
