"""Constant-rate padding: while live text is on, one frame of one size a tick, whatever is typed or isn't.

The sizes and moments of records betray what is typed through any encryption (Song, Wagner and Tian, USENIX Security
2001). So a stretch of obscured traffic lasts from live text's being on to a random moment after the last key; within
it, what there is to send waits for its tick. That a stretch begins or ends shows, and so does a frame above the size.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import orjson

from services.gateway.domain.portions import Portions
from shared.contracts.frames.values import ObscureValue

if TYPE_CHECKING:
    from services.gateway.egress.outgoing import Live
    from shared.contracts.frames.client import Op

TICK_S = 0.1
FRAME_BYTES = 1_024
AGREED = ObscureValue(tick_ms=int(TICK_S * 1_000), frame_bytes=FRAME_BYTES)
LASTS_S = (300, 600)
"""A stretch ends this long after the last key, at random in between."""
BACKLOG = 20
"""When more waits (somebody catches up with what they missed), it goes out at one tick; that shows."""
QUEUE_FRAMES = 1_000

_PAD = b',"pad":""'


def padded(payload: bytes) -> bytes:
    """The same JSON object in exactly `FRAME_BYTES`; a longer one as it is."""
    room = FRAME_BYTES - len(payload)
    if room < len(_PAD):
        return payload[:-1] + b" " * max(0, room) + b"}"
    return payload[:-1] + _PAD[:-1] + b"0" * (room - len(_PAD)) + b'"}'


NOTHING = padded(b'{"type":"live.pad"}')


def ended_draft(payload: bytes) -> tuple[str, str] | None:
    """Conversation and id of the draft that a frame ends; None: it ends none."""
    if payload.startswith(b'{"type":"live.clear"'):
        frame = orjson.loads(payload)
        return frame["conversation"], frame["draft"]
    if payload.startswith(b'{"type":"message.posted"'):
        frame = orjson.loads(payload)
        return frame["conversation"], frame["message"]
    return None


class Obscured:
    """The frames of one connection that agreed to it, on their way to ``write``."""

    def __init__(self, write: "Callable[[list[tuple[bytes, Live | None]]], None]", is_slow: Callable[[], bool]) -> None:
        self._write = write
        self._is_slow = is_slow
        self._live: set[tuple[str, str]] = set()
        """Whose live text is on, by conversation."""
        self._queue: deque[bytes] = deque()
        self._drafts: dict[str, tuple[Portions, Live]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._until = 0.0
        self._hurry = False
        self._answered = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def on(self) -> bool:
        """Whether a stretch lasts."""
        return self._timer is not None

    @property
    def too_much(self) -> bool:
        return len(self._queue) > QUEUE_FRAMES

    async def caught_up(self) -> None:
        """Until nothing that lasts waits here."""
        await self._empty.wait()

    def key(self) -> None:
        """Somebody has typed: the stretch goes on, or begins."""
        if not self._live:
            return
        loop = asyncio.get_running_loop()
        lasts = LASTS_S[0] + secrets.randbelow((LASTS_S[1] - LASTS_S[0]) * 1_000) / 1_000
        self._until = loop.time() + lasts
        if self._timer is None:
            self._due = loop.time() + TICK_S
            self._timer = loop.call_at(self._due, self._tick)

    def changed(self, conversation: str, participant: str, *, on: bool) -> None:
        """Somebody's live text was switched on or off."""
        if on:
            self._live.add((conversation, participant))
            self.key()
        else:
            self._live.discard((conversation, participant))
            self._hurry = True
            if not self._live:
                self._end()

    def take(self, payload: bytes, live: "Live | None") -> bool:
        """Take a frame to send it at a tick; False: no stretch lasts, and it goes as it is."""
        if live is not None:
            self.key()
        if not self.on:
            self._notice(payload)
            return False
        if live is None:
            self._queue.append(payload)
            self._empty.clear()
            self._notice(payload)
        else:
            self._portion(payload, live)
        return True

    def _notice(self, payload: bytes) -> None:
        """What ends a draft, and what begins or ends live text."""
        if payload.startswith(b'{"type":"live.changed"'):
            frame = orjson.loads(payload)
            self.changed(frame["conversation"], frame["from"], on=frame["on"])
        elif (ended := ended_draft(payload)) is not None:
            self._drafts.pop(ended[1], None)

    def _portion(self, payload: bytes, live: "Live") -> None:
        portions, _ = self._drafts.setdefault(live.draft, (Portions(live.conversation, live.author, live.draft), live))
        whole = live.newest(live.draft) if portions.long or self._is_slow() else None
        frame = orjson.loads(whole or payload)
        if frame["type"] == "live.edit":
            portions.edit(frame["rev"], [cast("Op", tuple(op)) for op in frame["ops"]])
        else:
            portions.reset(frame["rev"], frame["text"])

    def drop_live(self, conversation: str, author: str) -> None:
        """Forget what waits here of an author's live text."""
        self._drafts = {
            draft: (portions, live)
            for draft, (portions, live) in self._drafts.items()
            if (live.conversation, live.author) != (conversation, author)
        }

    # --- ticks -----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._until:
            self._end()
            return
        self._due = max(self._due + TICK_S, now)
        self._timer = loop.call_at(self._due, self._tick)
        if not self._is_slow():
            self._write([(padded(payload), live) for payload, live in self._turn()])

    def _turn(self) -> "list[tuple[bytes, Live | None]]":
        """What goes out at this tick: one frame, unless there is a hurry or far too much."""
        if self._queue and (self._hurry or len(self._queue) > BACKLOG):
            return self._all()
        next_draft = next((draft for draft, (portions, _) in self._drafts.items() if portions.waiting), None)
        answers = bool(self._queue) and self._queue[0].startswith(b'{"type":"ok"')
        if self._queue and not (next_draft and answers and self._answered):
            self._answered = answers
            payload = self._queue.popleft()
            if not self._queue:
                self._empty.set()
            return [(payload, None)]
        self._answered = False
        if next_draft is None:
            return [(NOTHING, None)]
        portions, live = self._drafts.pop(next_draft)
        self._drafts[next_draft] = (portions, live)  # the others' turn comes first
        return [(portions.next(FRAME_BYTES), live)]

    def hurry(self) -> None:
        """What lasts goes out now."""
        if self._queue:
            self._write(self._all())

    def _all(self) -> "list[tuple[bytes, Live | None]]":
        frames: list[tuple[bytes, Live | None]] = [(payload, None) for payload in self._queue]
        self._queue.clear()
        self._empty.set()
        self._hurry = False
        return frames

    def _end(self) -> None:
        """The rest goes out as it is, each draft as a whole: from here on its edits have the author's revisions."""
        self.stop()
        drafts, self._drafts = self._drafts, {}
        newest = [(live.newest(draft), live) for draft, (_, live) in drafts.items()]
        rest = [*self._all(), *((whole, live) for whole, live in newest if whole is not None)]
        if rest:
            self._write(rest)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._empty.set()
