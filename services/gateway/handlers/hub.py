"""What this gateway holds: its rooms and connections, and the lines to the services that keep them true.

A room is attached to the session service and to the consent service through the conversation's own queues. After the
broker's connection was lost, the gateway's queue is a new one, and everything held is attached anew.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import structlog

from services.gateway import metrics
from services.gateway.config import Settings
from services.gateway.domain.tokens import Tokens
from services.gateway.egress.peers import Peers
from services.gateway.egress.reads import Reads
from services.gateway.egress.requests import Requests
from services.gateway.feeds import Feeds
from services.gateway.handlers import live, uses
from services.gateway.handlers.audit import Audit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.keeping import Keeping
from services.gateway.handlers.room import Room
from services.gateway.handlers.switches import Switches
from services.gateway.handlers.tenants import Tenants
from shared.contracts.commands import Attach, Detach, ReadFacts
from shared.contracts.consent_commands import AttachConsents, DetachConsents
from shared.contracts.consent_events import ConsentsAttached
from shared.contracts.errors import Close, Code, KeyGone, Refused
from shared.contracts.events import Attached, Done, FactsRead
from shared.contracts.frames import server
from shared.contracts.ids import new_id
from shared.contracts.keys import KeyName, people_key
from shared.runtime.broker.topology import command_queue
from shared.runtime.keys.ring import Keyring
from shared.runtime.sealing import Sealer
from shared.safety.library import Library

log = structlog.get_logger()
T = TypeVar("T")

GRACE_S = 5.0
LINGER_S = 30.0
LEASE_S = 5.0


_Page = tuple[str, int | None, int | None, int]
"""Conversation, position by n or by seq, and the last n of a page of facts."""


class Hub:
    """Rooms by conversation, connections by id."""

    def __init__(
        self,
        settings: Settings,
        requests: Requests,
        reads: Reads,
        peers: Peers,
        sealer: Sealer,
        keys: Keyring,
        tokens: Tokens,
        tenants: Tenants,
        switches: Switches,
        audit: Audit,
        safety: Library,
        feeds: Feeds,
    ) -> None:
        self.settings = settings
        self.requests = requests
        self.reads = reads
        self.peers = peers
        self.sealer = sealer
        self.keys = keys
        self.tokens = tokens
        self.address = ""
        self.rooms: dict[str, Room] = {}
        self.connections: dict[str, Connection] = {}
        self.tenants = tenants
        self.switches = switches
        self.audit = audit
        self.safety = safety
        self.raising = 0
        """Raises that aren't known to be recorded yet."""
        self.feeds = feeds
        self.reading: dict[str, Connection] = {}
        """Commands that mark as read, and the connection that needn't be told of its own mark."""
        self.leases: dict[str, float] = {}
        """Consent queues, and until when (monotonic) a withdrawal would have been heard through them."""
        self.generations: dict[str, int] = {}
        """Consent queues, and the generation last heard of through them."""
        self._devices: dict[tuple[str, str], Connection] = {}
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._reading: dict[_Page, asyncio.Task[FactsRead]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.keeping = Keeping(self)
        self.draining = False

    def spawn(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Run something in the background; it ends with the hub, and its failure is logged, unless it is a refusal."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or isinstance(error := task.exception(), Refused):
            return
        if error is not None:
            log.error("background_failed", exc_info=error)

    async def close(self) -> None:
        for task in [*self._tasks, *self._opening.values(), *self._reading.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._opening.values(), *self._reading.values(), return_exceptions=True)

    # --- queues ----------------------------------------------------------------------------------------------------

    def session_queue(self, key: str) -> str:
        return command_queue("session", self.settings.session_queues, key)

    def consent_queue(self, conversation: str) -> str:
        return command_queue("consent", self.settings.consent_queues, conversation)

    def notes_queue(self, conversation: str) -> str:
        return command_queue("notes", self.settings.notes_queues, conversation)

    # --- rooms -----------------------------------------------------------------------------------------------------

    async def hold(self, conversation: str, tenant: str) -> Room:
        """The room of a conversation, attached. Raises `Refused` (``not_found``, ``erased``), `Unavailable`."""
        room, opening = self.rooms.get(conversation), self._opening.get(conversation)
        if room is None and opening is None:
            opening = self._opening[conversation] = asyncio.create_task(self._open(conversation, tenant))
            opening.add_done_callback(lambda _: self._opening.pop(conversation, None))
        if opening is not None:  # a room that is being opened doesn't know its people and consents yet
            try:
                room = await asyncio.shield(opening)
            except Refused as refused:
                self.audit.note(refused, tenant, conversation, None, "hold")
                raise
        assert room is not None
        if room.tenant != tenant:
            raise Refused(Code.NOT_FOUND)
        return room

    async def _open(self, conversation: str, tenant: str) -> Room:
        room = Room(conversation, tenant, self.consent_queue(conversation), self.keys, self.peers)
        self.rooms[conversation] = room
        try:
            await self.keys.load([room.key_name, people_key(tenant)])
            with suppress(KeyGone):  # what was said can't be read again, but people can meet
                room.key()
            await self.attach(room)
            room.require_names()
        except BaseException:
            self.rooms.pop(conversation, None)
            raise
        metrics.ROOMS.set(len(self.rooms))
        asyncio.get_running_loop().call_later(LINGER_S, self._let_go, room)
        return room

    def held_keys(self) -> set[KeyName]:
        """The keys that are wanted at any moment."""
        rooms = self.rooms.values()
        return {room.key_name for room in rooms} | {people_key(room.tenant) for room in rooms}

    def erase(self, room: Room) -> None:
        """The conversation is no more: nobody is in it here, and its keys are forgotten."""
        self.keys.drop(room.tenant, room.id)
        self.keeping.drop_room(room)
        if self.rooms.pop(room.id, None) is room:
            metrics.ROOMS.set(len(self.rooms))
            room.close()
            self.peers.release(room)

    async def attach(self, room: Room) -> None:
        """Attach to both services. Their answers are applied in the queue's order, before anything that follows."""
        asked = time.monotonic()

        def attached(reply: Attached) -> None:
            room.apply_attached(reply)
            self.peers.hold(room)

        def consents(reply: ConsentsAttached) -> None:
            self.renew_lease(room.consent_queue, asked)
            live.learn_all(self, room, room.apply_consents(reply))

        await asyncio.gather(
            self.requests.ask(
                self.session_queue(room.id),
                Attach(tenant=room.tenant, conversation=room.id, replyto=self.address),
                Attached,
                attached,
            ),
            self.requests.ask(
                room.consent_queue,
                AttachConsents(tenant=room.tenant, conversation=room.id, replyto=self.address),
                ConsentsAttached,
                consents,
            ),
        )
        if room.facts.hole:
            self.fill(room)

    def _let_go(self, room: Room) -> None:
        """Detach from a conversation that nobody here is in any more."""
        if room.connections or any(room.online.values()) or self.rooms.get(room.id) is not room:
            return
        del self.rooms[room.id]
        metrics.ROOMS.set(len(self.rooms))
        room.close()
        self.peers.release(room)
        uses.send(self, room)
        self.spawn(self._detach(room))

    async def _detach(self, room: Room) -> None:
        try:
            await self.requests.ask(
                self.session_queue(room.id),
                Detach(tenant=room.tenant, conversation=room.id, replyto=self.address),
                Done,
            )
            await self.requests.ask(
                room.consent_queue, DetachConsents(tenant=room.tenant, conversation=room.id, replyto=self.address), Done
            )
        except Refused as refused:
            log.info("detach_failed", code=refused.code)  # the lease ends by itself

    # --- holes -----------------------------------------------------------------------------------------------------

    def fill(self, room: Room) -> None:
        if not room.filling:
            room.filling = True
            self.spawn(self._fill(room))

    async def _fill(self, room: Room) -> None:
        """Read what is missing, until the room is level with the highest fact it has heard of."""
        try:
            while room.facts.hole and self.rooms.get(room.id) is room:
                try:
                    await self.keys.load([room.key_name])
                    page = await self.read_facts(room, after_n=room.facts.last_n, after_seq=None)
                    for fact in page.facts:
                        room.facts.deliver(fact)
                except Refused as refused:
                    room.facts.fail_askers(refused)
                    await asyncio.sleep(0.5)
                    continue
                if not page.known or (not page.facts and room.facts.hole):
                    self._reset(room, page)
        finally:
            room.filling = False

    def _reset(self, room: Room, page: FactsRead) -> None:
        """What was missed can't be told: everybody reloads."""
        room.facts.jump(page.last_seq, page.last_n)
        room.to_all(server.ResumeReset(conversation=room.id, last_seq=page.last_seq, last_n=page.last_n))

    async def read_facts(
        self, room: Room, after_n: int | None, after_seq: int | None, up_to_n: int | None = None
    ) -> FactsRead:
        """What follows a position, up to the head that is known here or up to an earlier one.

        Who asks while the same is being read gets the same answer: after an outage thousands ask for the same page.
        """
        command = ReadFacts(
            tenant=room.tenant,
            conversation=room.id,
            replyto=self.address,
            after_n=after_n,
            after_seq=after_seq,
            up_to_n=max(room.facts.highest_n, room.facts.last_n) if up_to_n is None else up_to_n,
        )
        key = (room.id, after_n, after_seq, command.up_to_n)
        reading = self._reading.get(key)
        if reading is None:
            asking = self.reads.ask(self.session_queue(room.id), command, FactsRead)
            reading = self._reading[key] = asyncio.create_task(asking)
            reading.add_done_callback(partial(self._read, key))
        return await asyncio.shield(reading)

    def _read(self, key: _Page, reading: "asyncio.Task[FactsRead]") -> None:
        del self._reading[key]
        if not reading.cancelled():
            reading.exception()  # who asked may have gone

    # --- leases ----------------------------------------------------------------------------------------------------

    def renew_lease(self, queue: str, asked: float) -> None:
        self.leases[queue] = max(self.leases.get(queue, 0.0), asked + LEASE_S)

    def lease_holds(self, room: Room, now: float | None = None) -> bool:
        """Whether a withdrawal would have been heard of; ``now`` of the monotonic clock, if it was just read."""
        return (time.monotonic() if now is None else now) < self.leases.get(room.consent_queue, 0.0)

    # --- connections -----------------------------------------------------------------------------------------------

    def admit(self, connection: Connection) -> None:
        """A connection is known from here on; an older one of the same device is replaced."""
        key = (connection.participant, connection.device)
        older = self._devices.get(key)
        self._devices[key] = connection
        self.connections[connection.id] = connection
        if older is not None:
            older.close(Close.REPLACED)
            self.dismiss(older)
        metrics.CONNECTIONS.set(len(self.connections))

    def dismiss(self, connection: Connection) -> None:
        """A connection has ended: its live text at once, its presence after a grace."""
        if self.connections.pop(connection.id, None) is None:
            return
        key = (connection.participant, connection.device)
        if self._devices.get(key) is connection:
            del self._devices[key]
        metrics.CONNECTIONS.set(len(self.connections))
        loop = asyncio.get_running_loop()
        for conversation in connection.conversations:
            room = self.rooms.get(conversation)
            if room is None:
                continue
            room.leave(connection)
            live.switch(self, room, connection, None)
            if not room.is_here(connection.participant):
                room.stop_typing(connection.participant)
            loop.call_later(GRACE_S, self._vanished, room, connection)

    def _vanished(self, room: Room, connection: Connection) -> None:
        room.vanish(connection.participant, connection.id)
        self.peers.tell_state(room)
        self._let_go_later(room)

    def _let_go_later(self, room: Room) -> None:
        if not room.connections:
            asyncio.get_running_loop().call_later(LINGER_S, self._let_go, room)

    def new_address(self) -> str:
        """The name of the gateway's queue, new for each connection to the broker."""
        self.address = self.peers.address = f"gateway.{self.settings.instance}.{new_id()[:8]}"
        return self.address
