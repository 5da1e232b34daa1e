"""Commands: what a gateway asks of the services. Imperative, one frozen class each."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Command, ConversationCommand, Sealed
from shared.contracts.frames.values import CountValue, DeciderValue, FormTextValue, Locale, Value, Version
from shared.contracts.ids import Epoch, Id, Moment, Purpose, Role, Seq, Sha256

# --- session --------------------------------------------------------------------------------------------------------


class CreateConversation(ConversationCommand):
    """Create the conversation, or find the tenant's one of the same external id. Content: `ConversationContent`.

    ``keyed``: the conversation's id comes of an idempotency key, so that nothing but a repetition has the same.
    """

    type: Literal["session.create_conversation"] = "session.create_conversation"
    region: str
    roles: tuple[Role, Role]
    locales: tuple[str | None, str | None]
    keyed: bool = False
    content: Sealed


class GetConversation(ConversationCommand):
    type: Literal["session.get_conversation"] = "session.get_conversation"


class EraseConversation(ConversationCommand):
    """Destroy its keys, for ever. Ids, times and decisions stay."""

    type: Literal["session.erase_conversation"] = "session.erase_conversation"


class ListConversations(Command):
    """The participant's conversations, newest first; from now on tell ``replyto`` of new ones."""

    type: Literal["session.list_conversations"] = "session.list_conversations"
    participant: Id
    before: Id | None
    limit: int


class Attach(ConversationCommand):
    """Tell ``replyto`` of everything that happens in the conversation, until the lease ends."""

    type: Literal["session.attach"] = "session.attach"


class Detach(ConversationCommand):
    type: Literal["session.detach"] = "session.detach"


class RenewAttachments(Command):
    """Keep these subscriptions (conversations, participants); the answer's heads show whether something was lost."""

    type: Literal["session.renew_attachments"] = "session.renew_attachments"
    holding: list[Id]


class SendMessage(ConversationCommand):
    """Content: `MessageContent`; ``fingerprint`` is the HMAC of it, of ``in_reply_to`` and of the sender."""

    type: Literal["session.send_message"] = "session.send_message"
    sender: Id
    message: Id
    in_reply_to: Id | None
    fingerprint: Sha256
    content: Sealed


class ReadFacts(ConversationCommand):
    """What was missed: every fact above ``after_n``, or every message above ``after_seq``, up to ``up_to_n``."""

    type: Literal["session.read_facts"] = "session.read_facts"
    after_n: Seq | None
    after_seq: Seq | None
    up_to_n: Seq


class ReadHistory(ConversationCommand):
    """Messages of the conversation, ascending; neither ``after`` nor ``before``: the newest."""

    type: Literal["session.read_history"] = "session.read_history"
    after: Seq | None
    before: Seq | None
    limit: int


class MarkRead(ConversationCommand):
    type: Literal["session.mark_read"] = "session.mark_read"
    participant: Id
    seq: Seq


class StartSession(ConversationCommand):
    """``missing`` are those whose informed consent the consent service didn't find in force just now."""

    type: Literal["session.start_session"] = "session.start_session"
    participant: Id
    session: Id
    missing: list[Id]


class EndSession(ConversationCommand):
    type: Literal["session.end_session"] = "session.end_session"
    participant: Id


class KeepComposition(ConversationCommand):
    """Keep a part of how a draft was written; the same ``number`` of a ``run`` with more in it replaces what was there.

    ``run``: what one gateway kept of the draft in one go. ``age_ms``: how long ago its writing began. ``ops``: how many
    operations are in it. Content: bytes, as the gateway's format of compositions has them.
    """

    type: Literal["session.keep_composition"] = "session.keep_composition"
    participant: Id
    draft: Id
    run: Id
    number: Annotated[int, Field(ge=0)]
    ops: Annotated[int, Field(ge=1)]
    age_ms: Annotated[int, Field(ge=0)]
    content: Sealed


class ReadComposition(ConversationCommand):
    type: Literal["session.read_composition"] = "session.read_composition"
    participant: Id
    draft: Id


class ListCompositions(ConversationCommand):
    """Compositions of both, newest first, behind ``before``."""

    type: Literal["session.list_compositions"] = "session.list_compositions"
    participant: Id
    before: Id | None
    limit: int


class OpenComposition(ConversationCommand):
    """Let the other see all of it. Its author only."""

    type: Literal["session.open_composition"] = "session.open_composition"
    participant: Id
    draft: Id


class DeleteCompositions(ConversationCommand):
    """Destroy one, or (``draft`` None) all of the participant's. Its author only."""

    type: Literal["session.delete_compositions"] = "session.delete_compositions"
    participant: Id
    draft: Id | None


class MarkComposition(ConversationCommand):
    """A therapist's mark of an unsaid moment. Content: `MarkContent`; ``fingerprint`` is the HMAC of all of it."""

    type: Literal["session.mark_composition"] = "session.mark_composition"
    participant: Id
    draft: Id
    mark: Id
    at_op: Annotated[int, Field(ge=0)]
    fingerprint: Sha256
    content: Sealed


SessionCommand = Annotated[
    CreateConversation | GetConversation | EraseConversation | ListConversations | Attach | Detach | RenewAttachments
    | SendMessage | ReadFacts | ReadHistory | MarkRead | StartSession | EndSession | KeepComposition | ReadComposition
    | ListCompositions | OpenComposition | DeleteCompositions | MarkComposition,
    Field(discriminator="type"),
]  # fmt: skip


# --- told by the session service to the services that keep something of a conversation --------------------------------


class RegisterConversation(ConversationCommand):
    """A conversation exists, with these two people, or is erased. Repeated at will; it has no answer."""

    type: Literal["conversation.register"] = "conversation.register"
    client: Id
    therapist: Id
    client_locale: str | None
    therapist_locale: str | None
    erased: bool = False


# --- consent --------------------------------------------------------------------------------------------------------


class AttachConsents(ConversationCommand):
    """Answer with what is in force and tell ``replyto`` of every decision, until the lease ends."""

    type: Literal["consent.attach"] = "consent.attach"


class DetachConsents(ConversationCommand):
    type: Literal["consent.detach"] = "consent.detach"


class Probe(Command):
    """Answered behind every event that this queue caused so far: renews the gateway's lease and its attachments."""

    type: Literal["consent.probe"] = "consent.probe"
    holding: list[Id]


class PublishForm(Command):
    """Publish the next version of a form of the tenant's own, in all its languages; again: the same.

    ``older_lapse_at``: when grants of older versions lapse, at once if that is past; None: they stay in force.
    """

    type: Literal["consent.publish_form"] = "consent.publish_form"
    purpose: Purpose
    version: Version
    texts: list[FormTextValue]
    valid_days: Annotated[int, Field(ge=1, le=36_500)] | None
    older_lapse_at: Moment | None


class ListForms(Command):
    """All versions of the forms that the tenant's people decide or decided on."""

    type: Literal["consent.list_forms"] = "consent.list_forms"


class ReadForm(Command):
    """A form by the hash of its text."""

    type: Literal["consent.read_form"] = "consent.read_form"
    sha256: Sha256


class CompareForms(Command):
    """What changed from one version of a form to another."""

    type: Literal["consent.compare_forms"] = "consent.compare_forms"
    purpose: Purpose
    locale: Locale
    first: Version
    second: Version


class ReadForms(ConversationCommand):
    type: Literal["consent.read_forms"] = "consent.read_forms"
    participant: Id


class Decide(ConversationCommand):
    """Grant or withdraw. ``if_epoch`` None: whatever the epoch is. ``via``: where the decision was made.

    ``device``: a pseudonym of the device, never its name. ``by``: who decided, where it wasn't the participant.
    """

    type: Literal["consent.decide"] = "consent.decide"
    participant: Id
    purpose: Purpose
    grant: bool
    decision: Id
    version: int | None
    sha256: Sha256 | None
    if_epoch: Epoch | None
    via: Literal["device", "partner"]
    device: str | None
    by: DeciderValue | None = None
    expires_at: Moment | None = None
    decided_at: Moment | None = None


class ReadDecisions(ConversationCommand):
    """Decisions, and what was in force ``at`` this moment; None: now."""

    type: Literal["consent.read_decisions"] = "consent.read_decisions"
    at: Moment | None = None


class DecisionPlace(Value):
    """A decision's id is unique in its conversation only."""

    conversation: Id
    decision: Id


class ReadRecord(Command):
    """A participant's newest decisions, with all that is known of them; in one conversation, or all.

    Without a ``participant``: the one of this ``decision`` and ``conversation``. ``before``: only older ones than this.
    """

    type: Literal["consent.read_record"] = "consent.read_record"
    participant: Id | None
    conversation: Id | None
    decision: Id | None = None
    before: DecisionPlace | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 200
    """200 are 90 KB or so."""


class UseCount(Value):
    """What a gateway let through and blocked of a person and purpose while an epoch was the highest; 0: none was."""

    participant: Id
    purpose: Purpose
    epoch: Epoch
    let_through: CountValue
    blocked: CountValue


class CountUses(ConversationCommand):
    """How consents were used at one gateway, all in all since ``run`` began: a repetition has the effect of once."""

    type: Literal["consent.count_uses"] = "consent.count_uses"
    run: Id
    uses: list[UseCount]


class ReadLogKey(Command):
    """The keys that verify the checkpoints of the tenant's consent log."""

    type: Literal["consent.read_log_key"] = "consent.read_log_key"


class ReadCheckpoint(Command):
    """The tenant's consent log as it is now, signed."""

    type: Literal["consent.read_checkpoint"] = "consent.read_checkpoint"


class ReadEntries(Command):
    """Entries of the tenant's consent log, both ends included; as many of them as fit."""

    type: Literal["consent.read_entries"] = "consent.read_entries"
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class ReadConsistency(Command):
    """The proof that the log of ``second`` entries begins with that of ``first``."""

    type: Literal["consent.read_consistency"] = "consent.read_consistency"
    first: Annotated[int, Field(ge=0)]
    second: Annotated[int, Field(ge=0)]


class ReadProof(Command):
    """The proof that a decision is in the tenant's log. ``conversation``: which, where several have the same id."""

    type: Literal["consent.read_proof"] = "consent.read_proof"
    decision: Id
    conversation: Id | None


ConsentCommand = Annotated[
    RegisterConversation | AttachConsents | DetachConsents | Probe | ReadForms | Decide | ReadDecisions
    | PublishForm | ListForms | ReadForm | CompareForms | ReadRecord | CountUses
    | ReadLogKey | ReadCheckpoint | ReadEntries | ReadConsistency | ReadProof,
    Field(discriminator="type"),
]  # fmt: skip


# --- notes ----------------------------------------------------------------------------------------------------------


class SaveNote(ConversationCommand):
    """Save or replace a progress note's draft. Content: `NoteContent`."""

    type: Literal["notes.save_note"] = "notes.save_note"
    author: Id
    note: Id
    format: Literal["text"]
    version: int | None
    fingerprint: Sha256
    content: Sealed


class ListNotes(ConversationCommand):
    type: Literal["notes.list_notes"] = "notes.list_notes"
    author: Id


NotesCommand = Annotated[RegisterConversation | SaveNote | ListNotes, Field(discriminator="type")]
