"""Commands: what a gateway asks of the services; imperative, one frozen class each.

Those to the consent service are in `consent_commands`, those of features in `features`.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts import features
from shared.contracts.envelope import Command, ConversationCommand, Sealed
from shared.contracts.ids import Id, Purpose, Role, Seq, Sha256, Tag

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
    """Content: `MessageContent`; ``fingerprint`` is the HMAC of it, of ``in_reply_to`` and of the sender.

    ``uses``: the emoji in it, each once. ``words``: how many it has, counted at the gateway's door; None: it wasn't.
    """

    type: Literal["session.send_message"] = "session.send_message"
    sender: Id
    message: Id
    in_reply_to: Id | None
    fingerprint: Sha256
    uses: tuple[Tag, ...] = ()
    content: Sealed
    words: Annotated[int, Field(ge=0)] | None = None


class SendPlanned(ConversationCommand):
    """Comes of the service's own clock, when a message's time has come; nobody waits for its answer.

    ``record``: of the timer that was set with the wording that is to be sent.
    """

    type: Literal["session.send_planned"] = "session.send_planned"
    record: Id
    message: Id


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


class ReadRecords(ConversationCommand):
    """Records of the conversation, ascending; neither ``after`` nor ``before`` (an ``n``): the newest."""

    type: Literal["session.read_records"] = "session.read_records"
    after: Seq | None
    before: Seq | None
    limit: int


class MarkRead(ConversationCommand):
    type: Literal["session.mark_read"] = "session.mark_read"
    participant: Id
    seq: Seq


class StartSession(ConversationCommand):
    """``missing`` are those whose informed consent the consent service didn't find in force just now.

    ``outdated``: what each has agreed to in a form that has changed since.
    """

    type: Literal["session.start_session"] = "session.start_session"
    participant: Id
    session: Id
    missing: list[Id]
    outdated: dict[Id, list[Purpose]] = Field(default_factory=dict)


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
    | SendMessage | SendPlanned | ReadFacts | ReadHistory | ReadRecords | MarkRead | StartSession | EndSession
    | KeepComposition | ReadComposition | ListCompositions | OpenComposition | DeleteCompositions | MarkComposition
    | features.Command,
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
