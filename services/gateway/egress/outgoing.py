"""One connection's way out: frames are written at once, and queue, bounded, where the reader is slow.

Frames go straight to the transport (RFC 6455, 5.2: unmasked, whole, final), which spares a task switch for each. Only
when the transport's own buffer is full do they wait here, where those of live text can still be dropped.

What follows from one delivery of the broker goes out corked: all frames for one socket by one write.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from services.gateway import metrics
from shared.contracts.errors import Close

BUFFER_BYTES = 64 * 1024
QUEUE_FRAMES = 5_000
QUEUE_BYTES = 8 * 2**20
STALL_S = 30.0

_TEXT_FINAL = 0x81


def encode(payload: bytes) -> bytes:
    """A text frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT_FINAL, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT_FINAL, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT_FINAL, 127)) + size.to_bytes(8, "big") + payload


@dataclass(frozen=True, slots=True)
class _Waiting:
    payload: bytes
    live: tuple[str, str] | None
    """Conversation and author, for a frame of live text."""


class Cork:
    """Holds back the writes of several connections for the length of a ``with``; one `Cork` for each process."""

    def __init__(self) -> None:
        self.in_place = False
        self.held: dict[Outgoing, list[_Waiting]] = {}

    def __enter__(self) -> None:
        self.in_place = True

    def __exit__(self, *_: object) -> None:
        self.in_place = False
        held, self.held = self.held, {}
        for outgoing, frames in held.items():
            outgoing.send_all(frames)


cork = Cork()


class Outgoing:
    """The only writer of data frames to one socket."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport, close: Callable[[int], None]
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._close = close
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._drain: asyncio.Task[None] | None = None
        self.closed = False

    def send(self, payload: bytes, live: tuple[str, str] | None = None) -> None:
        """Send a frame in order; never blocks. Past the bound the connection is closed as too slow."""
        if self.closed:
            return
        if cork.in_place:
            cork.held.setdefault(self, []).append(_Waiting(payload, live))
        else:
            self.send_all([_Waiting(payload, live)])

    def send_all(self, frames: list[_Waiting]) -> None:
        """Send frames by one write."""
        metrics.FRAMES_OUT.inc(len(frames))
        if self._drain is None:
            if self.closed or self._transport.is_closing():
                return
            if self._transport.get_write_buffer_size() < BUFFER_BYTES:
                self._transport.write(b"".join([encode(frame.payload) for frame in frames]))
                return
            self._drain = asyncio.create_task(self._drained())
        self._queue.extend(frames)
        self._bytes += sum(len(frame.payload) for frame in frames)
        if len(self._queue) > QUEUE_FRAMES or self._bytes > QUEUE_BYTES:
            self._close(Close.TOO_SLOW)

    def drop_live(self, conversation: str, author: str) -> None:
        """Forget what waits here of an author's live text."""
        if self in cork.held:
            cork.held[self] = [w for w in cork.held[self] if w.live != (conversation, author)]
        if self._queue:
            self._queue = deque(w for w in self._queue if w.live != (conversation, author))
            self._bytes = sum(len(w.payload) for w in self._queue)

    async def _drained(self) -> None:
        """Write what waits as the reader reads; the socket's writer waits for the transport."""
        try:
            async with asyncio.timeout(None) as limit:
                while self._queue:
                    limit.reschedule(asyncio.get_running_loop().time() + STALL_S)
                    while self._transport.get_write_buffer_size() >= BUFFER_BYTES:  # noqa: ASYNC110 - tells no other way
                        await asyncio.sleep(0.02)
                    if not self._queue:  # what waited was live text, and was dropped meanwhile
                        break
                    waiting = self._queue.popleft()
                    self._bytes -= len(waiting.payload)
                    await self._socket.send_frame(waiting.payload, WSMsgType.TEXT)
        except TimeoutError:
            self._close(Close.TOO_SLOW)
        except OSError:
            self.closed = True
        finally:
            self._drain = None

    async def flush(self, wait_s: float) -> None:
        """Until everything is written, or the time is up."""
        if self._drain is not None:
            await asyncio.wait([self._drain], timeout=wait_s)

    def stop(self) -> None:
        """Send nothing more."""
        self.closed = True
        self._queue.clear()
        if self._drain is not None:
            self._drain.cancel()
