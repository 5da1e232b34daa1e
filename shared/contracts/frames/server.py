"""Frames that the gateway sends, except ``ok``, whose members depend on what was asked (`Ok`)."""

from typing import Literal

from pydantic import JsonValue

from shared.contracts import features
from shared.contracts.errors import Code
from shared.contracts.frames.base import Answer, From
from shared.contracts.frames.client import Op, Rev
from shared.contracts.frames.values import (
    AwayValue,
    Composed,
    CompositionSummaryValue,
    CompositionValue,
    ConsentValue,
    ConversationValue,
    FormValue,
    LeftOut,
    LimitsValue,
    LiveValue,
    MessageValue,
    NoteValue,
    ObscureValue,
    OpenRaise,
    ParticipantValue,
    RecordValue,
    SessionValue,
    Value,
)
from shared.contracts.ids import ConsentState, Epoch, Id, Intervention, Level, Purpose, Role, Seq


class Self(Value):
    """The participant that a connection speaks for."""

    id: Id
    role: Role


class Welcome(Value):
    type: Literal["welcome"] = "welcome"
    participant: Self
    expires_at: str
    heartbeat_s: int
    more: bool
    limits: LimitsValue
    obscure: ObscureValue | None
    conversations: list[ConversationValue]


class Ok(Answer):
    """The answer to a frame with a ``ref``; which members it has depends on the frame's type."""

    seq: Seq | None = LeftOut
    n: Seq | None = LeftOut
    at: str | None = LeftOut
    expires_at: str | None = LeftOut
    conversations: list[ConversationValue] | None = LeftOut
    messages: list[MessageValue] | None = LeftOut
    more: bool | None = LeftOut
    forms: list[FormValue] | None = LeftOut
    decision: Id | None = LeftOut
    epoch: Epoch | None = LeftOut
    session: Id | None = LeftOut
    notes: list[NoteValue] | None = LeftOut
    version: int | None = LeftOut
    composition: CompositionValue | None = LeftOut
    compositions: list[CompositionSummaryValue] | None = LeftOut
    decisions: list[RecordValue] | None = LeftOut
    receipt: dict[str, JsonValue] | None = LeftOut
    html: str | None = LeftOut
    record: Id | None = LeftOut
    records: list[dict[str, JsonValue]] | None = LeftOut


class Error(Value):
    type: Literal["error"] = "error"
    ref: str | None = LeftOut
    code: Code
    message: str
    details: dict[str, JsonValue] | None = LeftOut


class Reconnect(Value):
    type: Literal["reconnect"] = "reconnect"
    retry_ms: int


class ConversationAdded(Value):
    """A conversation that is new to this connection: ``conversation``, and what a welcome says of each."""

    type: Literal["conversation.added"] = "conversation.added"
    conversation: Id
    id: Id
    last_seq: Seq
    last_n: Seq
    participants: list[ParticipantValue]
    consents: dict[Id, dict[Purpose, ConsentValue]]
    reads: dict[Id, Seq]
    live: dict[Id, LiveValue]
    session: SessionValue | None
    safety: list[OpenRaise] | None = LeftOut
    left: Id | None = LeftOut
    away: AwayValue | None = LeftOut


class ConversationErased(Value):
    """It is no more; whatever is asked about it is `erased`."""

    type: Literal["conversation.erased"] = "conversation.erased"
    conversation: Id
    at: str


class ResumeReset(Value):
    type: Literal["resume.reset"] = "resume.reset"
    conversation: Id
    last_seq: Seq
    last_n: Seq


class MessagePosted(Value):
    type: Literal["message.posted"] = "message.posted"
    conversation: Id
    seq: Seq
    n: Seq
    message: Id
    sender: From
    text: str
    at: str
    in_reply_to: Id | None = LeftOut
    tone: str | None = LeftOut
    composed_s: Composed | None = LeftOut
    deleted: Literal[True] | None = LeftOut
    intervention: Intervention | None = LeftOut


class MessageRead(Value):
    type: Literal["message.read"] = "message.read"
    conversation: Id
    seq: Seq
    sender: From


class Typing(Value):
    type: Literal["typing"] = "typing"
    conversation: Id
    on: bool
    sender: From


class Presence(Value):
    type: Literal["presence"] = "presence"
    conversation: Id
    participant: Id
    online: bool


class LiveChanged(Value):
    type: Literal["live.changed"] = "live.changed"
    conversation: Id
    sender: From
    on: bool
    level: Level
    reason: Literal["suspended"] | None = LeftOut


class LiveEdit(Value):
    type: Literal["live.edit"] = "live.edit"
    conversation: Id
    draft: Id
    rev: Rev
    ops: list[Op]
    sender: From


class LiveReset(Value):
    type: Literal["live.reset"] = "live.reset"
    conversation: Id
    draft: Id
    rev: Rev
    text: str
    sender: From


class LiveClear(Value):
    type: Literal["live.clear"] = "live.clear"
    conversation: Id
    draft: Id
    sender: From


class LivePad(Value):
    """Says nothing: what goes out at a tick of an obscured connection when there is nothing to say."""

    type: Literal["live.pad"] = "live.pad"
    pad: str


class ConsentChanged(Value):
    type: Literal["consent.changed"] = "consent.changed"
    conversation: Id
    participant: Id
    purpose: Purpose
    state: ConsentState
    epoch: Epoch


class SessionStarted(Value):
    type: Literal["session.started"] = "session.started"
    conversation: Id
    session: Id
    at: str
    n: Seq


class SessionEnded(Value):
    type: Literal["session.ended"] = "session.ended"
    conversation: Id
    session: Id
    at: str
    n: Seq


class CompositionOpened(Value):
    """Its author lets the other see all of a composition."""

    type: Literal["composition.opened"] = "composition.opened"
    conversation: Id
    draft: Id
    sender: From


class CompositionDeleted(Value):
    """A composition is destroyed; ``draft`` null: all of the author's are."""

    type: Literal["composition.deleted"] = "composition.deleted"
    conversation: Id
    draft: Id | None
    sender: From


ServerFrame = (
    Welcome | Ok | Error | Reconnect | ConversationAdded | ConversationErased | ResumeReset | MessagePosted
    | MessageRead | Typing | Presence | LiveChanged | LiveEdit | LiveReset | LiveClear | LivePad | ConsentChanged
    | SessionStarted | SessionEnded | CompositionOpened | CompositionDeleted
    | features.ServerFrame
)  # fmt: skip
