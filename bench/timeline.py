"""`./unsaid bench timeline`: how long `symbol.timeline` takes in a long conversation, seen by a client of the gateway.

The conversation is filled in the session service's database, with messages of both, every fifth with the symbol, in
sessions of a hundred messages with as many between them; the key's tag of the symbol comes of a message sent before.
"""

import asyncio
import json
import random
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from bench import machine, platform
from bench.figures import percentile
from deploy.local import postgres, services
from deploy.local.home import State
from deploy.local.trouble import Trouble

SYMBOL = "🐢"
OTHERS = ("😀", "🙏", "❤️")
SPACE_S = 0.006
"""Between two questions: the tenant allows two hundred a second."""
WARM = 50
FILL = """
with said as (
    insert into event (tenant, conversation, n, kind, at, seq, message, sender, fingerprint, content)
    select c.tenant, c.id, s.n, 'message.posted', c.last_at, s.n, gen_random_uuid(),
        case when s.n % 3 = 0 then c.therapist else c.client end, e.fingerprint, e.content
    from conversation c
    join event e on e.conversation = c.id and e.n = 1
    cross join generate_series(c.last_n + 1, $2::bigint) as s (n)
    where c.id = $1
    returning n, at, message, seq, sender
), held as (
    insert into session (tenant, conversation, id, started_n, started_at, ended_n, ended_at)
    select c.tenant, c.id, gen_random_uuid(), s.n, now(), s.n + 100, now()
    from conversation c cross join generate_series(10, $2::bigint - 200, 200) as s (n) where c.id = $1
), used as (
    insert into emoji_use (tenant, conversation, emoji, n, at, message, seq, author, reaction)
    select c.tenant, c.id, u.emoji, said.n, said.at, said.message, said.seq, said.sender, false
    from said
    join conversation c on c.id = $1
    join (
        select emoji, row_number() over (order by n, emoji) as place from emoji_use where conversation = $1
    ) as u on u.place = case when said.n % 5 = 0 then 1 else 2 + said.n % 3 end
)
update conversation set last_n = $2, last_seq = $2 where id = $1
"""


class _Asker:
    """A connection that asks one question after the other."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
        self._socket = socket
        self._conversation = conversation

    @classmethod
    async def arrive(cls, http: aiohttp.ClientSession, address: str, pair: platform.Pair) -> "_Asker":
        socket = await http.ws_connect(platform.socket_url(address), protocols=("unsaid.v1",))
        self = cls(socket, pair.conversation)
        await self.ask("hello", token=pair.tokens[0])
        return self

    async def ask(self, kind: str, **members: object) -> dict[str, Any]:
        ref = uuid.uuid4().hex
        await self._socket.send_str(
            json.dumps({"type": kind, "ref": ref, "conversation": self._conversation, **members}, ensure_ascii=False)
        )
        while True:
            frame: dict[str, Any] = json.loads((await self._socket.receive(timeout=10)).data)
            if frame.get("ref") == ref and frame["type"] in ("ok", "error"):
                if frame["type"] == "error":
                    raise Trouble(f"{kind} was refused: {frame['code']}", "see the gateway's log")
                return frame

    async def leave(self) -> None:
        await self._socket.close()


async def _fill(state: State, conversation: str, messages: int) -> None:
    db = await asyncpg.connect(postgres.database_url(state, "session"))
    try:
        await db.execute(FILL, conversation, messages, timeout=600)
        for table in ("event", "session", "emoji_use"):
            await db.execute(f"vacuum analyze {table}")
    finally:
        await db.close()


async def _timed(asker: _Asker, asks: int, messages: int, **members: object) -> list[float]:
    """Seconds that each asking took, sorted; ``before`` None: somewhere."""
    spans = []
    for n in range(WARM + asks):
        where = {**members, "before": random.randint(messages // 10, messages)} if "before" in members else members
        began = time.perf_counter()
        await asker.ask("symbol.timeline", **{"emoji": SYMBOL, **where})
        if n >= WARM:
            spans.append(time.perf_counter() - began)
        await asyncio.sleep(SPACE_S)
    return sorted(spans)


async def _measure(state: State, messages: int, asks: int) -> dict[str, list[float]]:
    address, access = services.gateway_url(state), platform.partner(state)
    pair = platform.new_pair(address, access)
    async with aiohttp.ClientSession() as http:
        first = await _Asker.arrive(http, address, pair)
        for emoji in (SYMBOL, *OTHERS):
            await first.ask("message.send", message=str(uuid.uuid4()), text=emoji)
        await first.leave()
        await _fill(state, pair.conversation, messages)
        asker = await _Asker.arrive(http, address, pair)
        used = len((await asker.ask("symbol.timeline", emoji=SYMBOL, limit=200))["uses"])
        if used != 200:
            raise Trouble(f"{used} uses were found of 200", "the conversation wasn't filled as it should be")
        return {
            "the last 50 uses": await _timed(asker, asks, messages),
            "50 somewhere before": await _timed(asker, asks, messages, before=None),
            "the last 200": await _timed(asker, asks, messages, limit=200),
            "an emoji never used": await _timed(asker, asks, messages, emoji="🐇"),
        }


def measure_timeline(messages: int, asks: int, file: Path | None) -> None:
    """Measure, and print. Raises `Trouble`."""
    pinned = machine.two_cores()
    with ExitStack() as stack:
        _, state = stack.enter_context(platform.temporary(pinned=pinned))
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        found = uvloop.run(_measure(state, messages, asks))
    table = Table("asked for", "times", "p50 ms", "p99 ms", "worst ms", box=None)
    for what, spans in found.items():
        figures = (percentile(spans, 0.5), percentile(spans, 0.99), spans[-1])
        table.add_row(what, str(len(spans)), *(f"{figure * 1e3:.1f}" for figure in figures))
    Console(highlight=False).print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
