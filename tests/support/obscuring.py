"""A client that keeps the pace of an obscured connection, and a relay that writes down what an eavesdropper sees."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.participants import Frame, Participant

TEXT = 0x1


class Pace:
    """Sends one frame of the agreed size a tick, the next one that waits or nothing."""

    def __init__(self, participant: Participant) -> None:
        agreed = participant.welcome["obscure"]
        self._tick_s: float = agreed["tick_ms"] / 1_000
        self._size: int = agreed["frame_bytes"]
        self._participant = participant
        self._waiting: deque[Frame] = deque()
        self._sent = asyncio.Event()
        self._ticking = asyncio.create_task(self._tick())

    def send(self, kind: str, **fields: object) -> None:
        self._waiting.append({"type": kind, "conversation": self._participant.conversation, **fields})
        self._sent.clear()

    async def sent(self) -> None:
        """Until nothing waits."""
        async with asyncio.timeout(30):
            await self._sent.wait()

    def stop(self) -> None:
        self._ticking.cancel()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._tick_s
            await asyncio.sleep(due - loop.time())
            frame = self._waiting.popleft() if self._waiting else {"type": "live.pad"}
            room = self._size - len(json.dumps({**frame, "pad": ""}).encode())
            await self._participant.send_raw(json.dumps({**frame, "pad": "0" * room}))
            if not self._waiting:
                self._sent.set()


@dataclass
class Seen:
    """A websocket frame as the wire shows it: when (s), of which kind, how long (bytes)."""

    at: float
    opcode: int
    size: int


@dataclass
class Wire:
    """Both directions of one connection."""

    port: int
    up: list[Seen] = field(default_factory=list)
    down: list[Seen] = field(default_factory=list)


class _Frames:
    """Finds the frames in one direction's bytes (RFC 6455, 5.2), behind the HTTP head."""

    def __init__(self, seen: list[Seen]) -> None:
        self._seen = seen
        self._bytes = bytearray()
        self._open = False

    def take(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self._bytes += data
        if not self._open:
            _, found, rest = self._bytes.partition(b"\r\n\r\n")
            if not found:
                return
            self._open, self._bytes = True, bytearray(rest)
        while len(self._bytes) >= 2:
            size, at = self._bytes[1] & 0x7F, 2
            if size >= 126:
                at = 4 if size == 126 else 10
                size = int.from_bytes(self._bytes[2:at], "big")
            whole = at + size + (4 if self._bytes[1] & 0x80 else 0)
            if len(self._bytes) < whole:
                return
            self._seen.append(Seen(now, self._bytes[0] & 0x0F, size))
            del self._bytes[:whole]


@asynccontextmanager
async def eavesdropped(port: int) -> AsyncIterator[Wire]:
    """A relay before a gateway's port, for one connection."""
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frames: _Frames) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                frames.take(data)
                writer.write(data)
                await writer.drain()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        ways = pass_on(reader, back, _Frames(wire.up)), pass_on(there, writer, _Frames(wire.down))
        tasks.extend(asyncio.create_task(way) for way in ways)
        writers.extend((writer, back))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
