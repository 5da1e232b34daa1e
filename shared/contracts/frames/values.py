"""Values inside frames: conversations, messages, consents, live state."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.ids import (
    Capacity,
    ConsentState,
    Epoch,
    Id,
    Intervention,
    Level,
    Moment,
    Purpose,
    Role,
    Seq,
    Sha256,
)


def _is_none(value: object) -> bool:
    return value is None


LeftOut = Field(default=None, exclude_if=_is_none)
"""An optional member: left out of the frame where there is nothing to say."""


class Value(BaseModel):
    """Frozen and strict; ignores members it doesn't know, so that two versions can talk; never repeats its input."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        hide_input_in_errors=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )


WrittenOp = tuple[int, Literal["i"], int, str] | tuple[int, Literal["d"], int, int]
"""An operation as in ``live.edit``, which was checked when it was written."""


LocalTime = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$", max_length=64)]


class LocalMoment(Value):
    """What the clocks of a time zone (an IANA name) show."""

    at: LocalTime
    zone: Zone


Composed = Annotated[int, Field(ge=0, le=31_536_000)]
"""Seconds from a message's first stroke to its sending, as its author's device says, if the author wants it said."""


class ParticipantValue(Value):
    id: Id
    role: Role
    display_name: str
    online: bool


class ConsentValue(Value):
    """A consent in force or withdrawn, with the epoch of its last decision."""

    state: ConsentState
    epoch: Epoch


Consents = dict[Id, dict[Purpose, ConsentValue]]


class DeciderValue(Value):
    """Who decided for a participant, by the partner's id, and in which capacity."""

    capacity: Capacity
    person: Id


class LiveValue(Value):
    """Whether any connection of a participant shows live text, and at which level."""

    on: bool
    level: Level


class ObscureValue(Value):
    """Both sides agreed to send frames of one size at fixed moments while live text is on."""

    tick_ms: int
    frame_bytes: int


class SessionValue(Value):
    id: Id
    started_at: str


class OpenRaise(Value):
    """A ``safety.raise`` that nobody has acknowledged. ``escalated_at``: since when the partner is to be told."""

    raised: Id
    sender: Annotated[Id, Field(serialization_alias="from", validation_alias="from")]
    at: str
    escalated_at: str | None = LeftOut


class AwayValue(Value):
    """The therapist is away; what is shown to who writes meanwhile. ``until``: then it ends by itself."""

    since: str
    until: str | None = LeftOut
    text: str


class ConversationValue(Value):
    """A conversation as ``welcome``, ``conversation.list`` and ``conversation.added`` show it.

    ``safety``: what nobody has acknowledged, if there is any.
    ``left``: who left it, while nothing can be written in it.
    """

    id: Id
    last_seq: Seq
    last_n: Seq
    participants: list[ParticipantValue]
    consents: Consents
    reads: dict[Id, Seq]
    live: dict[Id, LiveValue]
    session: SessionValue | None
    safety: list[OpenRaise] | None = LeftOut
    left: Id | None = LeftOut
    away: AwayValue | None = LeftOut


class MessageValue(Value):
    """A message as ``history`` gives it. ``deleted``: its author took it back, and it has no text any more."""

    seq: Seq
    n: Seq
    message: Id
    sender: Annotated[Id, Field(serialization_alias="from", validation_alias="from")]
    text: str
    at: str
    in_reply_to: Id | None = LeftOut
    tone: str | None = LeftOut
    composed_s: Composed | None = LeftOut
    deleted: Literal[True] | None = LeftOut
    intervention: Intervention | None = LeftOut


class FormValue(Value):
    """A consent form: the exact text a person decides on, and the hex SHA-256 of its UTF-8."""

    purpose: Purpose
    version: int
    title: str
    text: str
    locale: str
    sha256: Sha256


FormTitle = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FormText = Annotated[str, StringConstraints(min_length=1, max_length=16_000)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class FormTextValue(Value):
    """A form's text in one language."""

    locale: Locale
    title: FormTitle
    text: FormText


class FormVersionValue(Value):
    """A version of a form, in one language, without its text.

    ``own``: the tenant's own; else one that everybody has. ``valid_days``: how long a grant lasts. ``older_lapse_at``:
    when grants of older versions lapse; left out: they stay in force.
    """

    purpose: Purpose
    version: int
    locale: str
    title: str
    sha256: Sha256
    own: bool
    published_at: str
    valid_days: int | None = LeftOut
    older_lapse_at: str | None = LeftOut


class CountValue(Value):
    """How often something happened under a decision, with the first and the last time. No content."""

    count: int
    first_at: str | None = LeftOut
    last_at: str | None = LeftOut


class RecordValue(Value):
    """A decision with all that is known of it.

    ``ended_at``: when it was followed by another, expired or lapsed; left out: it stands. ``expires_at``: until when a
    grant is in force at most. ``decided_at``: when the person decided, as the partner says that relayed it.
    """

    id: Id
    conversation: Id
    participant: Id
    role: Role
    purpose: Purpose
    decision: Literal["grant", "withdraw"]
    version: int | None = LeftOut
    sha256: Sha256 | None = LeftOut
    locale: str | None = LeftOut
    title: str | None = LeftOut
    epoch: Epoch
    at: str
    via: str
    by: DeciderValue | None = LeftOut
    decided_at: Moment | None = LeftOut
    expires_at: str | None = LeftOut
    ended_at: str | None = LeftOut
    let_through: CountValue = CountValue(count=0)
    blocked: CountValue = CountValue(count=0)


class NoteValue(Value):
    note: Id
    version: int
    format: str
    text: str
    author: Id
    at: str


class MarkValue(Value):
    """An unsaid moment that a therapist marked; only they are shown it."""

    mark: Id
    at_op: int
    text: str
    at: str


class CompositionSummaryValue(Value):
    """``ops``: how many are kept. ``seq``: of the message that the draft became."""

    draft: Id
    author: Id
    begun_at: str
    message_sent: bool
    seq: Seq | None = LeftOut
    opened: bool
    ops: int
    marks: int


class CompositionValue(Value):
    """How a draft was written: operations as in ``live.edit``, those that the asker may see."""

    draft: Id
    author: Id
    begun_at: str
    message_sent: bool
    seq: Seq | None = LeftOut
    opened: bool
    ops: list[WrittenOp]
    marks: list[MarkValue]


class LimitsValue(Value):
    frame_bytes: int
    text: int
    live_per_s: int
    messages_per_s: int
    others_per_s: int
