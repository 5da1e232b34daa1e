"""The load: connections that send on an open-loop schedule, and when each message was answered and arrived.

A message carries its number in its text, and its `ref` is the number too, so that both are timed on this one clock. The
schedule doesn't wait for answers: a slow server gets no rest from its own slowness.
"""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import picows

from bench.figures import due
from deploy.local.trouble import Trouble

TICK_S = 0.001
SETTLE_S = 10.0
CONNECT_S = 15.0
LENGTH = 60
NUMBER = re.compile(rb"#(\d{9})")
FILLER = " I keep putting it off and then I feel worse about it, you know?"


def text(number: int) -> str:
    """60 characters that hold the message's number."""
    return f"#{number:09d}{FILLER}"[:LENGTH]


@dataclass
class Account:
    """What was sent when, and what came of it; numbers are indexes."""

    sent_at: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    ok: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    lost_connections: int = 0
    last: float = 0.0

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    def acknowledge(self, number: int) -> None:
        self.ok.append(time.perf_counter() - self.sent_at[number])

    def arrive(self, number: int) -> None:
        self.last = time.perf_counter()
        self.arrived.append(self.last - self.sent_at[number])


class Side(picows.WSListener, ABC):
    """One connection; subclasses speak a server's protocol."""

    def __init__(self) -> None:
        self.account = Account()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: picows.WSTransport

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.greet()

    def on_ws_disconnected(self, _: picows.WSTransport) -> None:
        self.account.lost_connections += 1
        if not self.ready.done():
            self.ready.set_exception(Trouble("the server closed a connection of the load", "see its log"))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        match frame.msg_type:
            case picows.WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())
            case picows.WSMsgType.CLOSE:
                transport.disconnect()
            case _:
                self.receive(frame.get_payload_as_bytes())

    def refused(self, code: str) -> None:
        """An error: before it is ready, it never will be; later it is counted."""
        if self.ready.done():
            self.account.refuse(code)
        else:
            self.ready.set_exception(Trouble(f"the server refused the load: {code}", "see its log"))

    def write(self, data: str) -> None:
        self.transport.send(picows.WSMsgType.TEXT, data.encode())

    @abstractmethod
    def greet(self) -> None: ...

    @abstractmethod
    def receive(self, data: bytes) -> None: ...

    @abstractmethod
    def send(self, number: int) -> None: ...


async def connect(side: Side, url: str, protocol: str) -> None:
    """Raises `Trouble`: it can't be reached, or doesn't greet."""
    try:
        await picows.ws_connect(
            lambda: side,
            url,
            extra_headers=[("Sec-WebSocket-Protocol", protocol)],
            enable_auto_pong=False,  # a side answers by itself, and so hears of them
        )
        async with asyncio.timeout(CONNECT_S):
            await side.ready
    except (OSError, TimeoutError, picows.WSError) as error:
        raise Trouble(f"the load can't connect ({type(error).__name__})", "see the server's log") from None


async def offer(sides: Sequence[Side], rate: float, seconds: float) -> tuple[Account, float]:
    """Send evenly for that long, each connection in its turn, then wait for what is under way."""
    account = Account()
    for side in sides:
        side.account = account
    total, begun = int(rate * seconds), time.perf_counter()
    while len(account.sent_at) < total:
        _send_due(sides, account, begun, rate, total)
        await asyncio.sleep(TICK_S)
    until = time.perf_counter() + SETTLE_S
    # Looked at now and then: an event would cost a call for each message.
    while len(account.arrived) + sum(account.refused.values()) < total and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    for side in sides:
        side.account = Account()
    return account, begun


def _send_due(sides: Sequence[Side], account: Account, begun: float, rate: float, total: int) -> None:
    now = time.perf_counter()
    wanted = due(now - begun, rate, total)
    while (number := len(account.sent_at)) < wanted:
        now = time.perf_counter()
        account.late.append(now - (begun + number / rate))
        account.sent_at.append(now)
        sides[number % len(sides)].send(number)
