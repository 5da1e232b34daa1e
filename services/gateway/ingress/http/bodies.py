"""What partners send and get (protocol, section 1)."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, RootModel, StringConstraints, field_validator, model_validator

from shared.contracts.consent_events import DecisionValue, EntryValue
from shared.contracts.features.leaving import ReportValue
from shared.contracts.frames.values import (
    Consents,
    DeciderValue,
    FormTextValue,
    FormVersionValue,
    LeftOut,
    Locale,
    MessageValue,
    Value,
    Version,
)
from shared.contracts.ids import Epoch, Id, Moment, Purpose, Role, Sha256
from shared.contracts.text import has_forbidden

ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _clean(value: str | None) -> str | None:
    if value is not None and has_forbidden(value):
        raise ValueError("may not hold NUL or lone surrogates")
    return value


class NewParticipant(Value):
    role: Role
    external_id: ExternalId
    display_name: DisplayName
    locale: Locale | None = None

    _checked = field_validator("external_id", "display_name")(_clean)


class NewConversation(Value):
    """Exactly one client and one therapist."""

    external_id: ExternalId | None = None
    participants: Annotated[list[NewParticipant], Field(min_length=2, max_length=2)]
    region: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    _checked = field_validator("external_id")(_clean)

    @field_validator("participants")
    @classmethod
    def _one_of_each(cls, participants: list[NewParticipant]) -> list[NewParticipant]:
        if {p.role for p in participants} != {"client", "therapist"}:
            raise ValueError("there must be one client and one therapist")
        return participants


class ErasureBody(Value):
    """The erasure has begun. How far it is stands in the problem (410) that answers every later request."""

    id: Id
    state: Literal["erasing"] = "erasing"
    begun_at: str


class ParticipantBody(Value):
    id: Id
    role: Role
    external_id: str
    display_name: str


class ConversationBody(Value):
    id: Id
    region: str
    participants: list[ParticipantBody]
    last_seq: int | None = LeftOut
    created_at: str | None = LeftOut


class NewToken(Value):
    participant: Id
    ttl_s: Annotated[int, Field(ge=60, le=86_400)] | None = None
    scope: Literal["conversation", "participant"] | None = None


class TokenBody(Value):
    token: str
    expires_at: str
    url: str


class NewDecision(Value):
    participant: Id
    purpose: Purpose
    decision: Literal["grant", "withdraw"]
    version: Version | None = None
    sha256: Sha256 | None = None
    if_epoch: Epoch | None = None
    by: DeciderValue | None = None
    expires_at: Moment | None = None
    decided_at: Moment | None = None

    @model_validator(mode="after")
    def _grant_names_its_form(self) -> "NewDecision":
        if self.decision == "grant" and self.version is None:
            raise ValueError("version")
        if self.decision == "grant" and self.sha256 is None:
            raise ValueError("sha256")
        return self


class NewForm(Value):
    """The next version of a form of the tenant's own, in all its languages.

    ``older_lapse_at``: when grants of older versions lapse, at once if that is past; left out: they stay in force.
    ``valid_days``: how long a grant lasts; left out: until it is withdrawn.
    """

    purpose: Purpose
    version: Version
    texts: Annotated[list[FormTextValue], Field(min_length=1, max_length=50)]
    valid_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    older_lapse_at: Moment | None = None

    @field_validator("texts")
    @classmethod
    def _fit_to_show(cls, texts: list[FormTextValue]) -> list[FormTextValue]:
        if len({text.locale.lower() for text in texts}) < len(texts):
            raise ValueError("a language may not come twice")
        for text in texts:
            _clean(text.title)
            _clean(text.text)
            if not text.title.strip() or not text.text.strip():
                raise ValueError("may not be only white space")
        return texts


class FormsBody(Value):
    forms: list[FormVersionValue]


class MessagesBody(Value):
    messages: list[MessageValue]
    next_after: int | None


class ConsentsBody(Value):
    decisions: list[DecisionValue]
    in_force: Consents


class ReportsBody(Value):
    """``next_after``: behind which number to go on; null: these are all."""

    reports: list[ReportValue]
    next_after: int | None


class EntriesBody(Value):
    """As RFC 6962, 4.6, answers: ``leaf_input`` holds the entry's exact bytes in base64.

    ``leaf_hash`` is the hash that the log keeps of it. Either is null only where somebody tampered with the log.
    """

    entries: list[EntryValue]


class ConsistencyBody(Value):
    """As RFC 6962, 4.4, answers: hashes in base64."""

    consistency: list[str]


class Receipt(RootModel[dict[str, JsonValue]]):
    """Fields of ISO/IEC TS 27560, with ``proof`` (C2SP tlog-proof) and ``key``."""


class Fhir(RootModel[dict[str, JsonValue]]):
    """A resource of FHIR R4 (hl7.org/fhir/R4)."""


class AccessBody(Value):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


class Problem(Value):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    field: str | None = LeftOut
    state: Literal["erasing", "done"] | None = LeftOut
    begun_at: str | None = LeftOut
    done_at: str | None = LeftOut


class RaiseBody(Value):
    """That somebody asked for help: ids and times. ``escalated_at``: since when nobody has seen it for too long."""

    conversation: Id
    raised: Id
    sender: Annotated[Id, Field(serialization_alias="from", validation_alias="from")]
    role: Role
    at: str
    escalated_at: str | None = LeftOut
    acknowledged_at: str | None = LeftOut
    acknowledged_by: Id | None = LeftOut


class RaisesBody(Value):
    """The oldest first. ``next_after``: what follows comes behind this one; null at the end."""

    raises: list[RaiseBody]
    next_after: str | None
