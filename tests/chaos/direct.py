"""A gateway of the tests' own, which puts commands into the session service's queue and never sends one again.

Clients send again what isn't answered, which hides a command that was acknowledged to the broker and then forgotten.
Here a command counts as soon as the broker has confirmed it.
"""

import asyncio
import time
import uuid
from collections import deque

import aio_pika
import jwt
from aio_pika.exceptions import AMQPError
from pydantic import SecretStr

from deploy.local import rabbitmq
from shared.contracts.commands import SendMessage
from shared.contracts.contents import MessageContent
from shared.runtime.broker.topology import command_queue, commands_exchange
from shared.runtime.sealing import Sealer
from tests.chaos.account import Message
from tests.chaos.load import Load

PAUSE_S = 0.02
QUEUES = 2
LATEST = 100


def command(load: Load, message: Message, content: str | None = None) -> SendMessage:
    """The command of a message by the first conversation's client."""
    talk = load.talks[0]
    sealer = Sealer(SecretStr(load.stage.state.content_key))
    raw = MessageContent(text=message.text, tone=None).model_dump_json().encode()
    return SendMessage(
        tenant=jwt.decode(load.clients[0].token, options={"verify_signature": False})["tenant"],
        replyto="gateway.nobody",
        conversation=talk.id,
        sender=message.sender,
        message=message.id,
        in_reply_to=None,
        fingerprint=sealer.fingerprint(talk.id, message.sender, message.id, message.text, None, None),
        content=sealer.seal(talk.id, raw) if content is None else content,
    )


class Once:
    """Sends messages, each once, whatever becomes of it."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._ids: deque[bytes] = deque(maxlen=LATEST)

    def is_carried(self, frame: bytes) -> bool:
        """Whether a frame to Postgres carries the id of one of the latest of these, in binary as uuids are sent."""
        return any(each in frame for each in self._ids)

    async def run(self) -> None:
        """Send, until cancelled."""
        account, talk = self._load.accounts[0], self._load.talks[0]
        queue = command_queue("session", QUEUES, talk.id)
        async with await aio_pika.connect(rabbitmq.url(self._load.stage.state)) as connection:
            exchange = await (await connection.channel()).get_exchange(commands_exchange(queue), ensure=False)
            while True:
                message = Message(str(uuid.uuid4()), self._load.text(), talk.client, time.monotonic(), 1)
                account.messages[message.id] = message
                self._ids.append(uuid.UUID(message.id).bytes)
                body = b"[" + command(self._load, message).model_dump_json().encode() + b"]"
                persistent = aio_pika.DeliveryMode.PERSISTENT
                try:
                    await exchange.publish(aio_pika.Message(body, delivery_mode=persistent), queue)
                except (AMQPError, OSError):
                    return
                message.confirmed = True
                await asyncio.sleep(PAUSE_S)
