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
SHOUT_PAUSE_S = 0.01
CLOSED_S = 45.0
TOO_SLOW = 'unsaid_gateway_closed_total{code="4508"}'


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
    """Somebody shouts; one reader of it stops reading, until it is closed. The others' times are compared."""
    load = scene.load
    account, talk = load.accounts[0], load.talks[0]
    slow = load.client(account, talk.client, await talk.token(talk.client, ttl_s=TOKEN_S))
    shouter = load.client(account, talk.therapist, await talk.token(talk.therapist, ttl_s=TOKEN_S), window=8)
    for client in (slow, shouter):
        load.listen(client)
        await client.connected()
    others = [client for client in load.clients if client.account is not account]
    began = time.monotonic()
    await _shout(shouter, SHOUT_S)
    before = _p99_ms(others, began)
    memory = _memory_mb(scene)
    slow.stop_reading()
    began = time.monotonic()
    while not (closed := await asyncio.to_thread(_too_slow, scene)) and time.monotonic() - began < CLOSED_S:
        await _shout(shouter, 1)
    meanwhile = _p99_ms(others, began)
    scene.notes.append(
        f"p99 of the others {before:.0f} ms while all read, {meanwhile:.0f} ms while one didn't; the larger gateway "
        f"{memory:.0f} and {_memory_mb(scene):.0f} MB; closed 4508 after {time.monotonic() - began:.1f} s"
    )
    slow.go_on_reading()
    await shouter.settled()
    assert closed, "the reader that stopped was never closed"
    assert meanwhile < 2 * before + 50, "the reader that stopped slowed the others"


async def _shout(shouter: Client, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        await shouter.write(SHOUT)
        await asyncio.sleep(SHOUT_PAUSE_S)


def _memory_mb(scene: Scene) -> float:
    return max(gateway.memory_mb() for gateway in scene.stage.gateways)


def _too_slow(scene: Scene) -> float:
    return sum(gateway.metric(TOO_SLOW) for gateway in scene.stage.gateways)
