"""A relay between a process and a server that cuts the stream into the protocol's own frames.

In: rules, which say what is to happen to frames of one direction. Out: the frames, unless a rule drops them, holds them
or cuts the connection; and an event when a rule met its first frame, so that a fault falls between two known points
without a hook in the product.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

READ_BYTES = 256 * 1024


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Way(Enum):
    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class Then(Enum):
    PASS = "pass"
    DROP = "drop"
    HOLD = "hold"
    """Neither this frame nor any behind it goes on, until the rule is lifted."""
    CUT = "cut"
    LATE = "late"
    """It goes on ``late_s`` seconds after it came; the order among those that are late stays."""


Matches = Callable[[bytes], bool]


@dataclass(eq=False)
class Rule:
    """What happens to frames that match. ``old_only``: on connections that there were when the rule was made."""

    way: Way
    matches: Matches
    then: Then
    old_only: bool = False
    met: asyncio.Event = field(default_factory=asyncio.Event)
    lifted: asyncio.Event = field(default_factory=asyncio.Event)
    late_s: float = 0.0
    came: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released for each frame that came late."""
    _late: deque[tuple[asyncio.StreamWriter, bytes]] = field(default_factory=deque)

    def delay(self, writer: asyncio.StreamWriter, frame: bytes) -> None:
        self._late.append((writer, frame))
        asyncio.get_running_loop().call_later(self.late_s, self._come)

    def _come(self) -> None:
        if self._late:  # else it was lifted meanwhile
            writer, frame = self._late.popleft()
            writer.write(frame)
            self.came.release()

    def lift(self) -> None:
        """What was held or is late goes on at once, before anything that follows."""
        while self._late:
            self._come()
        self.lifted.set()


class Wire(Enum):
    """How a stream falls into frames."""

    PLAIN = "plain"
    AMQP = "amqp"
    POSTGRES = "postgres"


def frame_size(wire: Wire, head: bytes, *, first_of_client: bool) -> int | None:
    """Bytes of the frame that begins here; None: too few are there to tell."""
    if wire is Wire.PLAIN:
        return len(head) or None
    if len(head) < 8:
        return _short_frame_size(wire, head, first_of_client=first_of_client)
    if wire is Wire.AMQP:
        return 8 if head.startswith(b"AMQP") else int.from_bytes(head[3:7]) + 8
    return int.from_bytes(head[:4]) if first_of_client else int.from_bytes(head[1:5]) + 1


def _short_frame_size(wire: Wire, head: bytes, *, first_of_client: bool) -> int | None:
    if wire is Wire.POSTGRES and len(head) >= 5 and not first_of_client:
        return int.from_bytes(head[1:5]) + 1
    return None  # no AMQP frame, and no greeting of Postgres, is shorter than 8


def amqp_method(class_id: int, method_id: int) -> Matches:
    """Frames of this AMQP method."""
    wanted = class_id.to_bytes(2) + method_id.to_bytes(2)
    return lambda frame: frame[:1] == b"\x01" and frame[7:11] == wanted


PUBLISH = amqp_method(60, 40)
DELIVER = amqp_method(60, 60)
ACK = amqp_method(60, 80)
"""From a broker: a publisher confirm. To a broker: a consumer's acknowledgement."""


def sent_query(text: bytes) -> Matches:
    """A client's simple query that begins like this; transactions begin and end with one."""
    return lambda frame: frame[:1] == b"Q" and frame[5:].lower().startswith(text)


def done_and_idle(frame: bytes) -> bool:
    """A server's word that it is ready again, outside of a transaction: what was asked is committed."""
    return frame[:1] == b"Z" and frame[5:6] == b"I"


def sync(frame: bytes) -> bool:
    """A client's end of a statement. Outside of a transaction, what was executed is committed by it."""
    return frame == b"S\0\0\0\x04"


def delivered(frame: bytes) -> bool:
    """What a broker delivers: the method, its header, its body."""
    return frame[:1] in (b"\x02", b"\x03") or DELIVER(frame)


def follows(first: Matches, wanted: Matches) -> Matches:
    """Frames that are wanted, from one of the first kind on."""
    met = False

    def matches(frame: bytes) -> bool:
        nonlocal met
        met = met or first(frame)
        return met and wanted(frame)

    return matches


def anything(_: bytes) -> bool:
    return True


class _Pair:
    """One connection through the relay."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers = (client, server)

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        client, server = self._writers
        ways = [
            asyncio.create_task(self._pump(Way.TO_SERVER, from_client, server)),
            asyncio.create_task(self._pump(Way.TO_CLIENT, from_server, client)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        first_of_client = way is Way.TO_SERVER
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                buffer += data
                while (size := frame_size(self._proxy.wire, buffer, first_of_client=first_of_client)) is not None:
                    if len(buffer) < size:
                        break
                    frame, buffer = buffer[:size], buffer[size:]
                    first_of_client = False
                    if await self._passes(way, frame):
                        writer.write(frame)
                await writer.drain()

    async def _passes(self, way: Way, frame: bytes) -> bool:
        for rule in self._proxy.rules_for(self, way):
            if not rule.matches(frame):
                continue
            rule.met.set()
            match rule.then:
                case Then.PASS:
                    pass
                case Then.DROP:
                    return False
                case Then.HOLD:
                    await rule.lifted.wait()
                case Then.LATE:
                    rule.delay(self._writers[way is Way.TO_SERVER], frame)
                    return False
                case Then.CUT:
                    self.cut()
                    raise ConnectionAbortedError
        return True


class Proxy:
    """A relay to one server, on a port of its own on the loopback interface."""

    def __init__(self, wire: Wire, *targets: int) -> None:
        self.wire = wire
        self.targets = list(targets)
        """Ports, taken in turn as a load balancer does; those that refuse are passed over."""
        self.port = 0
        self._rules: list[tuple[Rule, frozenset[_Pair]]] = []
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=READ_BYTES, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.heal()
        self.cut()
        if self._server is not None:
            self._server.close()
            await asyncio.sleep(0)

    def add(self, way: Way, matches: Matches, then: Then, *, old_only: bool = False, late_s: float = 0.0) -> Rule:
        """Begin to follow a rule."""
        rule = Rule(way, matches, then, old_only, late_s=late_s)
        self._rules.append((rule, frozenset(self._pairs)))
        return rule

    def heal(self) -> None:
        """Forget all rules; what was held goes on."""
        rules, self._rules = self._rules, []
        for rule, _ in rules:
            rule.lift()

    def cut(self) -> None:
        """Reset all connections."""
        for pair in list(self._pairs):
            pair.cut()

    def rules_for(self, pair: _Pair, way: Way) -> list[Rule]:
        return [rule for rule, old in self._rules if rule.way is way and (not rule.old_only or pair in old)]

    async def _serve(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.targets.append(self.targets.pop(0))
        for port in list(self.targets):
            try:
                from_server, server = await asyncio.open_connection("127.0.0.1", port, limit=READ_BYTES)
                break
            except OSError:
                continue
        else:
            client.transport.abort()
            return
        pair = _Pair(self, client, server)
        self._pairs.add(pair)
        try:
            await pair.run(from_client, from_server)
        finally:
            self._pairs.discard(pair)
