"""The services' dead letters: reading them, putting them back, dropping them.

A letter is told by a hash of its body, so that a copy is known as one. Letters are read without being acknowledged and
go back, in order, when the channel is closed; one is acknowledged only after the broker has confirmed what takes its
place. A queue counts how often a letter came back and gives it up at last, so all are renewed long before.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.exceptions import AMQPError
from pydantic import TypeAdapter, ValidationError

from deploy.local import rabbitmq
from deploy.local.home import QUEUE_SERVICES, QueueService, State
from deploy.local.trouble import Trouble
from shared.contracts.commands import NotesCommand, SessionCommand
from shared.contracts.consent_commands import ConsentCommand, Decide
from shared.contracts.envelope import MEDIA_TYPE, Command, ConversationCommand
from shared.runtime.broker.topology import command_queue, commands_exchange, dead_queue
from shared.runtime.worker import NOT_ITS_TO_ASK

RENEW_AT = 20
WAIT_S = 5

_COMMANDS: dict[QueueService, TypeAdapter[Any]] = {
    "session": TypeAdapter(SessionCommand),
    "consent": TypeAdapter(ConsentCommand),
    "notes": TypeAdapter(NotesCommand),
}
_SEALED = "content"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: mostly one command, or a whole batch that the broker itself put aside."""

    service: QueueService
    message: AbstractIncomingMessage

    @property
    def id(self) -> str:
        return hashlib.sha256(self.message.body).hexdigest()[:12]

    @property
    def envelopes(self) -> list[Any]:
        """As they are; something that is no list of objects is shown as nothing."""
        try:
            found = json.loads(self.message.body)
        except ValueError:
            return []
        return found if isinstance(found, list) else [found]

    @property
    def types(self) -> str:
        kinds = {str(e.get("type", "unknown"))[:64] if isinstance(e, dict) else "unknown" for e in self.envelopes}
        return ", ".join(sorted(kinds)) or "unknown"

    @property
    def reason(self) -> str:
        return str(self.message.headers.get("reason") or self._death.get("reason") or "unknown")

    @property
    def at(self) -> str:
        """When it was put aside."""
        time = self._death.get("time")
        return time.isoformat() if isinstance(time, datetime) else str(self.message.headers.get("at") or "unknown")

    @property
    def _death(self) -> dict[str, Any]:
        deaths: Any = self.message.headers.get("x-death")
        return dict(deaths[0]) if isinstance(deaths, list) and deaths else {}

    def without_content(self) -> list[Any]:
        """The envelopes, with the size of what is sealed in place of it; of what is no envelope, its size alone."""
        return [
            {k: f"({len(v)} characters, sealed)" if k == _SEALED and isinstance(v, str) else v for k, v in e.items()}
            if self._parsed(e)
            else {"unreadable_bytes": len(json.dumps(e))}
            for e in self.envelopes
        ] or [{"unreadable_bytes": len(self.message.body)}]

    def _parsed(self, envelope: object) -> Command | None:
        try:
            command: Command = _COMMANDS[self.service].validate_json(json.dumps(envelope))
        except ValidationError:
            return None
        return command

    def commands(self) -> list[ConversationCommand]:
        """What can be put back. Raises `Trouble` if something in the letter can't be."""
        found = []
        if self.reason == NOT_ITS_TO_ASK:
            raise _refused(self, "who sent it may not ask this")
        for envelope in self.envelopes:
            command = self._parsed(envelope)
            if command is None:
                raise _refused(self, "it can't be read")
            if isinstance(command, Decide) and command.grant:
                raise _refused(self, "grants of consent are never replayed: the person may think otherwise by now")
            if not isinstance(command, ConversationCommand):
                raise _refused(self, "it belongs to a gateway's connection that is long gone")
            found.append(command)
        if not found:
            raise _refused(self, "it can't be read")
        return found


def _refused(letter: Letter, why: str) -> Trouble:
    return Trouble(f"{letter.id} is not replayed: {why}", f"drop it with `./unsaid deadletters drop {letter.id}`")


@asynccontextmanager
async def _opened(state: State) -> AsyncIterator[AbstractChannel]:
    """A channel with confirms; closing it gives back what wasn't acknowledged."""
    try:
        connection = await aio_pika.connect(rabbitmq.url(state), timeout=WAIT_S)
    except (OSError, AMQPError, TimeoutError):
        raise Trouble("RabbitMQ doesn't answer", "start it with `./unsaid up`") from None
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def _read(channel: AbstractChannel, service: QueueService) -> list[Letter]:
    """All letters of a service, oldest first, each once."""
    queue = await channel.get_queue(dead_queue(service), ensure=False)
    found: dict[str, Letter] = {}
    while (message := await queue.get(fail=False, timeout=WAIT_S)) is not None:
        letter = Letter(service, message)
        if letter.id in found:
            await message.ack()  # a copy, from a renewal that was interrupted
        else:
            found[letter.id] = letter
    letters = list(found.values())
    if any(int(str(each.message.headers.get("x-delivery-count", 0))) >= RENEW_AT for each in letters):
        for letter in letters:
            await _publish(channel, "", dead_queue(service), letter.message.body, _kept_headers(letter))
        for letter in letters:
            await letter.message.ack()
    return letters


def _kept_headers(letter: Letter) -> HeadersType:
    return {"reason": letter.reason, "at": letter.at}


async def _publish(channel: AbstractChannel, exchange: str, key: str, body: bytes, headers: HeadersType) -> None:
    """Returns once the broker has it on disk."""
    message = aio_pika.Message(
        body, content_type=MEDIA_TYPE, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, headers=headers
    )
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    try:
        await target.publish(message, key, mandatory=True, timeout=WAIT_S)
    except (AMQPError, TimeoutError):
        raise Trouble(f"{key} doesn't take it; the letter stays", "run `./unsaid up`, then this again") from None


async def read(state: State) -> list[Letter]:
    """Every service's letters. They stay where they are."""
    letters: list[Letter] = []
    for service in QUEUE_SERVICES:
        async with _opened(state) as channel:
            try:
                letters += await _read(channel, service)
            except ChannelNotFoundEntity:
                continue  # that service has never started
    return letters


@asynccontextmanager
async def _one(state: State, wanted: str) -> AsyncIterator[tuple[AbstractChannel, Letter]]:
    """The letter, still unacknowledged. Raises `Trouble`: there is none."""
    services = [letter.service for letter in await read(state) if letter.id == wanted]
    if not services:
        raise Trouble(f"there is no dead letter {wanted}", "see `./unsaid deadletters list`")
    async with _opened(state) as channel:
        letter = next((each for each in await _read(channel, services[0]) if each.id == wanted), None)
        if letter is None:
            raise Trouble(f"the dead letter {wanted} is gone", "see `./unsaid deadletters list`")
        yield channel, letter


async def show(state: State, wanted: str) -> Letter:
    async with _one(state, wanted) as (_, letter):
        return letter


async def replay(state: State, wanted: str) -> int:
    """Put a letter's commands back on their queues; how many. Raises `Trouble`: it can't or mustn't be."""
    async with _one(state, wanted) as (channel, letter):
        commands = letter.commands()
        for command in commands:
            queue = command_queue(letter.service, state.queues.of(letter.service), command.conversation)
            body = b"[" + command.model_dump_json().encode() + b"]"
            await _publish(channel, commands_exchange(queue), queue, body, {})
        await letter.message.ack()
        return len(commands)


async def drop(state: State, wanted: str) -> None:
    async with _one(state, wanted) as (_, letter):
        await letter.message.ack()
