"""How long the consent service takes to say what is in force, on a real Postgres with decisions of years."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import asyncpg
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench import machine, platform
from bench.figures import percentile
from deploy.local import postgres
from deploy.local.home import State
from services.consent.domain.log import Logs
from services.consent.handlers import Handlers
from services.consent.handlers.decisions import in_force
from services.consent.store import Store
from shared.contracts.consent_commands import ReadDecisions
from shared.contracts.ids import new_id
from shared.runtime import tenants
from shared.runtime.postgres import PLANS

WARM = 200
ROUNDS = 5
"""The medians of so many are told."""
FILL = """
with people as (
    insert into conversation (id, tenant, client, therapist)
    select gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid() from generate_series(1, $2) returning *
)
insert into decision (conversation, id, participant, purpose, is_grant, version, sha256, locale, epoch, at, via)
select p.id, gen_random_uuid(), who, purpose, n % 2 = 1, 1, repeat('0', 64), 'en', n, now() - interval '1 hour' / n,
    'device'
from people p, unnest(array[p.client, p.therapist]) as who,
    unnest(array['informed_consent', 'live_text', 'composition_replay', 'note_disclosure']) as purpose,
    generate_series(1, $3::int) as n
"""


async def _measure(state: State, conversations: int, decisions: int, asks: int) -> dict[str, list[list[float]]]:
    """Seconds that each asking took, by way and round; sorted."""
    tenant = new_id()
    seen = {"unsaid.tenants": tenants.setting([tenant])}
    admin = await asyncpg.connect(postgres.database_url(state, "consent"), server_settings=seen)
    # As the service connects: plans are made once.
    db = await asyncpg.connect(postgres.serving_url(state, "consent"), server_settings=PLANS | seen)
    try:
        await admin.execute(FILL, tenant, conversations, decisions, timeout=600)
        await admin.execute("vacuum analyze decision")
        ids = [str(row["id"]) for row in await db.fetch("select id from conversation where tenant = $1", tenant)]
        handlers = Handlers(Logs(state.consent_log_name, SecretStr(state.consent_log_key)))
        store, moment = Store(db), await db.fetchval("select now() - interval '20 minutes'")

        async def nothing(_: str) -> None:
            await db.fetchval("select 1")

        async def now(conversation: str) -> None:
            in_force(await store.standing(tenant, conversation))

        async def then(conversation: str) -> None:
            in_force(await store.standing(tenant, conversation, moment))

        async def command(conversation: str) -> None:
            asked = ReadDecisions(tenant=tenant, replyto="gateway.bench", conversation=conversation)
            async with db.transaction():
                await handlers.handle(db, [asked])

        ways: dict[str, Callable[[str], Awaitable[None]]] = {
            "nothing: the way there and back": nothing,
            "now": now,
            "at a past moment": then,
            "the whole command, with all decisions": command,
        }
        found: dict[str, list[list[float]]] = {way: [] for way in ways}
        for _ in range(ROUNDS):  # in turns, so that what else the machine does falls on all of them
            for way, ask in ways.items():
                found[way].append(await _timed(ask, ids, asks))
        return found
    finally:
        await db.close()
        await admin.close()


async def _timed(ask: Callable[[str], Awaitable[None]], ids: list[str], asks: int) -> list[float]:
    found = []
    for n in range(WARM + asks):
        conversation = random.choice(ids)
        began = time.perf_counter()
        await ask(conversation)
        if n >= WARM:
            found.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    return sorted(found)


def measure_in_force(conversations: int, decisions: int, asks: int, file: Path | None) -> None:
    """Measure, and print. Raises `Trouble`."""
    pinned = machine.two_cores()
    with ExitStack() as stack:
        _, state = stack.enter_context(platform.temporary(pinned=pinned))
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        found = uvloop.run(_measure(state, conversations, decisions, asks))
    table = Table("asked", "times", "p50 ms", "p99 ms", "worst ms", box=None)
    for way, rounds in found.items():
        of_each = ([percentile(spans, p) for spans in rounds] for p in (0.5, 0.99, 1.0))
        table.add_row(way, f"{len(rounds)} × {asks}", *(f"{median(figures) * 1e3:.2f}" for figures in of_each))
    Console(highlight=False).print(table)
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")
