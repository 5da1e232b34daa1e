"""The gateway's own queues: replies, facts and events of the services, and what other gateways show.

One queue, one order. It lives as long as the connection to the broker; a new one has a new name, and everything that
the gateway holds is attached anew.
"""

import asyncio
import time
from typing import assert_never

import structlog
from pydantic import TypeAdapter, ValidationError
from tenacity import retry, retry_if_exception_type, wait_random_exponential

from services.gateway import metrics
from services.gateway.egress.outgoing import cork
from services.gateway.handlers import arrivals, compositions, consents, features, live
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.neighbours import Neighbours
from services.gateway.handlers.room import Room
from services.gateway.ingress.senders import may_tell
from shared.contracts import events as e
from shared.contracts.commands import RenewAttachments
from shared.contracts.consent_commands import Probe
from shared.contracts.consent_events import ConsentChanged, Probed
from shared.contracts.envelope import Reply
from shared.contracts.errors import Erased, Refused, Unavailable
from shared.contracts.frames import server
from shared.contracts.frames.values import ConsentValue
from shared.contracts.records import Notice
from shared.runtime.broker.consumer import Delivery, Inbox, Source
from shared.runtime.broker.link import AWAY, Link
from shared.runtime.broker.topology import declare_gateway_queues, live_address
from shared.runtime.health import Health
from shared.runtime.runs import split_body
from shared.runtime.stray import lasting

log = structlog.get_logger()

PROBE_S = 1.5
RENEW_S = 15.0
TAKE_BYTES = 256 * 1024
NO_TENANT = "00000000-0000-0000-0000-000000000000"

_batches: TypeAdapter[list[e.AnyGatewayMessage]] = TypeAdapter(list[e.GatewayMessage])


def _parse_one(raw: bytes) -> list[e.AnyGatewayMessage]:
    try:
        return _batches.validate_json(b"[" + raw + b"]")
    except ValidationError as error:
        log.error("message_malformed", errors=[x["type"] for x in error.errors(include_input=False)][:3])
        return []


class Listener:
    """Reads the gateway's queues and keeps its attachments and leases."""

    def __init__(self, hub: Hub, link: Link, health: Health, tenant: str = NO_TENANT) -> None:
        self._hub = hub
        self._link = link
        self._health = health
        self._tenant = tenant
        self._inbox = Inbox()
        self._neighbours = Neighbours(hub)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self._listen(), self._probe(), self._renew(), self._guard(), self._neighbours.keep()):
                group.create_task(lasting(work))

    # --- listening -------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            sources = await self._open()
            self._health.set("listening", None)
            await self._consume(sources)
            self._health.set("listening", "reconnecting")
            self._hub.requests.fail_all()
            for source in sources:
                await self._quietly_close(source)

    @retry(retry=retry_if_exception_type((*AWAY, Unavailable)), wait=wait_random_exponential(0.1, 2))
    async def _open(self) -> list[Source]:
        """Declare queues under a new name and consume them; then attach everything held, in the background."""
        address = self._hub.new_address()
        declaring = await self._link.channel()
        await declare_gateway_queues(declaring, address)
        sources = [Source(address, self._inbox), Source(live_address(address), self._inbox)]
        for source in sources:
            await source.start(self._link, exclusive=True)
        for room in list(self._hub.rooms.values()):
            if room.attached:
                self._hub.spawn(self._attach_again(room))
        return sources

    async def _attach_again(self, room: Room) -> None:
        address = self._hub.address
        while self._hub.address == address and self._hub.rooms.get(room.id) is room:
            try:
                await self._hub.attach(room)
                return
            except Erased as erased:  # while nobody could tell us
                arrivals.erased(self._hub, room, str(erased.details.get("begun_at", "")))
            except Refused as refused:
                log.info("attach_again", code=refused.code)
                await asyncio.sleep(0.5)

    @staticmethod
    async def _quietly_close(source: Source) -> None:
        try:
            await source.close()
        except AWAY:
            log.info("channel_lost")

    async def _consume(self, sources: list[Source]) -> None:
        """Handle what comes until one of the queues' channels is gone."""
        while all(source.open for source in sources):
            try:
                async with asyncio.timeout(1):
                    await self._inbox.wait()
            except TimeoutError:
                continue
            deliveries = self._inbox.take(TAKE_BYTES)
            with cork:
                for delivery in deliveries:
                    self._handle(delivery)
            try:
                for delivery in {d.source.queue: d for d in deliveries}.values():
                    await delivery.source.ack(delivery)
            except AWAY:
                return
            await asyncio.sleep(0)  # let the sockets have their turn

    def _handle(self, delivery: Delivery) -> None:
        try:
            messages = _batches.validate_json(delivery.body)
        except ValidationError:  # something of a newer version, perhaps; the others of its batch go on
            messages = [message for raw in split_body(delivery.body) for message in _parse_one(raw)]
        for message in messages:
            if not may_tell(delivery.exchange, message):
                log.error("message_not_its_to_tell", type=message.type, exchange=delivery.exchange)
                continue
            try:
                self._dispatch(message)
            except Exception as error:  # one message must not take the others along
                log.error("message_failed", type=message.type, exc_info=error)

    def _dispatch(self, message: e.AnyGatewayMessage) -> None:  # noqa: C901
        hub = self._hub
        if isinstance(message, Reply):
            hub.requests.resolve(message)
            return
        if isinstance(message, e.ConversationCreated):
            hub.spawn(
                arrivals.added(hub, message.conversation, message.tenant, {member.id for member in message.members})
            )
            return
        if isinstance(message, e.PeerAlive):
            self._neighbours.heard(message.gateway)
            return
        if isinstance(message, e.PeerDrafts):
            live.peer_drafts(hub, message)
            return
        room = hub.rooms.get(message.conversation)
        if room is None:
            return
        if isinstance(message, Notice):
            features.noticed(room, message)
            return
        match message:
            case e.Recorded():
                asker = None if message.causationid is None else hub.requests.take(message.causationid)
                if not room.facts.recorded(message, asker):
                    hub.fill(room)
            case e.ReadMarked():
                self._read_marked(room, message)
            case e.ConversationErased():
                arrivals.erased(hub, room, message.at)
            case e.CompositionChanged():
                compositions.changed(hub, room, message)
            case e.HoldersChanged():
                live.holders(hub, room, message.holders)
            case ConsentChanged():
                value = ConsentValue(state=message.state, epoch=message.epoch)
                if room.learn(message.participant, message.purpose, value):
                    live.learn_all(hub, room, [(message.participant, message.purpose, value)])
            case e.PeerState():
                live.peer_state(hub, room, message)
            case e.PeerTyping():
                room.typing(message.participant, on=message.on)
            case e.PeerResync():
                live.peer_resync(hub, room, message)
            case e.PeerWithdrawn():
                room.withdrawn.add(message.participant)
                live.silence(hub, room, message.participant)
            case _:
                assert_never(message)

    def _read_marked(self, room: Room, message: e.ReadMarked) -> None:
        if message.seq <= room.reads.get(message.participant, 0):
            return
        room.reads[message.participant] = message.seq
        marker = self._hub.reading.get(message.causationid or "")
        frame = server.MessageRead(conversation=room.id, seq=message.seq, sender=message.participant)
        room.to_all(frame, but=marker)

    # --- leases and attachments ------------------------------------------------------------------------------------

    async def _probe(self) -> None:
        """Ask each consent queue whose conversations are held; its answer comes behind every event it caused."""
        while True:
            queues = {room.consent_queue for room in self._hub.rooms.values()}
            for queue in queues:
                self._hub.spawn(self._probe_one(queue, []))
            await asyncio.sleep(PROBE_S)

    async def _probe_one(self, queue: str, holding: list[str]) -> None:
        asked = time.monotonic()
        probe = Probe(tenant=self._tenant, replyto=self._hub.address, holding=holding)

        def probed(reply: Probed) -> None:
            for room in consents.restored(self._hub, queue, reply.generation):
                self._attach_ended(room.id)
            self._hub.renew_lease(queue, asked)

        try:
            reply = await self._hub.requests.ask(queue, probe, Probed, probed)
        except Refused:
            return  # the lease runs out by itself
        for conversation in reply.ended:
            self._attach_ended(conversation)

    def _attach_ended(self, conversation: str) -> None:
        room = self._hub.rooms.get(conversation)
        if room is not None and room.attached:
            self._hub.spawn(self._attach_again(room))

    async def _guard(self) -> None:
        """Suspend live text where the lease has ended, and let it go on where it is back."""
        while True:
            suspended = 0
            for room in list(self._hub.rooms.values()):
                holds = self._hub.lease_holds(room)
                suspended += not holds
                if room.live.suspended == holds and (holds or room.live.anybody_on):
                    live.suspend(self._hub, room, suspended=not holds)
            metrics.SUSPENDED.set(bool(suspended))
            await asyncio.sleep(0.25)

    async def _renew(self) -> None:
        """Keep the attachments, and compare heads: a lost last event shows too."""
        while True:
            await asyncio.sleep(RENEW_S)
            by_session: dict[str, list[str]] = {}
            by_consent: dict[str, list[str]] = {}
            for room in self._hub.rooms.values():
                by_session.setdefault(self._hub.session_queue(room.id), []).append(room.id)
                by_consent.setdefault(room.consent_queue, []).append(room.id)
            for participant in {c.participant for c in self._hub.connections.values() if c.claims.conversation is None}:
                by_session.setdefault(self._hub.session_queue(participant), []).append(participant)
            for queue, holding in by_session.items():
                self._hub.spawn(self._renew_one(queue, holding))
            for queue, holding in by_consent.items():
                self._hub.spawn(self._probe_one(queue, holding))

    async def _renew_one(self, queue: str, holding: list[str]) -> None:
        command = RenewAttachments(tenant=self._tenant, replyto=self._hub.address, holding=holding)

        def renewed(reply: e.Renewed) -> None:
            for conversation, head in reply.heads.items():
                room = self._hub.rooms.get(conversation)
                if room is not None and head > room.facts.last_n:
                    room.facts.highest_n = max(room.facts.highest_n, head)
                    self._hub.fill(room)

        try:
            reply = await self._hub.requests.ask(queue, command, e.Renewed, renewed)
        except Refused:
            return  # tried again at the next round; the lease is four rounds long
        for conversation in set(holding) - set(reply.kept):
            self._attach_ended(conversation)
