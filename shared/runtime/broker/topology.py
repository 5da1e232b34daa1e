"""Names and arguments of exchanges and queues.

The exchanges are there before anybody comes (deploy/rabbitmq/definitions.json): who may declare one may delete it, too.
Queues are declared by whoever reads them, always the same way, and bound to the exchanges that they are written
through. Nobody but an operator writes past those, so that a process can tell only whom it must (ADR 13).
"""

from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import structlog
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelPreconditionFailed
from pamqp.common import FieldValue

from shared.runtime.broker.link import Link
from shared.runtime.stray import no_stray

log = structlog.get_logger()

LIVE = "unsaid.live"
"""What gateways show each other. All exchanges are direct and durable; the routing key is the queue's name."""
SERVICES = ("session", "consent", "notes")
"""Those with command queues."""
REGISTERED = ("consent", "notes")
"""Those that the session service tells of conversations."""

QUEUE_MAX_BYTES = 256 * 2**20
DEAD_MAX_BYTES = 64 * 2**20
DELIVERY_LIMIT = 50
GATEWAY_MAX_MESSAGES = 20_000
LIVE_MAX_MESSAGES = 2_000
LIVE_TTL_MS = 2_000


QueueKind = Literal["quorum", "classic"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a batch goes. ``exchange`` None: the publishing service's own for its events."""

    exchange: str | None
    routing_key: str
    persistent: bool


def command_queue(service: str, queues: int, key: str) -> str:
    """The command queue of ``key`` (a conversation, or a participant): the same one for ever."""
    return f"{service}.{crc32(key.encode()) % queues}"


def commands_exchange(queue: str) -> str:
    """The exchange through which a service's command queues are written to."""
    return f"{queue.partition('.')[0]}.commands"


def registrations_exchange(queue: str) -> str:
    """The exchange through which the session service tells another one of a conversation, and can ask nothing else."""
    return f"{queue.partition('.')[0]}.registrations"


def events_exchange(service: str) -> str:
    """The exchange through which a service tells gateways, and nobody else: by it they know who spoke."""
    return f"{service}.events"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def dead_exchange(service: str) -> str:
    """Named otherwise than the queue behind it: rights go by names, and the queue is the service's own to declare."""
    return f"{service}.deadletters"


def to_dead(service: str) -> Destination:
    return Destination(dead_exchange(service), dead_queue(service), persistent=True)


def to_commands(queue: str, *, persistent: bool = False) -> Destination:
    """A command with an answer needn't outlive the broker: whoever has none sends it again with the same id.

    Quorum queues keep it all the same (docs/adr/0007-command-queues.md).
    """
    return Destination(commands_exchange(queue), queue, persistent)


def to_registrations(queue: str) -> Destination:
    """Nobody repeats it, so it outlives the broker."""
    return Destination(registrations_exchange(queue), queue, persistent=True)


def to_gateway(address: str) -> Destination:
    """A gateway's first queue, for what services tell it."""
    return Destination(None, address, persistent=False)


def live_address(address: str) -> str:
    """A gateway's second queue, for what is stale in a moment: live text, typing, presence."""
    return f"{address}.live"


def to_peer(address: str) -> Destination:
    """The second queue of another gateway."""
    return Destination(LIVE, live_address(address), persistent=False)


def to_peer_lasting(address: str) -> Destination:
    """The first queue of another gateway, for what isn't stale in a moment."""
    return Destination(LIVE, address, persistent=False)


async def declare_exchanges(channel: AbstractChannel) -> None:
    """On a broker that isn't set up by the definitions, by somebody who may."""
    kinds = (commands_exchange, dead_exchange, events_exchange)
    own = [exchange(service) for service in SERVICES for exchange in kinds]
    for name in (LIVE, *own, *map(registrations_exchange, REGISTERED)):
        await channel.declare_exchange(name, ExchangeType.DIRECT, durable=True)


async def declare_command_queue(link: Link, service: str, queue: str, kind: QueueKind) -> None:
    """A durable queue, bounded, with one active consumer; a quorum queue also with a last net for what always fails.

    One that exists and was declared otherwise is used as it is. Raises `Unavailable`, and what `AWAY` names.
    """
    with no_stray():
        channel = await link.channel(3)
        dead = await channel.declare_queue(
            dead_queue(service),
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-max-length-bytes": DEAD_MAX_BYTES,
                "x-delivery-limit": DELIVERY_LIMIT,
            },
        )
        await dead.bind(dead_exchange(service), dead.name)
        arguments: dict[str, FieldValue] = {
            "x-queue-type": kind,
            "x-single-active-consumer": True,
            "x-max-length-bytes": QUEUE_MAX_BYTES,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": dead_exchange(service),
            "x-dead-letter-routing-key": dead.name,
        }
        if kind == "quorum":
            arguments |= {"x-delivery-limit": DELIVERY_LIMIT, "x-dead-letter-strategy": "at-least-once"}
        try:
            await channel.declare_queue(queue, durable=True, arguments=arguments)
        except ChannelPreconditionFailed:  # which closes the channel
            log.warning("queue_declared_otherwise", queue=queue)
            channel = await link.channel(3)
        declared = await channel.get_queue(queue, ensure=False)
        await declared.bind(commands_exchange(queue), queue)
        if service in REGISTERED:
            await declared.bind(registrations_exchange(queue), queue)
        await channel.close()


async def declare_gateway_queues(channel: AbstractChannel, address: str) -> None:
    """Two exclusive queues, gone with the connection: one for events and replies, one for what is stale in a moment."""
    with no_stray():
        first = await channel.declare_queue(address, exclusive=True, arguments={"x-max-length": GATEWAY_MAX_MESSAGES})
        for exchange in (*map(events_exchange, SERVICES), LIVE):
            await first.bind(exchange, first.name)
        second = await channel.declare_queue(
            live_address(address),
            exclusive=True,
            arguments={"x-max-length": LIVE_MAX_MESSAGES, "x-message-ttl": LIVE_TTL_MS},
        )
        await second.bind(LIVE, second.name)
