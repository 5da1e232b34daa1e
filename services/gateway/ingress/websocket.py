"""``GET /v1/ws``: the door for participants (protocol, section 2)."""

import asyncio
import time

import structlog
from aiohttp import WSMessage, WSMsgType, web

from services.gateway import metrics
from services.gateway.domain.tokens import Connect
from services.gateway.egress.outgoing import Outgoing
from services.gateway.errors import Closing, to_frame
from services.gateway.handlers import arrivals
from services.gateway.handlers.arrivals import FRAME_BYTES, HEARTBEAT_S
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.frames import Frames
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.parsing import BadFrame, parse
from services.gateway.store import Tenant
from shared.contracts.errors import Close, Refused, Unavailable
from shared.contracts.frames import client
from shared.contracts.ids import new_id

log = structlog.get_logger()

PROTOCOL = "unsaid.v1"
HELLO_S = 5.0
MAX_BYTES = 1024 * 1024
CLOSE_S = 2.0


def origin_is_known(hub: Hub, origin: str | None) -> bool:
    return origin is None or hub.tenants.any_has_origin(origin)


def offered(request: web.Request) -> list[str]:
    header = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [name.strip() for name in header.split(",") if name.strip()]


class Door:
    """Lets connections in, one task each."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.sockets: set[web.WebSocketResponse] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not origin_is_known(self._hub, origin):
            return web.Response(status=403, text="This origin isn't known here.\n")
        protocols = offered(request)
        if protocols and PROTOCOL not in protocols:
            return web.Response(status=400, text=f"Only {PROTOCOL} is spoken here.\n")
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,), compress=False, max_msg_size=MAX_BYTES, autoping=False, timeout=CLOSE_S
        )
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            await _Visit(self._hub, request, socket, origin).run()
        finally:
            self.sockets.discard(socket)
        return socket


class _Visit:
    """One websocket from its hello to its close."""

    def __init__(self, hub: Hub, request: web.Request, socket: web.WebSocketResponse, origin: str | None) -> None:
        self._hub = hub
        self._socket = socket
        self._origin = origin
        self._closing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        transport = request.transport
        assert transport is not None
        self._outgoing = Outgoing(transport, self._close)
        self._connection: Connection | None = None

    def _close(self, code: int) -> None:
        if not self._closing.done():
            self._closing.set_result(int(code))

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        either: list[asyncio.Future[None] | asyncio.Future[int]] = [reading, self._closing]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        code = self._closing.result() if self._closing.done() else None
        if reading.done() and not reading.cancelled():
            error = reading.exception()
            if isinstance(error, Closing):
                code = error.code
            elif error is not None:
                log.error("connection_failed", exc_info=error)
                code = 1011
        reading.cancel()
        if self._connection is not None:
            self._hub.dismiss(self._connection)
        if code is not None:
            metrics.CLOSED.labels(str(code)).inc()
            if code != Close.TOO_SLOW:
                await self._outgoing.flush(CLOSE_S)
        self._outgoing.stop()
        await asyncio.wait([reading])
        await self._end(code)

    async def _end(self, code: int | None) -> None:
        try:
            async with asyncio.timeout(CLOSE_S + 1):
                await self._socket.close(code=code or 1000)
        except (TimeoutError, OSError):
            log.debug("closed_roughly", code=code)

    async def _read(self) -> None:
        connection = await self._hello()
        if connection is None:
            return
        frames = Frames(self._hub, connection)
        loop = asyncio.get_running_loop()
        try:
            while True:
                message = await self._socket.receive()
                connection.heard = loop.time()
                text = await self._text(message)
                if text is None:
                    if self._socket.closed:
                        return
                    continue
                if self._hub.draining:  # unanswered, it will be sent again to another gateway
                    await asyncio.wait([self._closing])
                    return
                try:
                    frames.take(parse(text))
                except BadFrame as bad:
                    metrics.REFUSED.labels(bad.code).inc()
                    connection.send(to_frame(bad, bad.ref, bad.kind, bad.conversation))
                await frames.room_for()
        finally:
            frames.close()

    async def _text(self, message: WSMessage) -> str | None:
        """The text of a data frame; None for a control frame or the end. Raises `Closing`."""
        match message.type:
            case WSMsgType.TEXT:
                text: str = message.data
                if len(text) > FRAME_BYTES or (not text.isascii() and len(text.encode()) > FRAME_BYTES):
                    raise Closing(Close.TOO_BIG)
                return text
            case WSMsgType.BINARY:
                raise Closing(Close.TOO_BIG if len(message.data) > FRAME_BYTES else Close.BAD_DATA)
            case WSMsgType.PING:
                await self._socket.pong(message.data)
            case _:
                pass  # a pong, or the end
        return None

    # --- hello -----------------------------------------------------------------------------------------------------

    async def _hello(self) -> Connection | None:
        """Wait for a good hello and let the connection in. Raises `Closing`."""
        try:
            async with asyncio.timeout(HELLO_S):
                hello = await self._first()
        except TimeoutError:
            raise Closing(Close.TIMEOUT) from None
        if hello is None:
            return None
        claims, tenant = await self._authenticate(hello.token)
        connection = Connection(claims, hello.device or new_id(), tenant.limits, self._outgoing, self._closing)
        connection.heard = asyncio.get_running_loop().time()
        try:
            rooms = await arrivals.rooms_of(self._hub, claims)
            for room in rooms:
                room.require_member(connection)
        except Unavailable as refused:
            connection.send(to_frame(refused, hello.ref, "hello", claims.conversation))
            raise Closing(Close.SERVICE_RESTART) from None
        except Refused:
            raise Closing(Close.UNAUTHORIZED) from None
        if self._hub.draining:
            raise Closing(Close.SERVICE_RESTART)
        self._connection = connection
        arrivals.welcome(self._hub, connection, rooms, hello)
        return connection

    async def _first(self) -> client.Hello | None:
        """The first frame that is a hello; one that is mistyped may be followed by another. Raises `Closing`."""
        while True:
            text = await self._text(await self._socket.receive())
            if text is None:
                if self._socket.closed:
                    return None
                continue
            try:
                frame = parse(text)
            except BadFrame as bad:
                if bad.kind != "hello" or (bad.details["field"] == "token"):
                    raise Closing(Close.UNAUTHORIZED) from None
                self._outgoing.send(to_frame(bad, bad.ref, bad.kind, None).model_dump_json().encode())
                continue
            if not isinstance(frame, client.Hello):
                raise Closing(Close.UNAUTHORIZED)
            return frame

    async def _authenticate(self, token: str) -> tuple[Connect, Tenant]:
        try:
            claims = self._hub.tokens.read_connect(token, time.time())
        except Refused:
            raise Closing(Close.UNAUTHORIZED) from None
        tenant = await self._hub.tenants.find(claims.tenant)
        if tenant is None or (self._origin is not None and self._origin not in tenant.origins):
            raise Closing(Close.UNAUTHORIZED)
        return claims, tenant


async def heartbeats(hub: Hub, door: Door) -> None:
    """Ping every socket; close those that were silent for two heartbeats, and those whose token has expired."""
    loop = asyncio.get_running_loop()
    last_ping = loop.time()
    while True:
        await asyncio.sleep(1)
        arrivals.close_expired(hub)
        now = loop.time()
        if now - last_ping < HEARTBEAT_S:
            continue
        last_ping = now
        for connection in list(hub.connections.values()):
            if now - connection.heard > 2 * HEARTBEAT_S + 1:
                connection.close(Close.TIMEOUT)
        for socket in list(door.sockets):
            try:
                await socket.ping()
            except (ConnectionError, RuntimeError):
                continue  # it is closing; its own task ends it
