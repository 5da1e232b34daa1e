"""Frames to bytes (RFC 6455, 5.2), and what a slow reader's queue does."""

import asyncio
from typing import cast

import pytest
from aiohttp import web

from services.gateway.egress import outgoing
from services.gateway.egress.outgoing import BUFFER_BYTES, QUEUE_FRAMES, Outgoing, encode
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
    """A reader that takes nothing while `full`."""

    def __init__(self) -> None:
        self.full = False
        self.closing = False
        self.written: list[bytes] = []

    def get_write_buffer_size(self) -> int:
        return BUFFER_BYTES if self.full else 0

    def is_closing(self) -> bool:
        return self.closing

    def write(self, raw: bytes) -> None:
        self.written.append(raw)


class Socket:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send_frame(self, payload: bytes, _: object) -> None:
        self._transport.write(encode(payload))


class Line:
    """An `Outgoing` with its two ends."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.codes: list[int] = []
        self.out = Outgoing(
            cast("web.WebSocketResponse", Socket(self.transport)),
            cast("asyncio.Transport", self.transport),
            self.codes.append,
        )

    async def arrived(self) -> list[bytes]:
        """What the reader has got, once it reads again."""
        self.transport.full = False
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
    line.transport.full = True
    for number in range(1, 6):
        line.out.send(b"%d" % number)
    await asyncio.sleep(0)
    assert line.transport.written == [b"\x81\x010"]
    assert await line.arrived() == [b"%d" % number for number in range(6)]
    line.out.send(b"6")
    assert line.transport.written[-1] == b"\x81\x016"


async def test_of_what_waits_only_an_authors_live_text_is_dropped() -> None:
    line = Line()
    line.transport.full = True
    line.out.send(b"first", ("c", "a"))
    await asyncio.sleep(0)  # the writer is at work and waits for room
    for payload, live in [(b"hers", ("c", "b")), (b"his", ("c", "a")), (b"told", None), (b"other", ("d", "a"))]:
        line.out.send(payload, live)
    line.out.drop_live("c", "a")
    line.out.send(b"clear")
    assert await line.arrived() == [b"hers", b"told", b"other", b"clear"]


async def test_whoever_is_too_slow_is_closed() -> None:
    line = Line()
    line.transport.full = True
    for _ in range(QUEUE_FRAMES):
        line.out.send(b"x")
    assert line.codes == []
    line.out.send(b"x")
    line.out.send(b"x")
    assert set(line.codes) == {Close.TOO_SLOW}
    line.out.stop()


async def test_too_many_bytes_are_too_slow_as_well() -> None:
    line = Line()
    line.transport.full = True
    for _ in range(40):
        line.out.send(b"x" * 262_144)
    assert set(line.codes) == {Close.TOO_SLOW}
    line.out.stop()


async def test_a_reader_that_stands_still_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "STALL_S", 0.05)
    line = Line()
    line.transport.full = True
    line.out.send(b"x")
    await line.out.flush(5)
    assert line.codes == [Close.TOO_SLOW]


async def test_nothing_is_written_after_the_end() -> None:
    line = Line()
    line.transport.full = True
    line.out.send(b"waiting")
    line.out.stop()
    line.out.send(b"late")
    assert await line.arrived() == []
