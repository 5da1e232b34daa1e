"""How long `pacing.get` takes in a conversation of years: through the gateway, as a client sees it."""

import asyncio
import json
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
from deploy.local.progress import say

WARM = 100
SESSIONS = 100
# Turns of one to three messages, replies between a second and some minutes, a hundred sessions.
FILL = """
with said as (
    select i, case when (i * 7919) % 13 < 5 + (i / 3) % 2 * 3 then c.client else c.therapist end as sender,
        date_trunc('milliseconds', c.created_at) + (i * 61 + (i * 7919) % 59) * interval '1 second' as at
    from conversation c, generate_series(1, $2::int) as i where c.id = $1
)
insert into event (tenant, conversation, n, kind, at, seq, message, sender, fingerprint, content, words)
select c.tenant, c.id, i, 'message.posted', said.at, i, gen_random_uuid(), sender, repeat('0', 64), '\\x00',
    1 + (i * 31) % 40
from said cross join conversation c where c.id = $1
"""
SESSION = """
insert into session (tenant, conversation, id, started_n, started_at, ended_n, ended_at)
select c.tenant, c.id, gen_random_uuid(), i * ($2::int / $3::int), now(), (i + 1) * ($2::int / $3::int) - 1, now()
from conversation c cross join generate_series(0, $3::int - 1) as i where c.id = $1
"""
RAISE = "update conversation set last_seq = $2, last_n = $2 where id = $1"

Ways = dict[str, list[float]]


async def _fill(state: State, conversation: str, messages: int) -> None:
    db = await asyncpg.connect(postgres.database_url(state, "session"))
    try:
        async with db.transaction():
            await db.execute(FILL, conversation, messages, timeout=600)
            await db.execute(SESSION, conversation, messages, SESSIONS)
            await db.execute(RAISE, conversation, messages)
        await db.execute("vacuum analyze event")
    finally:
        await db.close()


async def _measure(state: State, messages: int, asks: int) -> Ways:
    base = services.gateway_url(state)
    pair = platform.new_pair(base, platform.partner(state))
    await _fill(state, pair.conversation, messages)
    async with aiohttp.ClientSession() as http, http.ws_connect(platform.socket_url(base)) as socket:

        async def ask(kind: str, **members: object) -> dict[str, Any]:
            told = {"type": kind, "ref": kind, "conversation": pair.conversation, **members}
            await socket.send_str(json.dumps(told))
            async for frame in socket:
                got: dict[str, Any] = json.loads(frame.data)
                if got.get("ref") == kind:
                    return got
            raise AssertionError("the connection was lost")

        await ask("hello", token=pair.tokens[0])
        began = time.perf_counter()
        await ask("pacing.get")
        say(f"  the first time, when nothing was counted: {time.perf_counter() - began:.1f} s")
        session = (await ask("pacing.series", limit=1))["sessions"][0]["session"]
        ways: dict[str, tuple[str, dict[str, object]]] = {
            "pacing.get": ("pacing.get", {}),
            "pacing.get, a session": ("pacing.get", {"session": session}),
            "pacing.get, after a message": ("pacing.get", {}),
            "pacing.series, 50 sessions": ("pacing.series", {}),
        }
        found: Ways = {way: [] for way in ways}
        for n in range(WARM + asks):
            for way, (kind, members) in ways.items():  # in turns, so that what else the machine does falls on all
                if way.endswith("a message"):
                    await ask("message.send", message=str(uuid.uuid4()), text="and then we went home")
                began = time.perf_counter()
                answer = await ask(kind, **members)
                if n >= WARM:
                    found[way].append(time.perf_counter() - began)
                assert answer["type"] == "ok", answer
                await asyncio.sleep(0)
        return found


def measure_pacing(messages: int, asks: int, file: Path | None) -> None:
    """Measure, and print. Raises `Trouble`."""
    pinned = machine.two_cores()
    with ExitStack() as stack:
        _, state = stack.enter_context(platform.temporary(pinned=pinned))
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        found = uvloop.run(_measure(state, messages, asks))
    table = Table(f"asked, of {messages:,} messages", "times", "p50 ms", "p99 ms", "worst ms", box=None)
    for way, spans in found.items():
        ordered = sorted(spans)
        table.add_row(way, str(len(spans)), *(f"{percentile(ordered, p) * 1e3:.1f}" for p in (0.5, 0.99, 1.0)))
    Console(highlight=False).print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
