"""What a connection's frames do. Quick ones at once; those that ask a service in a task, so that reading goes on."""

import asyncio
import time
from collections.abc import Callable

import structlog

from services.gateway import metrics
from services.gateway.domain.rates import Bucket
from services.gateway.errors import to_frame
from services.gateway.handlers import (
    arrivals,
    compositions,
    consents,
    features,
    live,
    messages,
    notes,
    records,
    sessions,
)
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts import features as contracts
from shared.contracts.errors import Code, Erased, Refused, Unavailable
from shared.contracts.frames import client, server
from shared.contracts.frames.base import Answer
from shared.runtime.sealing import SealBroken

log = structlog.get_logger()

Asking = (
    client.ConversationList | client.History | client.RecordList | client.MessageRead | client.ConsentForms
    | client.ConsentGrant
    | client.ConsentWithdraw | client.ConsentHistory | client.ConsentReceipt | client.SessionStart | client.SessionEnd
    | client.NoteSave | client.NoteList | compositions.Frame | contracts.ClientFrame
)  # fmt: skip

ASKING_MOST = 100


class Frames:
    """The frames of one connection, in order."""

    def __init__(self, hub: Hub, connection: Connection, has_room: Callable[[], None]) -> None:
        self._hub = hub
        self._connection = connection
        self._has_room = has_room
        self._asking: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in self._asking:
            task.cancel()

    @property
    def full(self) -> bool:
        """Whether so many of this connection's questions are open that the next frame has to wait."""
        return len(self._asking) >= ASKING_MOST

    def _asked(self, task: "asyncio.Task[None]") -> None:
        was_full = self.full
        self._asking.discard(task)
        if was_full and not task.cancelled():
            self._has_room()

    def take(self, frame: client.AnyFrame) -> None:
        """Do what a frame asks, or answer why not. Raises `Closing`."""
        conversation = getattr(frame, "conversation", None)
        kind = frame.type
        metrics.FRAMES_IN.by[kind] += 1
        try:
            self._take(frame)
        except Refused as refused:
            self._refuse(refused, frame.ref, kind, conversation)

    def _refuse(self, refused: Refused, ref: str | None, kind: str, conversation: str | None) -> None:
        metrics.REFUSED.labels(refused.code).inc()
        claims = self._connection.claims
        self._hub.audit.note(refused, claims.tenant, conversation, claims.sub, kind)
        self._connection.send(to_frame(refused, ref, kind, conversation))

    def _ok(self, ref: str | None) -> None:
        if ref is not None:
            self._connection.send(server.Ok(ref=ref))

    def _room(self, conversation: str) -> Room:
        room = self._hub.rooms.get(conversation)
        if room is None or self._connection.id not in room.connections:
            if conversation in self._connection.erased:
                raise Erased
            raise Refused(Code.NOT_FOUND)
        return room

    def _take(self, frame: client.AnyFrame) -> None:  # noqa: C901
        connection = self._connection
        match frame:
            case client.LiveEdit() | client.LiveReset() | client.LiveClear():
                room = self._room(frame.conversation)
                if not isinstance(frame, client.LiveClear):
                    room.require_not_left()
                live.write(self._hub, room, connection, frame)
                self._ok(frame.ref)
            case client.LiveToggle():
                room = self._room(frame.conversation)
                if frame.on:
                    room.require_not_left()
                live.toggle(self._hub, room, connection, frame)
                self._ok(frame.ref)
            case client.LiveResync():
                live.resync(self._room(frame.conversation), connection, frame)
                self._ok(frame.ref)
            case client.MessageSend():
                room = self._room(frame.conversation)
                self._charge(connection.messages)
                messages.send(self._hub, room, connection, frame)
            case client.Typing():
                room = self._room(frame.conversation)
                room.require_not_left()
                self._charge(connection.others)
                room.typing(connection.participant, on=frame.on)
                self._hub.peers.typing(room, connection.participant, on=frame.on)
                self._ok(frame.ref)
            case client.TokenRefresh():
                self._charge(connection.others)
                claims = self._hub.tokens.read_connect(frame.token, time.time())
                expires = arrivals.refresh(connection, claims)
                if frame.ref is not None:
                    connection.send(server.Ok(ref=frame.ref, expires_at=expires))
            case client.LivePad():
                self._charge(connection.live)
                self._ok(frame.ref)
            case client.Hello():
                raise Refused(Code.BAD_FRAME, {"field": "type"})
            case _:
                self._prepare(frame)
                task = asyncio.create_task(self._ask(frame))
                self._asking.add(task)
                task.add_done_callback(self._asked)

    def _charge(self, bucket: Bucket) -> None:
        self._connection.charge(bucket, time.monotonic())

    def _prepare(self, frame: Asking) -> None:
        """The checks that need no service, in the protocol's order. Raises `Refused`."""
        room = None if isinstance(frame, client.ConversationList) else self._room(frame.conversation)
        if isinstance(frame, client.SessionStart | client.NoteSave | client.NoteList | client.CompositionMark):
            sessions.require_therapist(self._connection)
        if isinstance(frame, contracts.ClientFrame):
            features.require_role(self._connection, frame)
        if isinstance(frame, client.ConsentGrant | client.ConsentWithdraw):
            consents.require_own(self._connection, frame)
        if isinstance(frame, client.ConsentWithdraw):
            assert room is not None
            consents.stop(self._hub, room, self._connection.participant, frame.purpose)
        elif type(frame) not in features.UNLIMITED:
            self._charge(self._connection.others)

    async def _ask(self, frame: Asking) -> None:
        ref = frame.ref
        try:
            ok = await self._answer(frame, ref or "-")
        except Refused as refused:
            self._refuse(refused, ref, frame.type, getattr(frame, "conversation", None))
            return
        except SealBroken as error:
            log.error("seal_broken", type=frame.type, exc_info=error)
            self._refuse(Unavailable("seal"), ref, frame.type, getattr(frame, "conversation", None))
            return
        if ref is not None:
            self._connection.send(ok)

    async def _answer(self, frame: Asking, ref: str) -> Answer:  # noqa: C901, PLR0911
        hub, connection = self._hub, self._connection
        if isinstance(frame, client.ConversationList):
            return await arrivals.listed(hub, connection, frame, ref)
        room = self._room(frame.conversation)
        if isinstance(frame, contracts.ClientFrame):
            return await features.answer(hub, room, connection, frame, ref)
        match frame:
            case client.History():
                return await messages.history(hub, room, connection, frame, ref)
            case client.RecordList():
                return await records.listed(hub, room, frame, ref)
            case client.MessageRead():
                await messages.read(hub, room, connection, frame)
                return server.Ok(ref=ref)
            case client.ConsentForms():
                return await consents.forms(hub, room, connection, ref)
            case client.ConsentGrant():
                granted = await consents.grant(hub, room, connection, frame)
                return server.Ok(ref=ref, decision=granted.id, epoch=granted.epoch)
            case client.ConsentWithdraw():
                withdrawn = await consents.withdraw(hub, room, connection, frame)
                return server.Ok(ref=ref, decision=withdrawn.id, epoch=withdrawn.epoch)
            case client.ConsentHistory():
                return await consents.history(hub, room, connection, frame, ref)
            case client.ConsentReceipt():
                return await consents.receipted(hub, room, connection, frame, ref)
            case client.SessionStart():
                started = await sessions.start(hub, room, connection, frame)
                return server.Ok(ref=ref, session=started.session, at=started.at, n=started.n)
            case client.SessionEnd():
                ended = await sessions.end(hub, room, connection)
                return server.Ok(ref=ref, session=ended.session, at=ended.at, n=ended.n)
            case client.NoteSave():
                return server.Ok(ref=ref, version=await notes.save(hub, room, connection, frame))
            case client.NoteList():
                return await notes.listed(hub, room, connection, ref)
            case _:
                return await compositions.answer(hub, room, connection, frame, ref)
