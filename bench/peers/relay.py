"""The yardstick: a bare aiohttp relay. It parses a frame and writes it to the other side, and that is all.

Run as ``python -m bench.peers.relay PORT``.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
import uvloop
from aiohttp import WSMsgType, web

from bench import machine
from bench.load import NUMBER, Side, connect, text
from bench.peers.starting import free_port, wait
from deploy.local.home import REPO


@dataclass(frozen=True)
class Peer:
    url: str
    roots: Mapping[str, int]


@contextmanager
def temporary(*, pinned: bool) -> Iterator[Peer]:
    """A running relay."""
    port = free_port()
    with machine.on_core(machine.SERVERS, pinned=pinned):
        process = subprocess.Popen([sys.executable, "-m", "bench.peers.relay", str(port)], cwd=REPO)
    try:
        wait("the relay", process, port)
        yield Peer(f"ws://127.0.0.1:{port}/ws", {"relay": process.pid})
    finally:
        process.terminate()
        process.wait(10)


class RelaySide(Side):
    """As much text a frame as a frame of live text has."""

    def greet(self) -> None:
        self.ready.set_result(None)

    def send(self, number: int) -> None:
        self.write(f'{{"type":"live.edit","rev":{number},"ops":[[12,"i",0,"{text(number)[:10]}"]]}}')

    def receive(self, data: bytes) -> None:
        if found := NUMBER.search(data):
            self.account.arrive(int(found.group(1)))


async def connected(peer: Peer, pairs: int) -> list[Side]:
    sides: list[Side] = []
    for room in range(pairs):
        for side in "ab":
            one = RelaySide()
            await connect(one, f"{peer.url}?room={room}&side={side}", "relay")
            sides.append(one)
    return sides


def main(port: int) -> None:
    rooms: dict[str, dict[str, web.WebSocketResponse]] = {}

    async def relay(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, protocols=("relay",))
        await socket.prepare(request)
        room = rooms.setdefault(request.query["room"], {})
        room[request.query["side"]] = socket
        other = "b" if request.query["side"] == "a" else "a"
        async for message in socket:
            if message.type == WSMsgType.TEXT and other in room:
                await room[other].send_str(orjson.dumps(orjson.loads(message.data)).decode())
        return socket

    app = web.Application()
    app.router.add_get("/ws", relay)
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, loop=loop, shutdown_timeout=0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
