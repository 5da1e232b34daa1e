"""``GET /v1/ws``: the door for participants (protocol, section 2)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

import structlog
from aiohttp import web
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from services.gateway import metrics
from services.gateway.domain.tokens import Connect
from services.gateway.egress.outgoing import Outgoing
from services.gateway.errors import Closing, to_frame
from services.gateway.handlers import arrivals
from services.gateway.handlers.arrivals import HEARTBEAT_S
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.frames import Frames
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.parsing import BadFrame, parse
from services.gateway.ingress.texts import Texts
from services.gateway.ingress.upgrade import hand_over
from services.gateway.store import Tenant
from shared.contracts.errors import Close, Code, KeyGone, Refused, Unavailable
from shared.contracts.frames import client
from shared.contracts.ids import new_id

log = structlog.get_logger()

PROTOCOL = "unsaid.v1"
HELLO_S = 5.0
CLOSE_S = 2.0
TICKS_MISSED_S = 5.0
TURNED_AWAY = {Code.ERASED: Close.ERASED}
"""How a hello ends that is refused, where it isn't for its token."""


A = TypeVar("A")
B = TypeVar("B")


def stops(frame: client.AnyFrame) -> bool:
    """Whether the frame ends what others see, which is done at once even by a gateway that is about to go."""
    return isinstance(frame, client.ConsentWithdraw) or (isinstance(frame, client.LiveToggle) and not frame.on)


def origin_is_known(hub: Hub, origin: str | None) -> bool:
    return origin is None or hub.tenants.any_has_origin(origin)


def offered(request: web.Request) -> list[str]:
    header = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [name.strip() for name in header.split(",") if name.strip()]


class Door:
    """Lets connections in."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.visits: set[Visit] = set()

    async def shut(self, code: int) -> None:
        """Close every connection, those on their way in as well, and wait until they have left."""
        for visit in list(self.visits):
            visit.close(code)
        until = asyncio.get_running_loop().time() + 3 * CLOSE_S
        while self.visits and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - thousands leave at once
            await asyncio.sleep(0.02)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not origin_is_known(self.hub, origin):
            return web.Response(status=403, text="This origin isn't known here.\n")
        protocols = offered(request)
        if protocols and PROTOCOL not in protocols:
            return web.Response(status=400, text=f"Only {PROTOCOL} is spoken here.\n")
        return hand_over(request, Visit(self, origin), PROTOCOL if protocols else None)


class Visit(WSListener):
    """One websocket from its hello to its close. It has a task of its own only while it enters and while it leaves."""

    def __init__(self, door: Door, origin: str | None) -> None:
        super().__init__()
        self._door = door
        self._hub = door.hub
        self._origin = origin
        self._texts = Texts()
        self._backlog: list[str] = []
        """What was read and can't be taken yet; reading is paused meanwhile, so it is at most what had been read. A
        list, since an empty deque takes 0.7 KiB of each connection."""
        self._connection: Connection | None = None
        self._frames: Frames | None = None
        self._entering: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._gone = False
        self._farewell: asyncio.Event | None = None
        """Set when the socket is gone; there while somebody waits for that."""

    # --- what picows tells -----------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._socket = transport
        self._outgoing = Outgoing(transport, self.close)
        self._timer = asyncio.get_running_loop().call_later(HELLO_S, self.close, Close.TIMEOUT)
        self._next_ping = asyncio.get_running_loop().time() + HEARTBEAT_S
        self._door.visits.add(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._connection is not None:
            self._connection.heard = time.monotonic()
        text = self._guarded(self._texts.take, frame)
        if text is not None:
            self._take(text)
        elif frame.msg_type is WSMsgType.CLOSE:
            self._leave(None)
            if not transport.is_close_frame_sent:
                code = frame.get_close_code()
                transport.send_close(WSCloseCode.OK if code == WSCloseCode.NO_INFO else code)
            transport.disconnect()

    def on_ws_disconnected(self, _: WSTransport) -> None:
        self._gone = True
        if self._farewell is not None:
            self._farewell.set()
        self._outgoing.stop()  # at once: others may be about to write to it
        self._leave(None)

    def pause_writing(self) -> None:
        self._outgoing.pause()

    def resume_writing(self) -> None:
        self._outgoing.resume()

    # --- frames ----------------------------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        """Whether what comes next has to wait."""
        return self._entering is not None or (self._frames is not None and self._frames.full)

    def _take(self, text: str) -> None:
        if self._leaving is not None:
            return
        if self._backlog or self._busy:
            self._backlog.append(text)
            self._socket.underlying_transport.pause_reading()
        else:
            self._guarded(self._do, text)

    def _guarded(self, what: Callable[[A], B], argument: A) -> B | None:
        """Do it; what goes wrong closes the connection, in the order of its leaving."""
        try:
            return what(argument)
        except Closing as closing:
            self.close(closing.code)
        except Exception as error:  # picows would close without our knowing
            log.error("connection_failed", exc_info=error)
            self.close(1011)
        return None

    def _do(self, text: str) -> None:
        """Raises `Closing`."""
        if self._frames is None or self._connection is None:
            self._greeted(text)
            return
        try:
            frame = parse(text)
            if not self._hub.draining or stops(frame):
                self._frames.take(frame)  # others, unanswered, will be sent again to another gateway
        except BadFrame as bad:
            metrics.REFUSED.labels(bad.code).inc()
            self._connection.send(to_frame(bad, bad.ref, bad.kind, bad.conversation))

    def _go_on(self) -> None:
        """Take what waits, and read on when that is done."""
        while self._backlog and not self._busy and self._leaving is None:
            self._guarded(self._do, self._backlog.pop(0))
        if not self._backlog and not self._gone:
            self._socket.underlying_transport.resume_reading()

    # --- hello -----------------------------------------------------------------------------------------------------

    def _greeted(self, text: str) -> None:
        """The first frame that is a hello; one that is mistyped may be followed by another. Raises `Closing`."""
        try:
            frame = parse(text)
        except BadFrame as bad:
            if bad.kind != "hello" or (bad.details["field"] == "token"):
                raise Closing(Close.UNAUTHORIZED) from None
            self._outgoing.send(to_frame(bad, bad.ref, bad.kind, None).model_dump_json().encode())
            return
        if not isinstance(frame, client.Hello):
            raise Closing(Close.UNAUTHORIZED)
        if self._hub.draining:
            raise Closing(Close.SERVICE_RESTART)
        self._timer.cancel()
        self._entering = asyncio.create_task(self._enter(frame))
        self._entering.add_done_callback(self._entered)

    def _entered(self, entering: "asyncio.Task[None]") -> None:
        self._entering = None
        if entering.cancelled():
            return
        error = entering.exception()
        if isinstance(error, Closing):
            self.close(error.code)
        elif error is not None:
            log.error("connection_failed", exc_info=error)
            self.close(1011)
        else:
            self._go_on()

    async def _enter(self, hello: client.Hello) -> None:
        """Let the connection in. Raises `Closing`."""
        claims, tenant = await self._authenticate(hello.token)
        connection = Connection(claims, hello.device or new_id(), tenant.limits, self._outgoing, self.close)
        if tenant.obscure == "required" or (hello.obscure and tenant.obscure == "offered"):
            self._outgoing.obscure()
            connection.unpadded = not hello.obscure
        connection.heard = time.monotonic()
        try:
            rooms = await arrivals.rooms_of(self._hub, claims)
            for room in rooms:
                room.require_member(connection)
        except (Unavailable, KeyGone) as refused:  # an operator may put it back
            connection.send(to_frame(refused, hello.ref, "hello", claims.conversation))
            raise Closing(Close.SERVICE_RESTART) from None
        except Refused as refused:
            raise Closing(TURNED_AWAY.get(refused.code, Close.UNAUTHORIZED)) from None
        if self._hub.draining:
            raise Closing(Close.SERVICE_RESTART)
        self._connection = connection
        self._frames = Frames(self._hub, connection, self._go_on)
        arrivals.welcome(self._hub, connection, rooms, hello)

    async def _authenticate(self, token: str) -> tuple[Connect, Tenant]:
        try:
            claims = self._hub.tokens.read_connect(token, time.time())
        except Refused:
            raise Closing(Close.UNAUTHORIZED) from None
        tenant = await self._hub.tenants.find(claims.tenant)
        if tenant is None or (self._origin is not None and self._origin not in tenant.origins):
            raise Closing(Close.UNAUTHORIZED)
        return claims, tenant

    # --- heartbeats and the end ------------------------------------------------------------------------------------

    def beat(self, now: float) -> None:
        """Each second: a heartbeat, where one is due; and where picows has closed by itself, the rest of that."""
        if self._socket.is_close_frame_sent:
            self._leave(None)
        elif now >= self._next_ping:
            self._next_ping = now + HEARTBEAT_S
            self._ping(now)

    def _ping(self, now: float) -> None:
        """None where frames come and go at every tick, in which it would stand out."""
        connection, obscured = self._connection, self._outgoing.obscured
        if connection is None or obscured is None or not obscured.on or now - connection.heard > TICKS_MISSED_S:
            self._socket.send_ping()

    def close(self, code: int) -> None:
        """Close with this code; the first one counts."""
        self._leave(int(code))

    def _leave(self, code: int | None) -> None:
        """Begin to leave, in a moment: whoever asks may be walking through a room's connections."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._left(code))

    async def _left(self, code: int | None) -> None:
        """What was due is written, then comes the close. None: the client has closed, or is gone."""
        self._timer.cancel()
        self._backlog.clear()
        try:
            if self._entering is not None:
                self._entering.cancel()
                await asyncio.wait([self._entering])
            if self._frames is not None:
                self._frames.close()
            if self._connection is not None:
                self._hub.dismiss(self._connection)
            if code is not None and not self._gone:
                await self._say_goodbye(code)
            if not self._gone:
                self._farewell = asyncio.Event()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        await self._farewell.wait()
        except Exception as error:  # nobody awaits this task
            log.error("leaving_failed", exc_info=error)
        finally:
            self._outgoing.stop()
            self._socket.disconnect(graceful=False)
            self._door.visits.discard(self)

    async def _say_goodbye(self, code: int) -> None:
        metrics.CLOSED.labels(str(code)).inc()
        if code != Close.TOO_SLOW:
            await self._outgoing.flush(CLOSE_S)
        self._outgoing.stop()
        if not self._gone:
            self._socket.send_close(cast("WSCloseCode", code))
            self._socket.underlying_transport.resume_reading()


async def heartbeats(hub: Hub, door: Door) -> None:
    """Ping every socket, each at its own time; close those that were silent for two heartbeats or have expired."""
    while True:
        await asyncio.sleep(1)
        arrivals.close_expired(hub)
        now = time.monotonic()
        for connection in list(hub.connections.values()):
            if now - connection.heard > 2 * HEARTBEAT_S + 1:
                connection.close(Close.TIMEOUT)
        for visit in list(door.visits):
            visit.beat(now)
