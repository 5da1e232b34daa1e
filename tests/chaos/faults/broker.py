"""What RabbitMQ itself refuses, and what is put into it that can't be handled."""

import json
import time
import uuid

import aio_pika

from deploy.local import rabbitmq
from shared.runtime.broker.topology import commands_exchange
from tests.chaos import cluster
from tests.chaos.account import Message
from tests.chaos.direct import command
from tests.chaos.row import Scene
from tests.chaos.stage import Stage

ALARM_S = 8.0
AWAY_S = 4.0
QUEUES = ("session.0", "session.1")
POISONED = 5
BAD = 6
"""Commands that can't be handled, in one round."""


async def control(stage: Stage, *words: str) -> None:
    await cluster.control(stage.home, stage.state, *words)


async def disk_alarm(scene: Scene) -> None:
    """A disk limit that no disk meets: the broker blocks whoever publishes."""
    load, talk = scene.load, scene.load.talks[0]
    reader = await talk.arrive(load.clients[0].token)
    await control(scene.stage, "set_disk_free_limit", "900000GB")
    before, began, slowest, pages = load.count("unavailable"), time.monotonic(), 0.0, 0
    while time.monotonic() - began < ALARM_S:
        asked = time.monotonic()
        await reader.ok("history", limit=50)
        slowest, pages = max(slowest, time.monotonic() - asked), pages + 1
    await talk.leave()
    scene.notes.append(
        f"during the alarm: refused and retried: {load.count('unavailable') - before}; pages of history read: {pages}, "
        f"the slowest in {slowest:.1f} s"
    )
    await control(scene.stage, "set_disk_free_limit", "50MB")


async def unroutable(scene: Scene) -> None:
    """The command queues are unbound from their exchange, so that every command comes back, then bound again."""
    connection = await aio_pika.connect(rabbitmq.url(scene.stage.state))
    async with connection:
        channel = await connection.channel()
        for name in QUEUES:
            await (await channel.get_queue(name)).unbind(commands_exchange(name), name)
        before = scene.load.count("unavailable")
        await scene.for_a_while(AWAY_S)
        assert scene.load.count("unavailable") > before, "nothing was refused"
        for name in QUEUES:
            await (await channel.get_queue(name)).bind(commands_exchange(name), name)


def _unhandleable(scene: Scene) -> bytes:
    """A command as it should be, whose content no transaction can store."""
    message = Message(str(uuid.uuid4()), "", scene.load.talks[0].client)
    return command(scene.load, message, content="a").model_dump_json().encode()


def poisons(scene: Scene) -> list[bytes]:
    """Bodies that can't be handled: no JSON, no batch, no command, a bad command between two others, no content."""
    probe = json.dumps({"type": "session.no_such_thing", "id": str(uuid.uuid4())}).encode()
    bad = _unhandleable(scene)
    return [b"\xff not json", b"{}", b"[" + probe + b"]", b"[" + b",".join([bad, probe, bad]) + b"]", b"[]"]


async def poison(scene: Scene) -> None:
    """Poison between the load's own commands, on every session queue, again and again."""
    connection = await aio_pika.connect(rabbitmq.url(scene.stage.state))
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(commands_exchange("session"), ensure=False)
        dead = await channel.get_queue("session.dead")
        before = dead.declaration_result.message_count or 0
        for _ in range(POISONED):
            for name in QUEUES:
                for body in poisons(scene):
                    await exchange.publish(aio_pika.Message(body), name)
            await scene.for_a_while(0.5)
        await scene.load.flowing(40)
        dead = await channel.get_queue("session.dead")
        put_aside = (dead.declaration_result.message_count or 0) - before
        scene.notes.append(f"put aside: {put_aside} of {POISONED * len(QUEUES) * BAD} commands that can't be handled")
        assert put_aside == POISONED * len(QUEUES) * BAD, f"{put_aside} were put aside"
