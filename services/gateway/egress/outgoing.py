"""One connection's way out: frames are written at once, and queue, bounded, where the reader is slow.

Frames go straight to the transport (RFC 6455, 5.2: unmasked, whole, final), which spares a task switch for each. Only
when the transport's own buffer is full do they wait here, where those of live text can still be dropped.
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
        metrics.FRAMES_OUT.inc()
        if self._drain is None:
            if self._transport.is_closing():
                return
            if self._transport.get_write_buffer_size() < BUFFER_BYTES:
                self._transport.write(encode(payload))
                return
            self._drain = asyncio.create_task(self._drained())
        self._queue.append(_Waiting(payload, live))
        self._bytes += len(payload)
        if len(self._queue) > QUEUE_FRAMES or self._bytes > QUEUE_BYTES:
            self._close(Close.TOO_SLOW)

    def drop_live(self, conversation: str, author: str) -> None:
        """Forget what waits here of an author's live text."""
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
