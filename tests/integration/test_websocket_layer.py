"""The websocket below the protocol (RFC 6455), byte by byte: what browsers and proxies do, and what nobody should."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.support.participants import Conversation

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3
TEXT, MORE, CLOSE, PING, PONG = 0x1, 0x0, 0x8, 0x9, 0xA
FIN, RSV1 = 0x80, 0x40
MASK = b"\x01\x02\x03\x04"


class Wire:
    """A TCP connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, gateway: str) -> Self:
        parts = urlsplit(gateway)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def request(self, path: str, **headers: str) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; its body is read."""
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)).decode().split("\r\n")
        found = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        await self._reader.readexactly(int(found.get("content-length", "0")))
        return int(head[0].split()[1]), found

    async def upgrade(self, connection: str = "Upgrade", **headers: str) -> tuple[int, dict[str, str]]:
        asked = {"Upgrade": "websocket", "Sec_WebSocket_Key": KEY, "Sec_WebSocket_Version": "13", **headers}
        return await self.request("/v1/ws", Connection=connection, **asked)

    def send(self, first: int, payload: bytes = b"", *, masked: bool = True) -> None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        if not masked:
            self._writer.write(bytes([first]) + length + payload)
            return
        body = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
        self._writer.write(bytes([first, length[0] | 0x80]) + length[1:] + MASK + body)

    async def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of a whole, unmasked frame."""
        async with asyncio.timeout(5):
            first, size = await self._reader.readexactly(2)
            assert first & FIN
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
            return first & 0xF, await self._reader.readexactly(size)

    async def closed(self) -> int:
        """The code of the gateway's close; then the answer to it, and the connection's end."""
        while True:
            opcode, payload = await self.receive()
            if opcode == CLOSE:
                break
        self.send(FIN | CLOSE, payload)
        async with asyncio.timeout(5):
            assert await self._reader.read() == b""
        return int.from_bytes(payload[:2], "big")

    async def leave(self) -> None:
        self._writer.close()


@pytest_asyncio.fixture
async def wire(talk: Conversation) -> AsyncIterator[Wire]:
    found = await Wire.to(talk.partner.gateway)
    yield found
    await found.leave()


@pytest_asyncio.fixture
async def hello(talk: Conversation) -> bytes:
    return json.dumps({"type": "hello", "token": await talk.token(talk.client)}).encode()


async def welcome(wire: Wire) -> str:
    opcode, payload = await wire.receive()
    assert opcode == TEXT
    kind: str = json.loads(payload)["type"]
    return kind


async def test_a_handshake(wire: Wire) -> None:
    status, headers = await wire.upgrade(Sec_WebSocket_Protocol="other, unsaid.v1")
    assert (status, headers["sec-websocket-accept"]) == (101, ACCEPT)
    assert headers["sec-websocket-protocol"] == "unsaid.v1"


async def test_no_protocol_is_named_that_wasnt_offered(wire: Wire) -> None:
    status, headers = await wire.upgrade()
    assert status == 101
    assert "sec-websocket-protocol" not in headers


async def test_a_handshake_as_some_browsers_say_it(wire: Wire, hello: bytes) -> None:
    assert (await wire.upgrade(connection="keep-alive, Upgrade"))[0] == 101
    wire.send(FIN | TEXT, hello)
    assert await welcome(wire) == "welcome"


async def test_a_connection_that_was_used_before(wire: Wire, hello: bytes) -> None:
    """A reverse proxy uses its connections again."""
    assert (await wire.request("/healthz"))[0] == 200
    assert (await wire.upgrade())[0] == 101
    wire.send(FIN | TEXT, hello)
    assert await welcome(wire) == "welcome"


@pytest.mark.parametrize(
    "wrong",
    [{"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Version": "12"}, {"Upgrade": "h2c"}, {"connection": "close"}],
)
async def test_what_is_no_handshake(wire: Wire, wrong: dict[str, str]) -> None:
    assert (await wire.upgrade(**wrong))[0] == 400


async def test_fragments_make_a_text_with_a_ping_between_them(wire: Wire, hello: bytes) -> None:
    await wire.upgrade()
    wire.send(TEXT, hello[:10])
    wire.send(FIN | PING, b"there?")
    wire.send(MORE, hello[10:20])
    wire.send(FIN | MORE, hello[20:])
    assert await wire.receive() == (PONG, b"there?")
    assert await welcome(wire) == "welcome"


async def test_what_comes_in_one_piece_with_the_hello_waits_for_it(wire: Wire, hello: bytes) -> None:
    await wire.upgrade()
    wire.send(FIN | TEXT, hello)
    for number in range(3):
        wire.send(FIN | TEXT, b'{"type":"conversation.list","ref":"%d"}' % number)
    assert await welcome(wire) == "welcome"
    answers = [json.loads((await wire.receive())[1]) for _ in range(3)]
    assert {answer["ref"] for answer in answers} == {"0", "1", "2"}


async def test_more_questions_than_may_be_open_are_all_answered(wire: Wire, hello: bytes) -> None:
    await wire.upgrade()
    wire.send(FIN | TEXT, hello)
    for number in range(300):
        wire.send(FIN | TEXT, b'{"type":"conversation.list","ref":"%d"}' % number)
    assert await welcome(wire) == "welcome"
    refs = {json.loads((await wire.receive())[1])["ref"] for _ in range(300)}
    assert refs == {str(number) for number in range(300)}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(FIN | RSV1 | TEXT, b"{}")], 1002),
        ([(FIN | MORE, b"{}")], 1002),
        ([(TEXT, b"{"), (FIN | TEXT, b"}")], 1002),
        ([(TEXT, b'{"type":"\xc3'), (FIN | MORE, b'"}')], 1007),
        ([(FIN | 0x3, b"")], 1002),
        ([(PING, b"in pieces")], 1002),
        ([(TEXT, b" " * 65_535), (FIN | MORE, b"{}")], 4413),
        ([(0x2, b"in "), (FIN | MORE, b"pieces")], 4400),
    ],
)
async def test_frames_that_nobody_should_send(wire: Wire, frames: list[tuple[int, bytes]], code: int) -> None:
    await wire.upgrade()
    for first, payload in frames:
        wire.send(first, payload)
    assert await wire.closed() == code


async def test_frames_must_be_masked(wire: Wire, hello: bytes) -> None:
    await wire.upgrade()
    wire.send(FIN | TEXT, hello[:100], masked=False)
    assert await wire.closed() == 1002


@pytest.mark.parametrize(("said", "answered"), [(b"\x0f\xa0", b"\x0f\xa0"), (b"", b"\x03\xe8")])
async def test_a_close_is_answered_with_its_code(wire: Wire, hello: bytes, said: bytes, answered: bytes) -> None:
    await wire.upgrade()
    wire.send(FIN | TEXT, hello)
    assert await welcome(wire) == "welcome"
    wire.send(FIN | CLOSE, said)
    answers = [await wire.receive()]
    while answers[-1][0] != CLOSE:
        answers.append(await wire.receive())
    assert answers[-1] == (CLOSE, answered)
