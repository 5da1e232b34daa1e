"""From HTTP to websocket: aiohttp answers requests, and picows reads and writes what follows an upgrade (ADR 11)."""

import asyncio
import logging
from typing import Any

from aiohttp import web
from picows import WSAutoPingStrategy, WSListener, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # what picows' own server makes of a connection

MOST_BYTES = 1024 * 1024
"""picows itself closes 1009 above."""
BUFFER_BYTES = 1_024
"""What a connection reads into, to begin with; it grows with what comes."""

_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: %b\r\n\r\n"
)
"""As picows wants it; browsers' own say more, and some say `Connection: keep-alive, Upgrade`."""

_NOBODY = asyncio.Protocol()
_log = logging.LoggerAdapter(logging.getLogger("picows"))  # a bare logger gets a child for each connection


def hand_over(request: web.Request, listener: WSListener, protocol: str | None) -> web.Response:
    """Give the request's socket to ``listener``, with the answer that this is websocket from here on.

    The response that is returned is for aiohttp only, which finds its client gone.

    Raises:
        web.HTTPBadRequest: this isn't a handshake (RFC 6455, 4.2.1).
    """
    if not web.WebSocketResponse(protocols=() if protocol is None else (protocol,)).can_prepare(request):
        raise web.HTTPBadRequest(text="This address speaks websocket only.\n")
    http, transport = request.protocol, request.transport
    assert transport is not None
    spoken = _speaking(listener, {} if protocol is None else {"Sec-WebSocket-Protocol": protocol})
    transport.pause_reading()  # a transport that is reading doesn't look at what protocol it has
    transport.set_protocol(_NOBODY)  # uvloop keeps the last one that wasn't buffered, which would be aiohttp's
    transport.set_protocol(spoken)
    http.transport = None  # aiohttp forgets the connection without closing it
    http.connection_lost(None)
    spoken.connection_made(transport)
    _feed(spoken, _HANDSHAKE % request.headers["Sec-WebSocket-Key"].encode())
    for head in (spoken.transport.request, spoken.transport.response):
        head.headers = None  # picows keeps both as long as the connection, and nobody asks for them
    transport.resume_reading()
    return web.Response()


def _speaking(listener: WSListener, headers: dict[str, str]) -> Any:  # noqa: ANN401 - it has no types
    def answer(_: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(headers), listener)

    return WSProtocol(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=answer,
        logger=_log,
        disconnect_on_exception=True,  # 1011
        websocket_handshake_timeout=None,
        enable_auto_ping=False,
        auto_ping_idle_timeout=None,
        auto_ping_reply_timeout=None,
        auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
        enable_auto_pong=True,
        max_frame_size=MOST_BYTES,
        extra_headers=None,
        read_buffer_init_size=BUFFER_BYTES,
    )


def _feed(protocol: Any, raw: bytes) -> None:  # noqa: ANN401
    """As if the bytes had just been read."""
    while raw:
        room = protocol.get_buffer(len(raw))
        taken = min(len(room), len(raw))
        room[:taken] = raw[:taken]
        protocol.buffer_updated(taken)
        raw = raw[taken:]
