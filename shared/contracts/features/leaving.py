"""Leaving a conversation, coming back to it, and reporting it to the partner.

While somebody has left, nothing is written in it by either; it stays readable. Who left, and nobody else, may return.
"""

from typing import Literal

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Happened, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Seq
from shared.contracts.records import OwnCommand, RecordCommand, RecordFact, TenantQuestion

Reason = Literal["harassment", "threat", "boundaries", "not_who_they_say", "other"]


class ConversationLeave(Lasting):
    type: Literal["conversation.leave"]


class ConversationReturn(Lasting):
    type: Literal["conversation.return"]


class ConversationReport(Lasting):
    """To the partner; the other isn't told. Also where somebody has left."""

    type: Literal["conversation.report"]
    reason: Reason
    text: str | None = None


class ConversationLeft(Happened):
    type: Literal["conversation.left", "conversation.returned"]


class LeaveConversation(RecordCommand):
    type: Literal["session.leave_conversation"] = "session.leave_conversation"


class ReturnToConversation(RecordCommand):
    type: Literal["session.return_to_conversation"] = "session.return_to_conversation"


class ReportConversation(OwnCommand):
    """Content: `ReportedContent`, where there is a text."""

    type: Literal["session.report_conversation"] = "session.report_conversation"
    reason: Reason


class ListReports(TenantQuestion):
    """A tenant's, in the order in which they came, behind the number ``after``."""

    type: Literal["session.list_reports"] = "session.list_reports"
    after: Seq
    limit: int


class ConversationLeftFact(RecordFact):
    kind: Literal["conversation.left", "conversation.returned"]


class ReportSummary(Value):
    number: Seq
    report: Id
    conversation: Id
    participant: Id
    reason: Reason
    at: str


class StoredReport(ReportSummary):
    """Content: `ReportedContent`, sealed as the record ``report``; None: there is no text, or it is erased."""

    content: Sealed | None


class ReportValue(ReportSummary):
    text: str | None = LeftOut


class ReportsListed(Reply):
    type: Literal["session.reports_listed"] = "session.reports_listed"
    reports: list[StoredReport]


class ReportedContent(Value):
    text: str


ClientFrame = ConversationLeave | ConversationReturn | ConversationReport
ServerFrame = ConversationLeft
Command = LeaveConversation | ReturnToConversation | ReportConversation | ListReports
Fact = ConversationLeftFact
Told = ReportsListed
CONTENTS = (ReportedContent,)
