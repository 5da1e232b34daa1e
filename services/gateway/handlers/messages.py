"""Messages: sealed at the door, sent to the session service, answered once they are committed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic

from services.gateway import metrics
from services.gateway.domain import words
from services.gateway.egress.fitting import fit
from services.gateway.egress.requests import ANSWER_S, Answer
from services.gateway.errors import to_frame
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.facts import open_message
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from services.gateway.handlers.symbols import uses
from shared.contracts.commands import MarkRead, ReadHistory, SendMessage
from shared.contracts.contents import MessageContent
from shared.contracts.errors import Code, Refused
from shared.contracts.events import Done, HistoryRead, MessageFact
from shared.contracts.features.later import Planned
from shared.contracts.frames import client, server
from shared.contracts.ids import Tag
from shared.contracts.keys import message as record
from shared.contracts.text import TEXT_MAX, fault
from shared.contracts.tones import is_tone
from shared.runtime.sealing import DataKey

PAGE = 50


class SendWaiter:
    """Answers a ``message.send``: with ``ok`` where it has a ref, and always on error."""

    def __init__(self, hub: Hub, connection: Connection, frame: client.MessageSend) -> None:
        self._hub = hub
        self._connection = connection
        self._ref = frame.ref
        self._conversation = frame.conversation
        self._since = monotonic()

    @property
    def answered_connection(self) -> Connection | None:
        """Who is told by the ``ok`` instead of by ``message.posted``."""
        return None if self._ref is None else self._connection

    def answered(self, reply: Answer) -> None:
        metrics.SEND_SECONDS.observe(monotonic() - self._since)
        if self._ref is None:
            return
        if isinstance(reply, MessageFact):
            self._connection.send(server.Ok(ref=self._ref, seq=reply.seq, n=reply.n, at=reply.at))

    def failed(self, refused: Refused) -> None:
        metrics.REFUSED.labels(refused.code).inc()
        claims = self._connection.claims
        self._hub.audit.note(refused, claims.tenant, self._conversation, claims.sub, "message.send")
        self._connection.send(to_frame(refused, self._ref, "message.send", self._conversation))


def check_text(text: str, longest: int, field: str = "text") -> None:
    """Raises `Refused` (``bad_text``, with the reason)."""
    why = fault(text, longest)
    if why is not None:
        raise Refused(Code.BAD_TEXT, {"field": field, "reason": why})


Said = client.MessageSend | Planned
"""A frame that says what is to be a message."""


def check_message(room: Room, connection: Connection, frame: Said) -> None:
    """Raises `Refused`: ``bad_text``, ``bad_tone``, ``conflict`` (the id is somebody else's open draft)."""
    check_text(frame.text, TEXT_MAX)
    if frame.tone is not None and not is_tone(frame.tone):
        raise Refused(Code.BAD_TONE, {"field": "tone"})
    if room.live.is_somebody_elses(frame.message, connection.participant):
        raise Refused(Code.CONFLICT)


def content_of(frame: Said) -> bytes:
    return MessageContent(text=frame.text, tone=frame.tone, composed_s=frame.composed_s).model_dump_json().encode()


def fingerprint_of(key: DataKey, author: str, frame: Said) -> str:
    """Of all that it says; as before where nothing is said of the time that it took."""
    took = () if frame.composed_s is None else (str(frame.composed_s),)
    return key.fingerprint(author, frame.message, frame.text, frame.in_reply_to, frame.tone, *took)


def uses_and_words(hub: Hub, key: DataKey, frame: Said) -> tuple[tuple[Tag, ...], int | None]:
    """The emoji in it, and how many words it has."""
    if hub.settings.plain:
        return (), None
    return uses(key, frame.text, frame.tone), words.count(frame.text)


def send(hub: Hub, room: Room, connection: Connection, frame: client.MessageSend) -> None:
    """Hand a message to the session service; what one connection sends keeps its order.

    Raises:
        Refused: ``bad_text``, ``bad_tone``, ``conflict`` (the id is somebody else's open draft); as `Room.key` does.
    """
    check_message(room, connection, frame)
    key = room.key()
    hub.keeping.flush_draft(room, frame.message)
    emoji, count = uses_and_words(hub, key, frame)
    command = SendMessage(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        sender=connection.participant,
        message=frame.message,
        in_reply_to=frame.in_reply_to,
        fingerprint=fingerprint_of(key, connection.participant, frame),
        uses=emoji,
        content=key.seal(record(frame.message), content_of(frame)),
        words=count,
    )
    submit = partial(hub.requests.submit, hub.session_queue(room.id), command, SendWaiter(hub, connection, frame))
    _after_typing(connection, hub.peers.hurry(room, frame.message), submit)


def _after_typing(connection: Connection, typed: "asyncio.Future[object] | None", submit: Callable[[], None]) -> None:
    """Submit when what was typed last is at the other gateways, and behind what the connection sent before."""
    typed = typed or connection.typed
    if typed is None or (typed.done() and not connection.held):
        submit()
        return
    connection.typed = typed
    connection.held += 1

    def go(_: object) -> None:
        connection.held -= 1
        submit()

    typed.add_done_callback(go)


async def history(hub: Hub, room: Room, connection: Connection, frame: client.History, ref: str) -> server.Ok:
    """A page of messages, cut to fit a frame; ``more`` says whether there are others in the direction asked for.

    It may hold newer ones than the connection is still being told, so it comes behind those, if they can be read in
    the time that an answer may take.
    """
    until = asyncio.get_running_loop().time() + ANSWER_S
    command = ReadHistory(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        after=frame.after,
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.reads.ask(hub.session_queue(room.id), command, HistoryRead)
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await room.facts.level(connection)
    key = await hub.keys.of(room.key_name)
    opened = [open_message(key, fact) for fact in reply.messages]
    fitting = fit(reversed(opened))[::-1] if frame.after is None else fit(opened)
    return server.Ok(ref=ref, messages=fitting, more=reply.more or len(fitting) < len(opened))


async def read(hub: Hub, room: Room, connection: Connection, frame: client.MessageRead) -> None:
    """Raises `Refused` (``bad_frame``: above the head)."""
    command = MarkRead(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        seq=frame.seq,
    )
    hub.reading[command.id] = connection
    try:
        await hub.requests.ask(hub.session_queue(room.id), command, Done)
    finally:
        hub.reading.pop(command.id, None)
