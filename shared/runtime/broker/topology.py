"""Names and arguments of exchanges and queues; declared by whoever uses them, always the same way."""

from dataclasses import dataclass
from zlib import crc32

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldValue

COMMANDS = "unsaid.commands"
"""Durable direct exchange; the routing key is the command queue's name."""

QUEUE_MAX_BYTES = 256 * 2**20
DEAD_MAX_BYTES = 64 * 2**20
DELIVERY_LIMIT = 50
GATEWAY_MAX_MESSAGES = 20_000
LIVE_MAX_MESSAGES = 2_000
LIVE_TTL_MS = 2_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a batch goes. Exchange "" is the default one: straight to the queue of that name."""

    exchange: str
    routing_key: str
    persistent: bool


def command_queue(service: str, queues: int, key: str) -> str:
    """The command queue of ``key`` (a conversation, or a participant): the same one for ever."""
    return f"{service}.{crc32(key.encode()) % queues}"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def to_commands(queue: str) -> Destination:
    return Destination(COMMANDS, queue, persistent=True)


def to_gateway(address: str) -> Destination:
    return Destination("", address, persistent=False)


def live_address(address: str) -> str:
    """A gateway's second queue, for what is stale in a moment: live text, typing, presence."""
    return f"{address}.live"


async def declare_command_queue(channel: AbstractChannel, service: str, queue: str) -> None:
    """A quorum queue, bounded, with one active consumer and a last net for what is delivered again and again."""
    exchange = await channel.declare_exchange(COMMANDS, ExchangeType.DIRECT, durable=True)
    dead = await channel.declare_queue(
        dead_queue(service),
        durable=True,
        arguments={"x-queue-type": "quorum", "x-max-length-bytes": DEAD_MAX_BYTES, "x-delivery-limit": DELIVERY_LIMIT},
    )
    arguments: dict[str, FieldValue] = {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-max-length-bytes": QUEUE_MAX_BYTES,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead.name,
        "x-dead-letter-strategy": "at-least-once",
    }
    declared = await channel.declare_queue(queue, durable=True, arguments=arguments)
    await declared.bind(exchange, queue)


async def declare_gateway_queues(channel: AbstractChannel, address: str) -> None:
    """Two exclusive queues, gone with the connection: one for events and replies, one for what is stale in a moment."""
    await channel.declare_queue(address, exclusive=True, arguments={"x-max-length": GATEWAY_MAX_MESSAGES})
    await channel.declare_queue(
        live_address(address),
        exclusive=True,
        arguments={"x-max-length": LIVE_MAX_MESSAGES, "x-message-ttl": LIVE_TTL_MS},
    )
