"""Connections that are cut, or lose what they carry."""

import asyncio

from tests.chaos.proxy import ACK, Then, Way, Wire, anything, done_and_idle, sync
from tests.chaos.proxy import Proxy as Relay
from tests.chaos.row import Scene

MET_S = 20.0
CONFIRMS_AWAY_S = 8.0
SWALLOWED_S = 14.0
CUTS = 10


async def lose_confirms(scene: Scene) -> None:
    """Publisher confirms are dropped, for all processes, while publishes and deliveries pass."""
    rules = [process.amqp.add(Way.TO_CLIENT, ACK, Then.DROP) for process in scene.stage.processes.values()]
    await scene.for_a_while(CONFIRMS_AWAY_S)
    assert any(rule.met.is_set() for rule in rules), "no confirm was dropped"
    for process in scene.stage.processes.values():
        process.amqp.heal()


async def cut_before_commit(scene: Scene) -> None:
    """The session service's connection is cut where a statement is executed and what commits it comes."""
    relay = scene.stage["session-1"].database
    for _ in range(CUTS):
        await _once(relay.add(Way.TO_SERVER, sync, Then.CUT).met)
        relay.heal()
        await scene.for_a_while(0.3)


async def cut_in_commit(scene: Scene) -> None:
    """The connection is cut where the commit is done and the service hasn't heard of it."""
    relay = scene.stage["session-1"].database
    for _ in range(CUTS):
        await _once(relay.add(Way.TO_CLIENT, done_and_idle, Then.CUT).met)
        relay.heal()
        await scene.for_a_while(0.3)


async def _once(event: asyncio.Event) -> None:
    async with asyncio.timeout(MET_S):
        await event.wait()


async def cut_broker(scene: Scene) -> None:
    """All connections to RabbitMQ are reset, five times."""
    for _ in range(5):
        for process in scene.stage.processes.values():
            process.amqp.cut()
        await scene.for_a_while(1)


async def half_open(scene: Scene) -> None:
    """One client's connection swallows everything, both ways; a new one would pass.

    The client takes a connection that owes an answer for 10 s for dead, and comes back.
    """
    gateway = scene.stage.gateways[0]
    relay = Relay(Wire.PLAIN, gateway.port)
    await relay.start()
    load = scene.load
    account, talk = load.accounts[0], load.talks[0]
    client = load.client(
        account, talk.client, await talk.token(talk.client), gateways=lambda: f"http://127.0.0.1:{relay.port}"
    )
    load.join(client)
    await load.flowing(20)
    for way in Way:
        relay.add(way, anything, Then.DROP, old_only=True)
    before = client.view.seq
    await scene.for_a_while(SWALLOWED_S)
    await load.flowing(40)
    assert client.view.seq > before, "the client never came back"
    scene.on_end(relay.stop)
