"""Commands to the consent service. Imperative, one frozen class each."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.commands import RegisterConversation
from shared.contracts.envelope import Command, ConversationCommand
from shared.contracts.frames.values import CountValue, DeciderValue, FormTextValue, Locale, Value, Version
from shared.contracts.ids import Epoch, Id, Moment, Purpose, Sha256


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
