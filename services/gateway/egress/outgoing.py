"""One connection's way out: frames are written at once, and queue, bounded, where the reader is slow.

Frames go straight to the transport (RFC 6455, 5.2: unmasked, whole, final), which spares a task switch for each. Only
when the transport says that its own buffer is full do they wait here. What lasts waits in order, up to a bound; of a
draft's live text nothing waits but the place where its newest state will be sent.

What follows from one delivery of the broker goes out corked: all frames for one socket by one write.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import structlog
from picows import WSMsgType, WSTransport

from services.gateway import metrics
from services.gateway.egress.obscured import Obscured, ended_draft
from shared.contracts.errors import Close

log = structlog.get_logger()

BUFFER_BYTES = 64 * 1024
QUEUE_FRAMES = 1_000
QUEUE_BYTES = 4 * 2**20
STALL_S = 30.0

_TEXT = WSMsgType.TEXT
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
            try:
                outgoing.send_all(frames)
            except Exception as error:  # one connection must not take the others' frames along
                log.error("write_failed", exc_info=error)


cork = Cork()


class Outgoing:
    """The only writer of data frames to one socket."""

    def __init__(self, socket: WSTransport, close: Callable[[int], None]) -> None:
        socket.underlying_transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._socket = socket
        self._close = close
        self._queue: list[_Waiting] = []  # a deque takes 0.7 KiB of each connection, be it empty
        self._bytes = 0
        self._stale: dict[tuple[str, str], _Waiting] = {}
        """Drafts (by conversation) whose newest state has its place in the queue, and that place."""
        self._drain: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        """Set when there is room in the transport's own buffer again; None: there is."""
        self.obscured: Obscured | None = None
        self.closed = False

    def obscure(self) -> Obscured:
        """From here on, frames wait for their tick whenever live text is on."""

        def write(frames: list[tuple[bytes, Live | None]]) -> None:
            self._write([_Waiting(*frame) for frame in frames])

        self.obscured = Obscured(write, lambda: self._drain is not None or self._room is not None)
        return self.obscured

    @property
    def _over(self) -> bool:
        """Whether nothing may be written any more; the loop's transport raises where it is written to all the same."""
        socket = self._socket
        return (
            self.closed
            or socket.is_disconnected
            or socket.is_close_frame_sent
            or socket.underlying_transport.is_closing()
        )

    def send(self, payload: bytes, live: Live | None = None) -> None:
        """Send a frame in order; never blocks. Past the bound the connection is closed as too slow."""
        if self.closed:
            return
        if cork.in_place:
            cork.held.setdefault(self, []).append(_Waiting(payload, live))
        elif self.obscured is None and self._drain is None and self._room is None:
            metrics.FRAMES_OUT.by[""] += 1
            self._socket.send(_TEXT, payload)
        else:
            self.send_all([_Waiting(payload, live)])

    def pause(self) -> None:
        """The transport's own buffer is full."""
        self._room = self._room or asyncio.Event()

    def resume(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    def send_all(self, frames: list[_Waiting]) -> None:
        """Send frames by one write, unless they wait for a tick."""
        if self.obscured is not None:
            frames = [frame for frame in frames if not self.obscured.take(*frame)]
            if self.obscured.too_much:
                self._close(Close.TOO_SLOW)
            if not frames:
                return
        self._write(frames)

    def _write(self, frames: list[_Waiting]) -> None:
        metrics.FRAMES_OUT.by[""] += len(frames)
        if self._drain is None:
            if self._over:
                return
            if self._room is None and len(frames) == 1:
                self._socket.send(_TEXT, frames[0].payload)
                return
            if self._room is None:
                self._socket.underlying_transport.write(b"".join([encode(frame.payload) for frame in frames]))
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
            self._stale[draft] = frame = _Waiting(b"", frame.live)
        elif self._stale and (ended := ended_draft(frame.payload)) is not None:
            self._stale.pop(ended, None)  # what is written of it anew comes behind its end
        self._queue.append(frame)
        self._bytes += len(frame.payload)

    def _next(self) -> bytes | None:
        """The payload whose turn it is; None: a draft that has ended meanwhile."""
        frame = self._queue.pop(0)
        self._bytes -= len(frame.payload)
        if frame.live is None:
            return frame.payload
        draft = (frame.live.conversation, frame.live.draft)
        if self._stale.get(draft) is not frame:
            return None
        del self._stale[draft]
        return frame.live.newest(frame.live.draft)

    def drop_live(self, conversation: str, author: str) -> None:
        """Forget what waits here of an author's live text."""

        def stays(frame: _Waiting) -> bool:
            return frame.live is None or (frame.live.conversation, frame.live.author) != (conversation, author)

        if self.obscured is not None:
            self.obscured.drop_live(conversation, author)
        if self in cork.held:
            cork.held[self] = [frame for frame in cork.held[self] if stays(frame)]
        if self._stale:
            self._queue = [frame for frame in self._queue if stays(frame)]
            self._stale = {draft: frame for draft, frame in self._stale.items() if stays(frame)}

    async def _drained(self) -> None:
        """Write what waits as the reader reads."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                while self._queue:
                    limit.reschedule(loop.time() + STALL_S)
                    if self._room is not None:
                        await self._room.wait()
                    if self._queue and (payload := self._next()) is not None:
                        self._socket.send(_TEXT, payload)
        except TimeoutError:
            self._close(Close.TOO_SLOW)
        finally:
            self._drain = None

    async def caught_up(self) -> None:
        """Until nothing waits here. A reader that never gets there is closed, which ends this too."""
        if self.obscured is not None:
            await self.obscured.caught_up()
        while self._drain is not None and not self.closed:
            await asyncio.wait([self._drain])

    async def flush(self, wait_s: float) -> None:
        """Until everything is written, or the time is up; what waits for its tick doesn't wait any longer."""
        if self.obscured is not None:
            self.obscured.hurry()
        if self._drain is not None:
            await asyncio.wait([self._drain], timeout=wait_s)

    def stop(self) -> None:
        """Send nothing more."""
        self.closed = True
        if self.obscured is not None:
            self.obscured.stop()
        self._queue.clear()
        self._stale.clear()
        if self._drain is not None:
            self._drain.cancel()
