"""Messages that are sent at a time to come. Until then they are their author's alone, who can change or recall them.

Each wording has a number, from 1 on; who changes or recalls it names the one that they mean. At its time it is a
message like any other, and nobody but its author knows that it waited.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Answer, InConversation, Lasting
from shared.contracts.frames.values import Composed, LeftOut, Value
from shared.contracts.ids import Id, Moment, Seq, Sha256, Tag
from shared.contracts.records import Notice, OwnCommand, Question

State = Literal["waiting", "sent", "recalled", "not_sent"]
"""``not_sent``: somebody had left when its time came."""
Wording = Annotated[int, Field(ge=1, le=2**31 - 1)]
Tone = Annotated[str, StringConstraints(min_length=1, max_length=64)]


# --- frames -----------------------------------------------------------------------------------------------------------


class Planned(Lasting):
    message: Id
    text: str
    at: Moment
    in_reply_to: Id | None = None
    tone: Tone | None = None
    composed_s: Composed | None = None


class MessageLater(Planned):
    """``message`` is the id that it will have; it makes this happen once."""

    type: Literal["message.later"]

    @property
    def own_id(self) -> str | None:
        return self.message


class MessageLaterChange(Planned):
    type: Literal["message.later_change"]
    wording: Wording


class MessageLaterRecall(Lasting):
    type: Literal["message.later_recall"]
    message: Id
    wording: Wording


class MessageLaterList(InConversation):
    """One's own that wait, the next one first."""

    type: Literal["message.later_list"]


class LaterSummary(Value):
    message: Id
    wording: Wording
    at: str
    in_reply_to: Id | None = LeftOut


class LaterValue(LaterSummary):
    text: str
    tone: str | None = LeftOut
    composed_s: Composed | None = LeftOut


class LaterOk(Answer):
    later: list[LaterValue]


class LaterChangedFrame(Value):
    """To its author alone, wherever they are connected. ``at``: when it will be sent, while it waits."""

    type: Literal["message.later_changed"] = "message.later_changed"
    conversation: Id
    message: Id
    wording: Wording
    state: State
    at: str | None = LeftOut


# --- commands and replies ---------------------------------------------------------------------------------------------


class PlanMessage(OwnCommand):
    """A new one (``wording`` 0), or another wording of one. Content: `MessageContent`, sealed as that message.

    ``sent_as``: the fingerprint that the message will have.
    """

    type: Literal["session.plan_message"] = "session.plan_message"
    message: Id
    wording: Seq
    at: Moment
    in_reply_to: Id | None = None
    sent_as: Sha256
    uses: tuple[Tag, ...] = ()
    words: Annotated[int, Field(ge=0)] | None = None


class RecallMessage(OwnCommand):
    type: Literal["session.recall_message"] = "session.recall_message"
    message: Id
    wording: Wording


class ListPlanned(Question):
    type: Literal["session.list_planned"] = "session.list_planned"


class StoredLater(LaterSummary):
    """Content: `MessageContent`."""

    content: Sealed


class PlannedListed(Reply):
    type: Literal["session.planned_listed"] = "session.planned_listed"
    later: list[StoredLater]


class LaterChanged(Notice):
    type: Literal["session.later_changed"] = "session.later_changed"
    message: Id
    wording: Wording
    state: State
    at: str | None = None


ClientFrame = MessageLater | MessageLaterChange | MessageLaterRecall | MessageLaterList
ServerFrame = LaterChangedFrame
Command = PlanMessage | RecallMessage | ListPlanned
Told = PlannedListed | LaterChanged
OKS: dict[str, type[Answer]] = {"message.later_list": LaterOk}
