"""`./unsaid bench withdrawal`: how long after a withdrawal the last frame of live text reaches any reader.

The author types at one gateway, twenty frames a second, and doesn't stop. One reader is at the same gateway, one at
another. The withdrawal comes from the same device, from another device of the author at the other gateway, or from the
partner's back end by way of the other gateway. All is timed on the one clock of this process.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

from bench import machine, platform
from bench.figures import percentile
from deploy.local import services
from deploy.local.another import another_gateway
from deploy.local.progress import say
from deploy.local.trouble import Trouble

FRAME_S = 0.05
TYPED = 6
"""Frames that a reader has seen before the withdrawal."""
LISTEN_S = 1.2
"""So long is listened for what must not come any more."""
WAIT_S = 10.0
LATE_MS = 1_000.0

Frame = dict[str, Any]


class _Guest:
    """A connection that keeps when each frame of live text came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
        self._socket = socket
        self._conversation = conversation
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._ref = 0
        self.came: list[float] = []
        self.on = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            now, frame = time.perf_counter(), json.loads(message.data)
            if frame["type"] in {"live.edit", "live.reset"}:
                self.came.append(now)
            elif frame["type"] == "live.changed" and frame["on"]:
                self.on.set()
            elif asked := self._asked.pop(frame.get("ref", ""), None):
                asked.set_result(frame)

    async def say(self, kind: str, **members: object) -> None:
        await self._socket.send_str(json.dumps({"type": kind, "conversation": self._conversation, **members}))

    async def ask(self, kind: str, **members: object) -> Frame:
        self._ref += 1
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[str(self._ref)] = answer
        await self.say(kind, ref=str(self._ref), **members)
        async with asyncio.timeout(WAIT_S):
            frame: Frame = await answer
        if frame["type"] != "ok":
            raise Trouble(f"{kind} was refused: {frame['code']}", "see the gateway's log")
        return frame


class _Talk:
    """One conversation with the author's two devices and a reader at each gateway."""

    def __init__(self, author: _Guest, device: _Guest, readers: list[_Guest]) -> None:
        self.author = author
        self.device = device
        self.readers = readers
        self._rev = 0

    @classmethod
    async def begin(cls, http: aiohttp.ClientSession, pair: platform.Pair, near: str, far: str) -> "_Talk":
        async def arrive(token: str, address: str, device: str) -> _Guest:
            socket = await http.ws_connect(platform.socket_url(address), protocols=("unsaid.v1",))
            guest = _Guest(socket, pair.conversation)
            await guest.ask("hello", token=token, device=device)
            return guest

        client, therapist = pair.tokens
        return cls(
            await arrive(client, near, "a"),
            await arrive(client, far, "b"),
            [await arrive(therapist, near, "a"), await arrive(therapist, far, "b")],
        )

    async def consent(self) -> None:
        for reader in self.readers:
            reader.on.clear()
        forms = (await self.author.ask("consent.forms"))["forms"]
        form = next(each for each in forms if each["purpose"] == "live_text")
        await self.author.ask("consent.grant", purpose="live_text", version=form["version"], sha256=form["sha256"])
        await self.author.ask("live.toggle", on=True)
        async with asyncio.timeout(WAIT_S):
            for reader in self.readers:
                await reader.on.wait()

    async def type(self) -> None:
        """Type, until cancelled."""
        draft, rev = str(uuid.uuid4()), 0
        while True:
            rev += 1
            await self.author.say("live.edit", draft=draft, rev=rev, ops=[[50, "i", rev - 1, "a"]])
            await asyncio.sleep(FRAME_S)

    async def one(self, withdraw: Callable[[], Awaitable[object]]) -> float:
        """Milliseconds from the withdrawal's sending to the last frame at any reader; 0: none came after it."""
        await self.consent()
        for reader in self.readers:
            reader.came.clear()
        typing = asyncio.create_task(self.type())
        try:
            async with asyncio.timeout(WAIT_S):
                while any(len(reader.came) < TYPED for reader in self.readers):  # noqa: ASYNC110 - frames come one by one
                    await asyncio.sleep(FRAME_S)
            began = time.perf_counter()
            await withdraw()
            await asyncio.sleep(began + LISTEN_S - time.perf_counter())
        finally:
            typing.cancel()
        return max(0.0, *(reader.came[-1] - began for reader in self.readers)) * 1e3


async def _measure(near: str, far: str, access: str, rounds: int) -> dict[str, list[float]]:
    pair = platform.new_pair(near, access)
    found: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {access}"}) as http, AsyncExitStack() as stack:
        talk = await _Talk.begin(http, pair, near, far)
        for guest in (talk.author, talk.device, *talk.readers):
            stack.callback(guest.reading.cancel)

        async def by_partner() -> None:
            body = {"participant": pair.participants[0], "purpose": "live_text", "decision": "withdraw"}
            async with http.post(f"{far}/v1/conversations/{pair.conversation}/consents", json=body) as answer:
                if answer.status != 201:
                    raise Trouble(f"the partner's withdrawal was refused: {answer.status}", "see the gateway's log")

        ways: dict[str, Callable[[], Awaitable[object]]] = {
            "same device": lambda: talk.author.ask("consent.withdraw", purpose="live_text"),
            "other device, other gateway": lambda: talk.device.ask("consent.withdraw", purpose="live_text"),
            "partner, other gateway": by_partner,
        }
        for way, withdraw in ways.items():
            found[way] = [await talk.one(withdraw) for _ in range(rounds)]
            say(f"  {way}: {rounds} withdrawals")
    return found


def measure_withdrawals(rounds: int, file: Path | None) -> None:
    """Measure, and print. Raises `Trouble`; its exit status is 1 where a frame came later than a second."""
    pinned = machine.two_cores()
    with ExitStack() as stack:
        _, state = stack.enter_context(platform.temporary(pinned=pinned))
        with machine.on_core(machine.SERVERS, pinned=pinned):
            other = stack.enter_context(another_gateway(state))
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        found = uvloop.run(_measure(services.gateway_url(state), other.url, platform.partner(state), rounds))
    table = Table("withdrawn by", "times", "p50 ms", "p99 ms", "worst ms", "later than 1 s", box=None)
    for way, spans in found.items():
        ordered, late = sorted(spans), sum(span > LATE_MS for span in spans)
        figures = (percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1])
        table.add_row(way, str(len(spans)), *(f"{figure:.1f}" for figure in figures), str(late))
    Console(highlight=False).print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
    if any(span > LATE_MS for spans in found.values() for span in spans):
        raise Trouble("a frame came later than a second after a withdrawal", "see the gateways' logs")
