"""Frames to bytes (RFC 6455, 5.2), and what a slow reader's queue does."""

import asyncio
from typing import cast

import pytest
from picows import WSMsgType, WSTransport

from services.gateway.egress import outgoing
from services.gateway.egress.outgoing import BUFFER_BYTES, QUEUE_FRAMES, Live, Outgoing, cork, encode
from shared.contracts.errors import Close


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (1, b"\x81\x01"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        (262_144, b"\x81\x7f\x00\x00\x00\x00\x00\x04\x00\x00"),
    ],
)
def test_a_frame_is_one_final_unmasked_text_frame_of_its_size(size: int, header: bytes) -> None:
    payload = b"x" * size
    assert encode(payload) == header + payload


class Transport:
    """Takes what is written."""

    def __init__(self) -> None:
        self.underlying_transport = self
        self.closing = self.is_disconnected = self.is_close_frame_sent = False
        self.written: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == BUFFER_BYTES

    def is_closing(self) -> bool:
        return self.closing

    def send(self, kind: WSMsgType, payload: bytes) -> None:
        assert kind is WSMsgType.TEXT
        self.written.append(encode(payload))

    def write(self, raw: bytes) -> None:
        self.written.append(raw)


class Line:
    """An `Outgoing` with its two ends."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.codes: list[int] = []
        self.out = Outgoing(cast("WSTransport", self.transport), self.codes.append)
        self.drafts: dict[str, bytes] = {}

    def live(self, author: str, draft: str, conversation: str = "c") -> Live:

        def newest(asked: str) -> bytes | None:
            return self.drafts.get(asked)

        return Live(conversation, author, draft, newest)

    async def arrived(self) -> list[bytes]:
        """What the reader has got, once it reads again."""
        self.out.resume()
        await self.out.flush(5)
        return [raw[2:] for raw in self.transport.written]


async def test_frames_to_a_quick_reader_are_written_at_once() -> None:
    line = Line()
    line.out.send(b"1")
    line.out.send(b"2")
    assert line.transport.written == [b"\x81\x011", b"\x81\x012"]


async def test_frames_to_a_slow_reader_wait_in_order() -> None:
    line = Line()
    line.out.send(b"0")
    line.out.pause()
    for number in range(1, 6):
        line.out.send(b"%d" % number)
    await asyncio.sleep(0)
    assert line.transport.written == [b"\x81\x010"]
    assert await line.arrived() == [b"%d" % number for number in range(6)]
    line.out.send(b"6")
    assert line.transport.written[-1] == b"\x81\x016"


async def test_of_what_waits_only_an_authors_live_text_is_dropped() -> None:
    line = Line()
    line.out.pause()
    line.drafts = {"1": b"hers", "2": b"his", "3": b"other"}
    line.out.send(b"first", line.live("a", "2"))
    await asyncio.sleep(0)  # the writer is at work and waits for room
    line.out.send(b"", line.live("b", "1"))
    line.out.send(b"told")
    line.out.send(b"", line.live("a", "3", "d"))
    line.out.drop_live("c", "a")
    line.out.send(b"clear")
    assert await line.arrived() == [b"hers", b"told", b"other", b"clear"]


async def test_of_a_draft_a_slow_reader_gets_the_newest_state_once_and_none_that_has_ended() -> None:
    line = Line()
    line.out.pause()
    for rev in range(1, 10_000):
        line.drafts = {"1": b"rev %d" % rev}
        line.out.send(b"edit %d" % rev, line.live("a", "1"))
        line.out.send(b"edit", line.live("a", "2"))
        if rev == 5:
            line.out.send(b"lasting")
    assert line.codes == []
    assert await line.arrived() == [b"rev 9999", b"lasting"]
    line.out.send(b"edit 10000", line.live("a", "1"))
    assert line.transport.written[-1] == b"\x81\x0aedit 10000"


async def test_after_its_newest_state_a_draft_that_goes_on_has_a_place_again() -> None:
    line = Line()
    line.out.pause()
    line.drafts = {"1": b"one"}
    line.out.send(b"", line.live("a", "1"))
    assert await line.arrived() == [b"one"]
    line.out.pause()
    line.drafts = {"1": b"two"}
    line.out.send(b"", line.live("a", "1"))
    assert await line.arrived() == [b"one", b"two"]


async def test_what_follows_from_one_delivery_is_one_write() -> None:
    line, other = Line(), Line()
    with cork:
        line.out.send(b"1")
        other.out.send(b"a")
        line.out.send(b"2", line.live("a", "1"))
        line.out.drop_live("c", "a")
        line.out.send(b"3")
        assert line.transport.written == []
    assert line.transport.written == [b"\x81\x011\x81\x013"]
    assert other.transport.written == [b"\x81\x01a"]
    line.out.send(b"4")
    assert line.transport.written[-1] == b"\x81\x014"


async def test_waiting_for_a_reader_ends_when_it_has_caught_up() -> None:
    line = Line()
    line.out.pause()
    line.out.send(b"x")
    waiting = asyncio.create_task(line.out.caught_up())
    await asyncio.sleep(0)
    assert not waiting.done()
    await line.arrived()
    await waiting


async def test_whoever_is_too_slow_is_closed() -> None:
    line = Line()
    line.out.pause()
    for _ in range(QUEUE_FRAMES):
        line.out.send(b"x")
    assert line.codes == []
    line.out.send(b"x")
    line.out.send(b"x")
    assert set(line.codes) == {Close.TOO_SLOW}
    line.out.stop()


async def test_too_many_bytes_are_too_slow_as_well() -> None:
    line = Line()
    line.out.pause()
    for _ in range(40):
        line.out.send(b"x" * 262_144)
    assert set(line.codes) == {Close.TOO_SLOW}
    line.out.stop()


async def test_a_reader_that_stands_still_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "STALL_S", 0.05)
    line = Line()
    line.out.pause()
    line.out.send(b"x")
    await line.out.flush(5)
    assert line.codes == [Close.TOO_SLOW]


async def test_nothing_is_written_after_the_end() -> None:
    line = Line()
    line.out.pause()
    line.out.send(b"waiting")
    line.out.stop()
    line.out.send(b"late")
    assert await line.arrived() == []


async def test_what_is_corked_for_a_connection_that_is_closing_takes_nobody_elses_along() -> None:
    line, other = Line(), Line()
    with cork:
        for one in (line, other):
            one.out.send(b"1")
            one.out.send(b"2")
        line.transport.closing = True
    assert line.transport.written == []
    assert other.transport.written == [b"\x81\x011\x81\x012"]


async def test_one_write_that_fails_takes_nobody_elses_along() -> None:
    line, other = Line(), Line()
    with cork:
        for one in (line, other):
            one.out.send(b"1")
            one.out.send(b"2")
        line.transport.written = cast("list[bytes]", None)  # nothing can be appended to it
    assert other.transport.written == [b"\x81\x011\x81\x012"]


async def test_a_drafts_text_comes_behind_its_own_end() -> None:
    line = Line()
    line.out.pause()
    line.drafts = {"1": b"old"}
    line.out.send(b"edit", line.live("a", "1"))
    line.out.send(b'{"type":"live.clear","conversation":"c","draft":"1","from":"a"}')
    line.drafts = {"1": b"new"}
    line.out.send(b"edit", line.live("a", "1"))
    got = await line.arrived()
    assert got[0].startswith(b'{"type":"live.clear"')
    assert got[1:] == [b"new"]


async def test_words_that_wait_for_a_tick_are_dropped_at_a_slow_reader_too() -> None:
    line = Line()
    obscured = line.out.obscure()
    obscured.changed("c", "a", on=True)
    edit = b'{"type":"live.edit","conversation":"c","draft":"1","rev":1,"ops":[[0,"i",0,"words"]],"from":"a"}'
    line.out.send(edit, line.live("a", "1"))
    line.out.pause()
    obscured._tick()
    line.out.drop_live("c", "a")
    assert not any(b"words" in raw for raw in await line.arrived())
    obscured.stop()


async def test_what_waits_for_a_tick_is_written_before_a_close() -> None:
    line = Line()
    obscured = line.out.obscure()
    obscured.changed("c", "a", on=True)
    line.out.send(b'{"type":"ok","ref":"1"}')
    assert line.transport.written == []
    await line.out.flush(1)
    assert line.transport.written[0].endswith(b'{"type":"ok","ref":"1"}')
    obscured.stop()
