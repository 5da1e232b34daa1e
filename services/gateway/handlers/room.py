"""A conversation that this gateway holds: its head, its people, its consents, and the connections in it.

Everything that changes a room happens synchronously, in the order of the gateway's queue; so whoever joins has seen
exactly what was before, and gets exactly what comes after.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from services.gateway.domain.drafts import Draft
from services.gateway.domain.live import Edit, LiveText, Shown
from services.gateway.egress.outgoing import Live
from services.gateway.egress.rendering import rendered
from services.gateway.errors import wrong_state
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.facts import Facts
from services.gateway.handlers.raises import Raises
from services.gateway.handlers.uses import Uses
from shared.contracts.consent_events import ConsentsAttached
from shared.contracts.contents import NamesContent
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.events import Attached, StoredAway
from shared.contracts.features.absence import AwayBeganFact, AwayContent, AwayEndedFact
from shared.contracts.features.leaving import ConversationLeftFact
from shared.contracts.frames import server
from shared.contracts.frames.values import (
    AwayValue,
    ConsentValue,
    ConversationValue,
    ParticipantValue,
    SessionValue,
    Value,
)
from shared.contracts.ids import REVOKED, Purpose, Role
from shared.contracts.keys import conversation_key, names, people_key, record
from shared.contracts.records import RecordFact
from shared.runtime.keys.ring import Keyring
from shared.runtime.sealing import DataKey, SealBroken

if TYPE_CHECKING:
    from services.gateway.egress.peers import Peers

TYPING_S = 10.0


class Room:
    """One conversation on this gateway. ``peers``: the other gateways, if there can be any."""

    def __init__(
        self,
        conversation: str,
        tenant: str,
        consent_queue: str,
        keys: Keyring,
        peers: "Peers | None" = None,
    ) -> None:
        self.id = conversation
        self.tenant = tenant
        self.consent_queue = consent_queue
        self.key_name = conversation_key(tenant, conversation)
        self._keys = keys
        self._peers = peers
        self.attached = False
        self.filling = False
        self.roles: dict[str, Role] = {}
        self._names: dict[str, str] = {}
        self._locales: dict[str, str | None] = {}
        self.created_at = ""
        self.reads: dict[str, int] = {}
        self.session: SessionValue | None = None
        self.left: str | None = None
        self.away: AwayValue | None = None
        self.consents: dict[str, dict[Purpose, ConsentValue]] = {}
        self.withdrawn: set[str] = set()
        """Authors who withdrew live text here, while it isn't on record yet."""
        self.unkept: set[str] = set()
        """Authors who withdrew the keeping of compositions here, while it isn't on record yet."""
        self.uses = Uses()
        self.raises = Raises()
        self.connections: dict[str, Connection] = {}
        self.live = LiveText(conversation)
        self.facts = Facts(self)
        self.holders: list[str] = []
        self.online: dict[str, set[str]] = {}
        """Participants and where they are connected: connection ids here, addresses of other gateways."""
        self._typing: dict[str, asyncio.TimerHandle] = {}

    def key(self) -> DataKey:
        """What seals and opens what is said here. Raises `Unavailable`, `Erased`, `KeyGone`."""
        return self._keys.cached(self.key_name)

    # --- what the services told ------------------------------------------------------------------------------------

    def apply_attached(self, reply: Attached) -> None:
        self.roles = {member.id: member.role for member in reply.members}
        self._learn_names(reply.content)
        self.created_at = reply.created_at
        self.reads = {**reply.reads}
        self.session = reply.session
        self.away = None if reply.away is None else self._opened(reply.away)
        self.holders = reply.holders
        self._stand(reply.left)
        self.raises.attached(reply.safety)
        self.facts.head(reply.last_seq, reply.last_n)
        self.attached = True

    def _learn_names(self, sealed: str) -> None:
        """Take the names; where their key is away just now, those that are known stay."""
        try:
            raw = self._keys.cached(people_key(self.tenant)).open(names(self.id), sealed)
        except Refused:
            return
        people = NamesContent.model_validate_json(raw).participants
        self._names = {participant: people[participant].display_name for participant in self.roles}
        self._locales = {participant: people[participant].locale for participant in self.roles}

    def locale(self, participant: str) -> str | None:
        """The language that the partner says somebody reads."""
        return self._locales.get(participant)

    def _opened(self, away: StoredAway) -> AwayValue | None:
        """None: what is said can't be read, now or any more."""
        try:
            raw = self.key().open(record(away.record), away.content)
        except (Refused, SealBroken):
            return None
        return AwayValue(since=away.since, until=away.until, text=AwayContent.model_validate_json(raw).text)

    def apply_record(self, fact: RecordFact) -> None:
        """What changes how the conversation stands."""
        if isinstance(fact, ConversationLeftFact):
            self._stand(fact.sender if fact.kind == "conversation.left" else None)
        elif isinstance(fact, AwayBeganFact) and fact.content is not None:
            self.away = self._opened(
                StoredAway(since=fact.at, until=fact.until, record=fact.record, content=fact.content)
            )
        elif isinstance(fact, AwayEndedFact):
            self.away = None

    def _stand(self, left: str | None) -> None:
        """Who has left, if anybody. Nothing is shown live from then on, and who returns has to switch it on again."""
        before, self.left = self.left, left
        if left is not None:
            self.end_live()
        elif before is not None and self._peers is not None:
            self._peers.hold(self)  # what others said before the return was known here wasn't taken

    def end_live(self) -> None:
        """Switch off everybody's live text: open drafts end for every reader, at other gateways too."""
        for participant in self.roles:
            shown = self.live.withdraw(participant)
            self.show(shown)
            if self._peers is not None:
                self._peers.shown(self, shown)

    def require_not_left(self) -> None:
        """Raises `Refused` (``wrong_state``)."""
        if self.left is not None:
            raise wrong_state("left")

    def require_names(self) -> None:
        """Raises `Unavailable`: they aren't known."""
        if not self._names:
            raise Unavailable("keys")

    def apply_consents(self, reply: ConsentsAttached) -> list[tuple[str, Purpose, ConsentValue]]:
        """What is in force. Returns what is news here; the highest epoch wins."""
        news: list[tuple[str, Purpose, ConsentValue]] = []
        for participant, purposes in reply.consents.items():
            for purpose, value in purposes.items():
                if self.learn(participant, purpose, value):
                    news.append((participant, purpose, value))
        return news

    def learn(self, participant: str, purpose: Purpose, value: ConsentValue) -> bool:
        """Take a consent, unless something newer is known."""
        known = self.consents.setdefault(participant, {}).get(purpose)
        if purpose == "live_text" and value.state == "withdrawn" and value.epoch >= self.epoch(participant, purpose):
            self.withdrawn.discard(participant)  # it is on record, as may be told again
        if known is not None and known.epoch >= value.epoch:
            return False
        self.consents[participant][purpose] = value
        return True

    def revoke(self, epoch: int) -> list[tuple[str, Purpose, ConsentValue]]:
        """Take what is granted of `REVOKED` below this epoch as withdrawn at it; what that changed."""
        withdrawn = ConsentValue(state="withdrawn", epoch=epoch)
        granted = [(who, what) for who in self.consents for what in REVOKED if self.consents_to(who, what)]
        return [(who, what, withdrawn) for who, what in granted if self.learn(who, what, withdrawn)]

    def epoch(self, participant: str, purpose: Purpose) -> int:
        value = self.consents.get(participant, {}).get(purpose)
        return 0 if value is None else value.epoch

    def used(self, participant: str, purpose: Purpose, *, through: bool) -> None:
        """Count what this consent, or its lack, has just let through or blocked."""
        self.uses.count(participant, purpose, self.epoch(participant, purpose), through=through)

    def consents_to(self, participant: str, purpose: Purpose) -> bool:
        value = self.consents.get(participant, {}).get(purpose)
        return value is not None and value.state == "granted"

    # --- who is here -----------------------------------------------------------------------------------------------

    def require_member(self, connection: Connection) -> None:
        """Raises `Refused` (``not_found``)."""
        if self.tenant != connection.claims.tenant or connection.participant not in self.roles:
            raise Refused(Code.NOT_FOUND)

    def enter(self, connection: Connection) -> None:
        self.connections[connection.id] = connection
        connection.conversations.add(self.id)
        self.appear(connection.participant, connection.id)

    def leave(self, connection: Connection) -> None:
        self.connections.pop(connection.id, None)
        self.facts.leave(connection)

    def appear(self, participant: str, where: str) -> None:
        """Somebody is connected, here or at another gateway."""
        places = self.online.setdefault(participant, set())
        first = not places
        places.add(where)
        if first:
            self._presence(participant, online=True)

    def vanish(self, participant: str, where: str) -> None:
        places = self.online.get(participant, set())
        if where in places:
            places.discard(where)
            if not places:
                self._presence(participant, online=False)

    def _presence(self, participant: str, *, online: bool) -> None:
        frame = server.Presence(conversation=self.id, participant=participant, online=online)
        self.to_others(participant, frame)

    def is_here(self, participant: str) -> bool:
        return any(c.participant == participant for c in self.connections.values())

    # --- telling ---------------------------------------------------------------------------------------------------

    def to_all(self, frame: Value, but: Connection | None = None) -> None:
        payload = frame.model_dump_json().encode()
        for connection in self.connections.values():
            if connection is not but:
                connection.outgoing.send(payload)

    def to_others(self, author: str, frame: Value) -> None:
        """To every connection of the other participants."""
        payload = frame.model_dump_json().encode()
        for connection in self.connections.values():
            if connection.participant != author:
                connection.outgoing.send(payload)

    def show(self, shown: Iterable[Shown]) -> None:
        """Send what follows from a change of live text."""
        for author, frame, to_others, drop in shown:
            # Only text gives way to newer text: without its end a draft would stay with the reader.
            live = self._tag(author, frame.draft) if isinstance(frame, Edit | server.LiveReset) else None
            payload = rendered(frame)
            for connection in self.connections.values():
                if to_others and connection.participant == author:
                    continue
                if drop:
                    connection.outgoing.drop_live(self.id, author)
                connection.outgoing.send(payload, live)

    def _tag(self, author: str, draft: str) -> Live:
        return Live(self.id, author, draft, self._newest)

    def _newest(self, draft_id: str) -> bytes | None:
        """A draft as it is now, for a reader who was too slow for what came before."""
        draft = self.live.drafts.get(draft_id)
        return None if draft is None else rendered(self.live.reset_of(draft).frame)

    def show_draft(self, connection: Connection, draft: Draft) -> None:
        """The whole text of a draft, to one connection."""
        connection.outgoing.send(rendered(self.live.reset_of(draft).frame), self._tag(draft.author, draft.id))

    def typing(self, participant: str, *, on: bool) -> None:
        """That somebody types; it ends by itself."""
        timer = self._typing.pop(participant, None)
        if timer is not None:
            timer.cancel()
        if on:
            loop = asyncio.get_running_loop()
            self._typing[participant] = loop.call_later(TYPING_S, self._typing_over, participant)
        self.to_others(participant, server.Typing(conversation=self.id, on=on, sender=participant))

    def _typing_over(self, participant: str) -> None:
        self.typing(participant, on=False)

    def stop_typing(self, participant: str) -> None:
        if participant in self._typing:
            self.typing(participant, on=False)

    def value(self) -> ConversationValue:
        """The conversation as a welcome shows it."""
        return ConversationValue(
            id=self.id,
            last_seq=self.facts.last_seq,
            last_n=self.facts.last_n,
            participants=[
                ParticipantValue(id=p, role=role, display_name=self._names[p], online=bool(self.online.get(p)))
                for p, role in self.roles.items()
            ],
            consents={p: dict(purposes) for p, purposes in self.consents.items() if purposes},
            reads=dict(self.reads),
            live={p: self.live.state(p) for p in self.roles},
            session=self.session,
            safety=self.raises.value(),
            left=self.left,
            away=self.away,
        )

    def show_drafts(self, connection: Connection) -> None:
        """The open drafts of the others, to one that has just come."""
        for draft in self.live.drafts.values():
            if draft.author != connection.participant:
                self.show_draft(connection, draft)

    def close(self) -> None:
        for timer in self._typing.values():
            timer.cancel()
