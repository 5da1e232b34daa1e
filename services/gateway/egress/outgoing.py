"""One connection's way out: frames are written at once, and queue, bounded, where the reader is slow.

Frames go straight to the transport (RFC 6455, 5.2: unmasked, whole, final), which spares a task switch for each. Only
when the transport's own buffer is full do they wait here. What lasts waits in order, up to a bound; of a draft's live
text nothing waits but the place where its newest state will be sent.

What follows from one delivery of the broker goes out corked: all frames for one socket by one write.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from services.gateway import metrics
from shared.contracts.errors import Close

BUFFER_BYTES = 64 * 1024
QUEUE_FRAMES = 1_000
QUEUE_BYTES = 4 * 2**20
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


class Live(NamedTuple):
    """What a frame of live text belongs to, and where the draft's newest state is had; None: the draft has ended."""

    conversation: str
    author: str
    draft: str
    newest: Callable[[str], bytes | None]


class _Waiting(NamedTuple):
    payload: bytes
    live: Live | None


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

    def __init__(self, transport: asyncio.Transport, close: Callable[[int], None]) -> None:
        self._transport = transport
        self._close = close
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._stale: set[tuple[str, str]] = set()
        """Drafts (by conversation) whose newest state has its place in the queue."""
        self._drain: asyncio.Task[None] | None = None
        self.closed = False

    def send(self, payload: bytes, live: Live | None = None) -> None:
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
        for frame in frames:
            self._wait(frame)
        if len(self._queue) > QUEUE_FRAMES or self._bytes > QUEUE_BYTES:
            self._close(Close.TOO_SLOW)

    def _wait(self, frame: _Waiting) -> None:
        if frame.live is not None:
            draft = (frame.live.conversation, frame.live.draft)
            if draft in self._stale:
                return
            self._stale.add(draft)
            frame = _Waiting(b"", frame.live)
        self._queue.append(frame)
        self._bytes += len(frame.payload)

    def _next(self) -> bytes | None:
        """The payload whose turn it is; None: a draft that has ended meanwhile."""
        frame = self._queue.popleft()
        self._bytes -= len(frame.payload)
        if frame.live is None:
            return frame.payload
        self._stale.discard((frame.live.conversation, frame.live.draft))
        return frame.live.newest(frame.live.draft)

    def drop_live(self, conversation: str, author: str) -> None:
        """Forget what waits here of an author's live text."""

        def stays(frame: _Waiting) -> bool:
            return frame.live is None or (frame.live.conversation, frame.live.author) != (conversation, author)

        if self in cork.held:
            cork.held[self] = [frame for frame in cork.held[self] if stays(frame)]
        if self._stale:
            self._queue = deque(frame for frame in self._queue if stays(frame))
            self._stale = {(f.live.conversation, f.live.draft) for f in self._queue if f.live is not None}

    async def _drained(self) -> None:
        """Write what waits as the reader reads."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                while self._queue:
                    limit.reschedule(loop.time() + STALL_S)
                    while self._transport.get_write_buffer_size() >= BUFFER_BYTES:  # noqa: ASYNC110 - tells no other way
                        await asyncio.sleep(0.02)
                    if self._transport.is_closing():
                        self._queue.clear()
                    elif self._queue and (payload := self._next()) is not None:
                        self._transport.write(encode(payload))
        except TimeoutError:
            self._close(Close.TOO_SLOW)
        finally:
            self._drain = None

    async def caught_up(self) -> None:
        """Until nothing waits here. A reader that never gets there is closed, which ends this too."""
        while self._drain is not None and not self.closed:
            await asyncio.wait([self._drain])

    async def flush(self, wait_s: float) -> None:
        """Until everything is written, or the time is up."""
        if self._drain is not None:
            await asyncio.wait([self._drain], timeout=wait_s)

    def stop(self) -> None:
        """Send nothing more."""
        self.closed = True
        self._queue.clear()
        self._stale.clear()
        if self._drain is not None:
            self._drain.cancel()
