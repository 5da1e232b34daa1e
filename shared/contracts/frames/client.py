"""Frames that a client sends. The union `ClientFrame` is the protocol: whatever is not in it is a ``bad_frame``."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from shared.contracts import features
from shared.contracts.frames.base import Frame, InConversation
from shared.contracts.frames.values import Composed, Value
from shared.contracts.ids import Epoch, Id, Level, Moment, Purpose, Seq, Sha256

Rev = Annotated[int, Field(ge=1, le=2**53 - 1)]
WaitMs = Annotated[int, Field(ge=0, le=60_000)]
Position = Annotated[int, Field(ge=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Inserted = Annotated[str, StringConstraints(min_length=1)]

Insert = tuple[WaitMs, Literal["i"], Position, Inserted]
Delete = tuple[WaitMs, Literal["d"], Position, Count]
Op = Annotated[Insert | Delete, Field(union_mode="left_to_right")]
"""``[wait_ms, "i", pos, text]`` or ``[wait_ms, "d", pos, count]``; positions and counts are code points."""


class ResumePoint(Value):
    """What a reconnecting client has of a conversation: the last ``seq``, or the last ``n``."""

    conversation: Id
    after: Seq | None = None
    after_n: Seq | None = None

    @model_validator(mode="after")
    def _one_position(self) -> "ResumePoint":
        if self.after is None and self.after_n is None:
            raise ValueError("a resume point names after or after_n")
        return self


class Hello(Frame):
    type: Literal["hello"]
    token: str
    device: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    resume: Annotated[list[ResumePoint], Field(max_length=1_000)] | None = None
    obscure: bool | None = None


class TokenRefresh(Frame):
    type: Literal["token.refresh"]
    token: str


class ConversationList(Frame):
    type: Literal["conversation.list"]
    before: Id | None = None


class MessageSend(InConversation):
    type: Literal["message.send"]
    message: Id
    text: str
    in_reply_to: Id | None = None
    tone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    composed_s: Composed | None = None


class History(InConversation):
    type: Literal["history"]
    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> "History":
        if self.after is not None and self.before is not None:
            raise ValueError("history goes after or before a seq, not both")
        return self


class RecordList(InConversation):
    """What happened beside messages and sessions; the newest, or what follows or precedes an ``n``."""

    type: Literal["record.list"]
    after: Seq | None = None
    before: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> "RecordList":
        if self.after is not None and self.before is not None:
            raise ValueError("a list goes after or before an n, not both")
        return self


class MessageRead(InConversation):
    type: Literal["message.read"]
    seq: Seq


class Typing(InConversation):
    type: Literal["typing"]
    on: bool


class LiveToggle(InConversation):
    type: Literal["live.toggle"]
    on: bool
    level: Level | None = None


class LiveEdit(InConversation):
    type: Literal["live.edit"]
    draft: Id
    rev: Rev
    ops: Annotated[list[Op], Field(min_length=1, max_length=200)]


class LiveReset(InConversation):
    type: Literal["live.reset"]
    draft: Id
    rev: Rev
    text: str


class LiveClear(InConversation):
    type: Literal["live.clear"]
    draft: Id


class LivePad(Frame):
    """Says nothing: it keeps the pace of an obscured connection. Any frame may be filled up by a member ``pad``."""

    type: Literal["live.pad"]
    pad: str | None = None


class LiveResync(InConversation):
    type: Literal["live.resync"]
    draft: Id


class ConsentForms(InConversation):
    type: Literal["consent.forms"]


class ConsentGrant(InConversation):
    """``participant``: whose consent it is; anybody's but one's own is refused. ``expires_at``: until when."""

    type: Literal["consent.grant"]
    purpose: Purpose
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    sha256: Sha256
    decision: Id | None = None
    if_epoch: Epoch | None = None
    participant: Id | None = None
    expires_at: Moment | None = None


class ConsentWithdraw(InConversation):
    type: Literal["consent.withdraw"]
    purpose: Purpose
    decision: Id | None = None
    participant: Id | None = None


class ConsentHistory(InConversation):
    """One's own decisions, with what each let through and blocked; the newest, or those before this one."""

    type: Literal["consent.history"]
    before: Id | None = None


class ConsentReceipt(InConversation):
    """A receipt for a decision of one's own, which proves itself."""

    type: Literal["consent.receipt"]
    decision: Id


class SessionStart(InConversation):
    type: Literal["session.start"]
    session: Id | None = None


class SessionEnd(InConversation):
    type: Literal["session.end"]


class NoteSave(InConversation):
    type: Literal["note.save"]
    note: Id
    format: Literal["text"]
    text: str
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class NoteList(InConversation):
    type: Literal["note.list"]


class CompositionGet(InConversation):
    """``after_op``: how many operations one has already, where they don't fit one answer."""

    type: Literal["composition.get"]
    draft: Id
    after_op: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class CompositionList(InConversation):
    type: Literal["composition.list"]
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


class CompositionOpen(InConversation):
    type: Literal["composition.open"]
    draft: Id


class CompositionDelete(InConversation):
    """Either one draft's, or with ``all`` every one of one's own."""

    type: Literal["composition.delete"]
    draft: Id | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_or_all(self) -> "CompositionDelete":
        if (self.draft is None) == (self.all is None):
            raise ValueError("a deletion names a draft, or all")
        return self


class CompositionMark(InConversation):
    """``at_op``: how many operations of the composition, as it is shown, went before the moment."""

    type: Literal["composition.mark"]
    draft: Id
    mark: Id
    at_op: Annotated[int, Field(ge=0, le=2**31 - 1)]
    text: str


AnyFrame = (
    Hello | TokenRefresh | ConversationList | MessageSend | History | RecordList | MessageRead | Typing
    | LiveToggle | LiveEdit | LiveReset | LiveClear | LiveResync | LivePad
    | ConsentForms | ConsentGrant | ConsentWithdraw | ConsentHistory | ConsentReceipt
    | SessionStart | SessionEnd | NoteSave | NoteList
    | CompositionGet | CompositionList | CompositionOpen | CompositionDelete | CompositionMark
    | features.ClientFrame
)  # fmt: skip
ClientFrame = Annotated[AnyFrame, Field(discriminator="type")]
