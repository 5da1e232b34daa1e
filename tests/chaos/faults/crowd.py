"""Many connections at once, and one that doesn't read."""

import asyncio
import resource
import time

from tests.chaos.client import Client
from tests.chaos.load import TOKEN_S
from tests.chaos.row import Scene

CROWD = 5_000
SPARE = 1_000
"""Descriptors for everything that isn't a connection."""
AT_ONCE = 100
COME_S = 120.0
SHOUT_S = 8.0
SHOUT = "漢" * 8_000
SHOUT_PAUSE_S = 0.02


def crowd_size() -> int:
    """As many as this machine's limit of open files permits."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(CROWD, most - SPARE)


async def reconnect_all(scene: Scene) -> None:
    """A crowd of readers comes; both gateways are killed; all come back at once."""
    load, stage = scene.load, scene.stage
    crowd: list[Client] = []
    gate = asyncio.Semaphore(AT_ONCE)
    each = crowd_size() // (2 * len(load.talks))
    for account, talk in zip(load.accounts, load.talks, strict=True):
        for participant in (talk.client, talk.therapist):
            token = await talk.token(participant, ttl_s=TOKEN_S)
            crowd += [load.client(account, participant, token) for _ in range(each)]

    async def come(client: Client) -> None:
        async with gate:
            load.listen(client)
            await client.connected()

    async with asyncio.timeout(COME_S):
        await asyncio.gather(*(come(client) for client in crowd))
    for gateway in stage.gateways:
        await gateway.kill()
    for gateway in stage.gateways:
        await gateway.start()
    began = time.monotonic()
    async with asyncio.timeout(COME_S):
        for client in crowd:
            await client.connected()
    scene.notes.append(
        f"{len(crowd)} clients were back {time.monotonic() - began:.1f} s after both gateways were killed"
    )


def _p99_ms(clients: list[Client], since: float) -> float:
    spans = sorted(span for client in clients for at, span in client.latencies if at >= since)
    return spans[int(len(spans) * 0.99)] * 1000 if spans else float("nan")


async def slow_reader(scene: Scene) -> None:
    """Somebody shouts; one reader of it stops reading. The others' times are compared with those of before."""
    load = scene.load
    account, talk = load.accounts[0], load.talks[0]
    slow = load.client(account, talk.client, await talk.token(talk.client, ttl_s=TOKEN_S))
    shouter = load.client(account, talk.therapist, await talk.token(talk.therapist, ttl_s=TOKEN_S), window=8)
    for client in (slow, shouter):
        load.listen(client)
        await client.connected()
    others = [client for client in load.clients if client.account is not account]
    times = []
    for reading in (True, False):
        if not reading:
            slow.stop_reading()
        began = time.monotonic()
        while time.monotonic() - began < SHOUT_S:
            await shouter.write(SHOUT)
            await asyncio.sleep(SHOUT_PAUSE_S)
        times.append(_p99_ms(others, began))
        memory = max(gateway.memory_mb() for gateway in scene.stage.gateways)
        scene.notes.append(
            f"{'all read' if reading else 'one stopped'}: p99 {times[-1]:.0f} ms, gateway {memory:.0f} MB"
        )
    slow.go_on_reading()
    await shouter.settled()
    assert times[1] < 2 * times[0] + 50, "the reader that stopped slowed the others"
