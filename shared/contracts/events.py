"""Facts, events and replies: what the services tell the gateways, and gateways each other."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts import features
from shared.contracts.consent_events import (
    CheckpointRead,
    ConsentChanged,
    ConsentsAttached,
    ConsistencyRead,
    Decided,
    DecisionsRead,
    EntriesRead,
    FormPublished,
    FormRead,
    FormsCompared,
    FormsListed,
    FormsRead,
    LogKeyRead,
    Probed,
    ProofRead,
    RecordRead,
)
from shared.contracts.envelope import Address, Envelope, Event, Reply, Sealed
from shared.contracts.errors import Code
from shared.contracts.frames.values import LeftOut, OpenRaise, SessionValue, Value
from shared.contracts.ids import Id, Intervention, Level, Role, Seq

# --- facts: what lasts in a conversation, each with its n -----------------------------------------------------------


class MessageFact(Value):
    """A message was posted. Content: `MessageContent`, empty if it was taken back; ``intervention``: as marked now."""

    kind: Literal["message.posted"] = "message.posted"
    n: Seq
    seq: Seq
    message: Id
    sender: Id
    in_reply_to: Id | None = None
    at: str
    content: Sealed
    intervention: Intervention | None = LeftOut


class SessionFact(Value):
    """A session started or ended."""

    kind: Literal["session.started", "session.ended"]
    n: Seq
    session: Id
    at: str


AnyRecord = Annotated[features.Fact, Field(discriminator="kind")]
Fact = Annotated[MessageFact | SessionFact | features.Fact, Field(discriminator="kind")]


# --- session: replies and events ------------------------------------------------------------------------------------


class Recorded(Event):
    """A fact was committed. For the gateway that asked for it, this is the answer to ``causationid``."""

    type: Literal["session.recorded"] = "session.recorded"
    causationid: Id | None = None
    fact: Fact


class Member(Value):
    id: Id
    role: Role


class ConversationFound(Reply):
    """Answers create and get. Content: `NamesContent`."""

    type: Literal["session.conversation_found"] = "session.conversation_found"
    conversation: Id
    created: bool
    region: str
    members: tuple[Member, Member]
    last_seq: Seq
    created_at: str
    content: Sealed


class ErasureBegun(Reply):
    type: Literal["session.erasure_begun"] = "session.erasure_begun"
    conversation: Id
    begun_at: str


class ConversationErased(Event):
    """The conversation is no more: its keys are to be forgotten, and its connections end."""

    type: Literal["session.conversation_erased"] = "session.conversation_erased"
    at: str


class ConversationsListed(Reply):
    type: Literal["session.conversations_listed"] = "session.conversations_listed"
    conversations: list[Id]
    more: bool


class ConversationCreated(Event):
    """To gateways at which one of its participants listens with scope ``participant``."""

    type: Literal["session.conversation_created"] = "session.conversation_created"
    members: tuple[Member, Member]


class StoredAway(Value):
    """A therapist is away. Content: `AwayContent`, sealed as ``record``."""

    since: str
    until: str | None
    record: Id
    content: Sealed


class Attached(Reply):
    """The head of a conversation. Everything above ``last_n`` follows on the same queue. Content: `NamesContent`."""

    type: Literal["session.attached"] = "session.attached"
    conversation: Id
    members: tuple[Member, Member]
    last_seq: Seq
    last_n: Seq
    created_at: str
    reads: dict[Id, Seq]
    session: SessionValue | None
    left: Id | None = LeftOut
    away: StoredAway | None = LeftOut
    holders: list[Address]
    content: Sealed
    safety: list[OpenRaise] = Field(default_factory=list)


class HoldersChanged(Event):
    """Which gateways hold a conversation now; live text and presence go there."""

    type: Literal["session.holders_changed"] = "session.holders_changed"
    holders: list[Address]


class Renewed(Reply):
    """What is still in force, and the ``n`` of the conversations among it; what is missing is attached anew."""

    type: Literal["session.renewed"] = "session.renewed"
    kept: list[Id]
    heads: dict[Id, Seq]


class FactsRead(Reply):
    """One page of what was missed. ``known`` False: the position is above the head, or can't be told."""

    type: Literal["session.facts_read"] = "session.facts_read"
    known: bool
    facts: list[Fact]
    more: bool
    last_seq: Seq
    last_n: Seq


class HistoryRead(Reply):
    type: Literal["session.history_read"] = "session.history_read"
    messages: list[MessageFact]
    more: bool


class RecordsRead(Reply):
    type: Literal["session.records_read"] = "session.records_read"
    records: list[AnyRecord]
    more: bool


class ReadMarked(Event):
    """A participant has read up to ``seq``. Not a fact: it has no ``n`` and only the highest counts."""

    type: Literal["session.read_marked"] = "session.read_marked"
    causationid: Id | None = None
    participant: Id
    seq: Seq


class SessionAccepted(Reply):
    type: Literal["session.session_accepted"] = "session.session_accepted"
    session: Id
    at: str
    n: Seq


class StoredPart(Value):
    """A part of a composition. Content: bytes, as the gateway's format of compositions has them."""

    run: Id
    number: int
    content: Sealed


class StoredMark(Value):
    """A mark, as only its author is told. Content: `MarkContent`."""

    mark: Id
    at_op: int
    at: str
    content: Sealed


class CompositionSummary(Value):
    """``seq``: the place of the message that the draft became, if it was sent."""

    draft: Id
    author: Id
    begun_at: str
    seq: Seq | None
    opened: bool
    ops: int
    marks: int


class CompositionRead(Reply):
    """Parts in their order; marks of the asker alone."""

    type: Literal["session.composition_read"] = "session.composition_read"
    composition: CompositionSummary
    parts: list[StoredPart]
    marks: list[StoredMark]


class CompositionsListed(Reply):
    type: Literal["session.compositions_listed"] = "session.compositions_listed"
    compositions: list[CompositionSummary]
    more: bool


class CompositionChanged(Event):
    """A composition was opened by its author, or destroyed; ``draft`` None: all of the author's were."""

    type: Literal["session.composition_changed"] = "session.composition_changed"
    author: Id
    draft: Id | None
    change: Literal["opened", "deleted"]


# --- notes ----------------------------------------------------------------------------------------------------------


class NoteSaved(Reply):
    type: Literal["notes.note_saved"] = "notes.note_saved"
    version: int


class StoredNote(Value):
    """Content: `NoteContent`."""

    note: Id
    version: int
    format: Literal["text"]
    author: Id
    at: str
    content: Sealed


class NotesListed(Reply):
    type: Literal["notes.notes_listed"] = "notes.notes_listed"
    notes: list[StoredNote]


# --- any service ----------------------------------------------------------------------------------------------------


class Done(Reply):
    """Answers a command that has nothing more to say."""

    type: Literal["done"] = "done"


class CommandRefused(Reply):
    """Answers a command that was not carried out. ``details`` hold ids, field names and numbers only."""

    type: Literal["refused"] = "refused"
    code: Code
    details: dict[str, JsonValue]


# --- between gateways: ephemeral, never stored ----------------------------------------------------------------------


class PeerState(Envelope):
    """What a gateway shows of a conversation: who is connected there, and who has live text on there.

    ``answer`` asks the receiver for its own state.
    """

    type: Literal["gateway.peer_state"] = "gateway.peer_state"
    conversation: Id
    gateway: Address
    online: list[Id]
    live: dict[Id, Level]
    answer: bool


class PeerTyping(Envelope):
    type: Literal["gateway.peer_typing"] = "gateway.peer_typing"
    conversation: Id
    participant: Id
    on: bool


class PeerDrafts(Envelope):
    """What became of drafts at their authors' gateway. Ephemeral queues only. Content: `DraftsContent`."""

    type: Literal["gateway.peer_drafts"] = "gateway.peer_drafts"
    gateway: Address
    content: Sealed


class PeerResync(Envelope):
    """Something of a draft was lost on the way to this gateway; it asks for the whole text."""

    type: Literal["gateway.peer_resync"] = "gateway.peer_resync"
    conversation: Id
    gateway: Address
    draft: Id


class PeerAlive(Envelope):
    """A gateway is there. Where none of these comes any more, what it showed is no longer shown."""

    type: Literal["gateway.peer_alive"] = "gateway.peer_alive"
    gateway: Address


class PeerWithdrawn(Envelope):
    """The author's gateway stopped already; the others stop now, and the consent service records it later."""

    type: Literal["gateway.peer_withdrawn"] = "gateway.peer_withdrawn"
    conversation: Id
    participant: Id


AnyGatewayMessage = (
    Recorded | ConversationFound | ErasureBegun | ConversationErased | ConversationsListed | ConversationCreated
    | Attached
    | HoldersChanged | Renewed | FactsRead | HistoryRead | RecordsRead | ReadMarked | SessionAccepted
    | CompositionRead | CompositionsListed | CompositionChanged
    | ConsentsAttached | Probed | FormsRead | Decided | DecisionsRead | ConsentChanged
    | FormPublished | FormsListed | FormRead | FormsCompared | RecordRead
    | LogKeyRead | CheckpointRead | EntriesRead | ConsistencyRead | ProofRead
    | features.Told | NoteSaved | NotesListed | Done | CommandRefused
    | PeerState | PeerTyping | PeerDrafts | PeerResync | PeerAlive | PeerWithdrawn
)  # fmt: skip
"""Everything that can lie in a gateway's queue."""

GatewayMessage = Annotated[AnyGatewayMessage, Field(discriminator="type")]
