"""Names and arguments of exchanges and queues; declared by whoever uses them, always the same way."""

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

COMMANDS = "unsaid.commands"
"""Durable direct exchange; the routing key is the command queue's name."""

QUEUE_MAX_BYTES = 256 * 2**20
DEAD_MAX_BYTES = 64 * 2**20
DELIVERY_LIMIT = 50
GATEWAY_MAX_MESSAGES = 20_000
LIVE_MAX_MESSAGES = 2_000
LIVE_TTL_MS = 2_000


QueueKind = Literal["quorum", "classic"]


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


def to_commands(queue: str, *, persistent: bool = False) -> Destination:
    """A command with an answer needn't outlive the broker: whoever has none sends it again with the same id.

    Quorum queues keep it all the same (docs/adr/0007-command-queues.md).
    """
    return Destination(COMMANDS, queue, persistent)


def to_gateway(address: str) -> Destination:
    return Destination("", address, persistent=False)


def live_address(address: str) -> str:
    """A gateway's second queue, for what is stale in a moment: live text, typing, presence."""
    return f"{address}.live"


async def declare_command_queue(link: Link, service: str, queue: str, kind: QueueKind) -> None:
    """A durable queue, bounded, with one active consumer; a quorum queue also with a last net for what always fails.

    One that exists and was declared otherwise is used as it is. Raises `Unavailable`, and what `AWAY` names.
    """
    with no_stray():
        channel = await link.channel(3)
        await channel.declare_exchange(COMMANDS, ExchangeType.DIRECT, durable=True)
        dead = await channel.declare_queue(
            dead_queue(service),
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-max-length-bytes": DEAD_MAX_BYTES,
                "x-delivery-limit": DELIVERY_LIMIT,
            },
        )
        arguments: dict[str, FieldValue] = {
            "x-queue-type": kind,
            "x-single-active-consumer": True,
            "x-max-length-bytes": QUEUE_MAX_BYTES,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead.name,
        }
        if kind == "quorum":
            arguments |= {"x-delivery-limit": DELIVERY_LIMIT, "x-dead-letter-strategy": "at-least-once"}
        try:
            await channel.declare_queue(queue, durable=True, arguments=arguments)
        except ChannelPreconditionFailed:  # which closes the channel
            log.warning("queue_declared_otherwise", queue=queue)
            channel = await link.channel(3)
        await (await channel.get_queue(queue, ensure=False)).bind(COMMANDS, queue)
        await channel.close()


async def declare_gateway_queues(channel: AbstractChannel, address: str) -> None:
    """Two exclusive queues, gone with the connection: one for events and replies, one for what is stale in a moment."""
    with no_stray():
        await channel.declare_queue(address, exclusive=True, arguments={"x-max-length": GATEWAY_MAX_MESSAGES})
        await channel.declare_queue(
            live_address(address),
            exclusive=True,
            arguments={"x-max-length": LIVE_MAX_MESSAGES, "x-message-ttl": LIVE_TTL_MS},
        )
