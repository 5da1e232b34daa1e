"""`./unsaid bench idle`: what a connection costs that says nothing, and whether thousands are kept.

All connect to one gateway, two to a conversation. Then some open a draft of live text, and all are left alone: pings
are answered, nothing else is said.
"""

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import picows
import uvloop
from rich.console import Console

from bench import machine, platform
from bench.live import LiveSide
from bench.load import connect
from bench.platform import UnsaidSide
from deploy.local import services
from deploy.local.home import State
from deploy.local.progress import say
from deploy.local.trouble import Trouble

DRAFT = "What I wanted to say is that I keep putting it off, and then I feel worse about it. "
AT_ONCE = 20
SETTLE_S = 2.0
HEARTBEAT_S = 25.0
LATE_S = 5.0


class IdleSide(LiveSide):
    """Says hello and no more, unless it is asked to open a draft; keeps when it was pinged."""

    def __init__(self, conversation: str, token: str) -> None:
        super().__init__(conversation, token)
        self.pinged: list[float] = []
        self._writes = False

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.PING:
            self.pinged.append(time.monotonic())
        super().on_ws_frame(transport, frame)

    def receive(self, data: bytes) -> None:
        if self._writes:
            super().receive(data)
        else:
            UnsaidSide.receive(self, data)

    async def open_draft(self) -> None:
        """Consent, switch on, and leave a draft open."""
        self._writes, self.ready = True, asyncio.get_running_loop().create_future()
        self._ask("consent.forms")
        await self.ready
        self.write(
            f'{{"type":"live.reset","conversation":"{self.conversation}","draft":"{uuid.uuid4()}","rev":1,'
            f'"text":"{DRAFT}"}}'
        )


async def _arrive(state: State, connections: int) -> list[IdleSide]:
    """Connections, two to each conversation. Raises `Trouble`."""
    base, access = services.gateway_url(state), platform.partner(state)
    sides: list[IdleSide] = []
    slots = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with slots:
            pair = await asyncio.to_thread(platform.new_pair, base, access)
            for token in pair.tokens:
                side = IdleSide(pair.conversation, token)
                await connect(side, platform.socket_url(base), "unsaid.v1")
                sides.append(side)

    await asyncio.gather(*(one() for _ in range(connections // 2)))
    return sides


def _late(sides: Sequence[IdleSide], began: float, ended: float) -> int:
    """Connections that waited for a ping longer than they should have."""
    late = 0
    for side in sides:
        moments = [began, *(ping for ping in side.pinged if ping >= began), ended]
        late += any(b - a > HEARTBEAT_S + LATE_S for a, b in itertools.pairwise(moments))
    return late


async def _measure(state: State, gateway: int, connections: int, drafts: int, seconds: float) -> dict[str, Any]:
    roots = {"gateway": gateway}

    async def memory_kib() -> float:
        await asyncio.sleep(SETTLE_S)
        return machine.memory_mb(roots)["gateway"] * 1e6 / 1024

    warm = await _arrive(state, 20)  # what a young process takes once isn't a connection's
    before = await memory_kib()
    sides = await _arrive(state, connections)
    idle = await memory_kib()
    say(f"  {len(sides)} connected")
    writing = sides[:drafts]
    for first in range(0, len(writing), AT_ONCE):
        await asyncio.gather(*(side.open_draft() for side in writing[first : first + AT_ONCE]))
    live = await memory_kib()
    say(f"  {len(writing)} drafts open; nothing is said for {seconds:.0f} s")
    cpu, began = machine.cpu_s(gateway), time.monotonic()
    await asyncio.sleep(seconds)
    ended = time.monotonic()
    return {
        "connections": len(sides),
        "lost": sum(side.account.lost_connections for side in [*warm, *sides]),
        "late_pings": _late(sides, began, ended),
        "core": (machine.cpu_s(gateway) - cpu) / (ended - began),
        "kib_idle": (idle - before) / len(sides),
        "kib_draft": (idle - before) / len(sides) + (live - idle) / max(1, len(writing)),
    }


def measure_idle(connections: int, drafts: int, seconds: float, to: Path | None) -> None:
    """Measure, and print. Raises `Trouble`: connections were lost."""
    pinned = machine.two_cores()
    with platform.temporary(pinned=pinned) as (home, state), machine.on_core(machine.LOAD, pinned=pinned):
        gateway = platform.roots(home)["gateway"]
        found = uvloop.run(_measure(state, gateway, connections, drafts, seconds))
    Console(highlight=False).print(
        f"{found['connections']} connections for {seconds:.0f} s: {found['lost']} lost, {found['late_pings']} pinged "
        f"late, {found['core']:.1%} of a core\n"
        f"memory of the gateway for each connection: {found['kib_idle']:.1f} KiB idle, {found['kib_draft']:.1f} KiB "
        f"with a draft open ({min(drafts, connections)} of them)"
    )
    if to:
        to.write_text(json.dumps(found, indent=1) + "\n")
    if found["lost"] or found["late_pings"]:
        raise Trouble("connections were lost, or pinged late", "is the machine busy with something else?")
