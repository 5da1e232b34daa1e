"""Processes that die: at any time, or between two points that a relay sees."""

import asyncio
import os
import signal

from deploy.local.home import Part
from tests.chaos.direct import Once
from tests.chaos.proxy import ACK, DELIVER, PUBLISH, Matches, Then, Way, done_and_idle, follows, sent_query, sync
from tests.chaos.row import Fault, Scene
from tests.chaos.stage import Process

AWAY_S = 1.0
MET_S = 20.0


async def _after_a_while(scene: Scene, process: Process) -> None:
    process.amqp.heal()
    process.database.heal()
    await scene.for_a_while(AWAY_S)
    await process.start()


def kill(instance: str) -> Fault:
    """SIGKILL, and a new process of the same name a second later."""

    async def fault(scene: Scene) -> None:
        process = scene.stage[instance]
        await process.kill()
        await _after_a_while(scene, process)

    return fault


def kill_server(part: Part) -> Fault:
    """SIGKILL; the supervisor starts it again."""

    async def fault(scene: Scene) -> None:
        old = scene.stage.server(part)
        os.kill(old, signal.SIGKILL)
        await scene.restarted(part, old)

    return fault


def kill_at(
    instance: str,
    server: str,
    way: Way,
    held: Matches,
    passed: Matches | None = None,
    *,
    direct: bool = False,
    in_batch: bool = False,
) -> Fault:
    """SIGKILL at the moment when ``held`` has come to the relay and hasn't left it; three times, to hit other batches.

    ``passed``: and a frame of this kind (a confirm) went to the process since. ``direct``: meanwhile there are commands
    that nobody sends again; ``in_batch``: and what is held belongs to a statement that writes one of them.
    """

    async def fault(scene: Scene) -> None:
        process = scene.stage[instance]
        once = Once(scene.load)
        if direct:
            scene.beside(once.run())
        for _ in range(3):
            relay = process.amqp if server == "amqp" else process.database
            rule = relay.add(way, follows(once.is_carried, held) if in_batch else held, Then.HOLD)
            async with asyncio.timeout(MET_S):
                await rule.met.wait()
                if passed is not None:
                    await relay.add(Way.TO_CLIENT, passed, Then.PASS).met.wait()
            await process.kill()
            await _after_a_while(scene, process)
            await process.ready()
            scene.load.shuffle()  # some come back to it

    return fault


gateway_before_confirm = kill_at("gateway-1", "amqp", Way.TO_CLIENT, ACK)
gateway_after_confirm = kill_at("gateway-1", "amqp", Way.TO_CLIENT, DELIVER, passed=ACK)
service_before_commit = kill_at("session-1", "database", Way.TO_SERVER, sent_query(b"commit"), direct=True)
service_in_statement = kill_at("session-1", "database", Way.TO_SERVER, sync, direct=True, in_batch=True)
service_in_commit = kill_at("session-1", "database", Way.TO_CLIENT, done_and_idle, direct=True)
service_before_publish = kill_at("session-1", "amqp", Way.TO_SERVER, PUBLISH, direct=True)
service_before_ack = kill_at("session-1", "amqp", Way.TO_SERVER, ACK, direct=True)


async def everything_in_turn(scene: Scene) -> None:
    """SIGTERM (for Postgres: SIGINT, its orderly end), wait for the end, start again, wait until ready; one by one."""
    refused = scene.load.count("unavailable")
    for process in list(scene.stage.processes.values()):
        await process.end(signal.SIGTERM)
        await process.start()
        await process.ready()
        await scene.load.flowing(60)
    of_services = scene.load.count("unavailable") - refused
    servers: tuple[tuple[Part, signal.Signals], ...] = (("postgres", signal.SIGINT), ("rabbitmq", signal.SIGTERM))
    for part, sign in servers:
        old = scene.stage.server(part)
        os.kill(old, sign)
        await scene.restarted(part, old)
        await scene.stage.well()
        await scene.load.flowing(60)
    of_servers = scene.load.count("unavailable") - refused - of_services
    scene.notes.append(f"refused and retried: {of_services} by the services' turn, {of_servers} by the servers'")
