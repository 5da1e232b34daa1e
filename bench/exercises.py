"""How long `exercise.series` takes in a conversation of years: through the gateway, as a client sees it.

Messages and old runs are put into the session service's database; the 200 runs that a series tells of are done through
the gateway, since their ratings are sealed.
"""

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
from deploy.local.trouble import Trouble

WARM = 100
SPACE_S = 0.006
"""Between two questions: the tenant allows two hundred a second."""
RUNS = 200
"""As many as one series tells of."""
OLD_RUNS = 5_000
EXERCISE = "paced_breathing"
ANSWERS: tuple[tuple[str, dict[str, object]], ...] = (
    ("before", {"kind": "rating", "rating": 7}),
    ("settle", {"kind": "choice", "chosen": ["sitting"]}),
    ("breathe", {"kind": "breathing", "cycles": 30}),
    ("noticed", {"kind": "skip"}),
    ("after", {"kind": "rating", "rating": 4}),
)
FILL = """
insert into event (tenant, conversation, n, kind, at, seq, message, sender, fingerprint, content)
select c.tenant, c.id, i, 'message.posted', c.created_at, i, gen_random_uuid(), c.client, repeat('0', 64), '\\x00'
from conversation c, generate_series(1, $2::int) as i where c.id = $1
"""
FILL_RUNS = """
with run as (
    insert into exercise_run
        (tenant, conversation, run, n, exercise, version, state, started_by, started_at, changed_at)
    select c.tenant, c.id, gen_random_uuid(), $2::int + i * 2, $4, 1, 'finished', c.client, c.created_at, c.created_at
    from conversation c, generate_series(1, $3::int) as i where c.id = $1
    returning tenant, conversation, run, n
), answered as (
    insert into exercise_answer (tenant, conversation, run, step, n)
    select tenant, conversation, run, step, n + place
    from run, unnest(array['before', 'after']) with ordinality as s (step, place)
    returning conversation, run, step, n
)
insert into event (tenant, conversation, n, kind, at, sender, record, data, fingerprint, content)
select c.tenant, c.id, a.n, 'exercise.answered', c.created_at, c.client, gen_random_uuid(),
    jsonb_build_object('run', a.run, 'step', a.step, 'next', null), repeat('0', 64), '\\x00'
from answered a join conversation c on c.id = a.conversation
"""
RAISE = "update conversation set last_seq = $2, last_n = $3 where id = $1"


async def _fill(state: State, conversation: str, messages: int) -> None:
    db = await asyncpg.connect(postgres.database_url(state, "session"))
    try:
        async with db.transaction():
            await db.execute(FILL, conversation, messages, timeout=600)
            await db.execute(FILL_RUNS, conversation, messages, OLD_RUNS, EXERCISE, timeout=600)
            await db.execute(RAISE, conversation, messages, messages + OLD_RUNS * 2 + 2)
        for table in ("event", "exercise_run", "exercise_answer"):
            await db.execute(f"vacuum analyze {table}")
    finally:
        await db.close()


class _Asker:
    """A connection that asks one question after the other."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
        self._socket = socket
        self._conversation = conversation

    async def ask(self, kind: str, **members: object) -> dict[str, Any]:
        ref = uuid.uuid4().hex
        await self._socket.send_str(
            json.dumps({"type": kind, "ref": ref, "conversation": self._conversation, **members})
        )
        while True:
            frame: dict[str, Any] = json.loads((await self._socket.receive(timeout=10)).data)
            if frame.get("ref") == ref and frame["type"] in ("ok", "error"):
                if frame["type"] == "error":
                    raise Trouble(f"{kind} was refused: {frame['code']}", "see the gateway's log")
                return frame


async def _measure(state: State, messages: int, asks: int) -> dict[str, list[float]]:
    base = services.gateway_url(state)
    pair = platform.new_pair(base, platform.partner(state))
    await _fill(state, pair.conversation, messages)
    async with aiohttp.ClientSession() as http, http.ws_connect(platform.socket_url(base)) as socket:
        asker = _Asker(socket, pair.conversation)
        await asker.ask("hello", token=pair.tokens[0])
        ways: dict[str, tuple[str, dict[str, object]]] = {
            "exercise.series, 50 runs": ("exercise.series", {"exercise": EXERCISE}),
            "exercise.series, 200 runs": ("exercise.series", {"exercise": EXERCISE, "limit": 200}),
            "exercise.list, 50 runs": ("exercise.list", {}),
            "exercise.catalog": ("exercise.catalog", {}),
        }
        found: dict[str, list[float]] = {way: [] for way in [*ways, "exercise.answer"]}
        for _ in range(RUNS):
            run = (await asker.ask("exercise.start", exercise=EXERCISE))["record"]
            for step, answer in ANSWERS:
                began = time.perf_counter()
                await asker.ask("exercise.answer", run=run, step=step, answer=answer)
                found["exercise.answer"].append(time.perf_counter() - began)
                await asyncio.sleep(SPACE_S)
            await asker.ask("exercise.finish", run=run)
        series = (await asker.ask("exercise.series", exercise=EXERCISE, limit=200))["series"]
        if len(series) != RUNS or {(one["before"], one["after"]) for one in series} != {(7, 4)}:
            raise Trouble(f"{len(series)} runs were told of {RUNS}", "the conversation wasn't filled as it should be")
        for n in range(WARM + asks):
            for way, (kind, members) in ways.items():  # in turns, so that what else the machine does falls on all
                began = time.perf_counter()
                await asker.ask(kind, **members)
                if n >= WARM:
                    found[way].append(time.perf_counter() - began)
                await asyncio.sleep(SPACE_S)
        return found


def measure_exercises(messages: int, asks: int, file: Path | None) -> None:
    """Measure, and print. Raises `Trouble`."""
    pinned = machine.two_cores()
    say(f"{messages:,} messages and {OLD_RUNS:,} runs of before")
    with ExitStack() as stack:
        _, state = stack.enter_context(platform.temporary(pinned=pinned))
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        found = uvloop.run(_measure(state, messages, asks))
    table = Table("asked", "times", "p50 ms", "p99 ms", "worst ms", box=None)
    for way, spans in found.items():
        ordered = sorted(spans)
        table.add_row(way, str(len(spans)), *(f"{percentile(ordered, p) * 1e3:.1f}" for p in (0.5, 0.99, 1.0)))
    Console(highlight=False).print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
