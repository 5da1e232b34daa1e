"""What partners send and get (protocol, section 1)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.contracts.events import DecisionValue
from shared.contracts.frames.values import Consents, LeftOut, MessageValue, Value
from shared.contracts.ids import Epoch, Id, Purpose, Role, Sha256
from shared.contracts.text import has_forbidden

ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]


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
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    sha256: Sha256 | None = None
    if_epoch: Epoch | None = None

    @model_validator(mode="after")
    def _grant_names_its_form(self) -> "NewDecision":
        if self.decision == "grant" and self.version is None:
            raise ValueError("version")
        if self.decision == "grant" and self.sha256 is None:
            raise ValueError("sha256")
        return self


class MessagesBody(Value):
    messages: list[MessageValue]
    next_after: int | None


class ConsentsBody(Value):
    decisions: list[DecisionValue]
    in_force: Consents


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
