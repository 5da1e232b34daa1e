"""Agreements: what to try until when, agreed by both, looked at again.

An agreement's id is that of the frame that proposed it. Each wording has a number, from 1 on; who accepts,
declines or revises names the one they mean.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, LocalMoment, Value
from shared.contracts.ids import Id, Moment, Seq
from shared.contracts.records import Question, RecordCommand, RecordFact

WHAT_MAX = 2_000
State = Literal["proposed", "agreed", "declined", "closed"]
How = Literal["done", "partly", "not_yet"]
Wording = Annotated[int, Field(ge=1, le=2**31 - 1)]


# --- frames -----------------------------------------------------------------------------------------------------------


class Worded(Lasting):
    """``until``: from when on it is looked at again when a session starts; left out: at each."""

    what: str
    until: Moment | None = None
    remind: LocalMoment | None = None


class AgreementPropose(Worded):
    """``agreement`` is the client's own id for it, and makes it happen once."""

    type: Literal["agreement.propose"]
    agreement: Id | None = None

    @property
    def own_id(self) -> str | None:
        return self.agreement or self.record


class AgreementRevise(Worded):
    """Another wording in place of ``wording``; it waits for the other of the two."""

    type: Literal["agreement.revise"]
    agreement: Id
    wording: Wording


class AgreementAccept(Lasting):
    """The other's wording. ``remind``: they want the reminder, too."""

    type: Literal["agreement.accept"]
    agreement: Id
    wording: Wording
    remind: bool | None = None


class AgreementDecline(Lasting):
    type: Literal["agreement.decline"]
    agreement: Id
    wording: Wording


class AgreementReport(Lasting):
    type: Literal["agreement.report"]
    agreement: Id
    how: How
    text: str | None = None


class AgreementClose(Lasting):
    """What was agreed, by either; what is only proposed, by who proposed it."""

    type: Literal["agreement.close"]
    agreement: Id


class AgreementList(InConversation):
    """The newest first; ``open``: what is proposed or agreed. ``before``: what follows one that one has."""

    type: Literal["agreement.list"]
    open: bool | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


class AgreementSummary(Value):
    """``author``: who wrote the wording that stands. ``will_remind``: both want the reminder, and it is to come.
    ``how``: what was reported last.
    """

    agreement: Id
    state: State
    wording: Wording
    author: Id
    until: str | None = LeftOut
    remind: LocalMoment | None = LeftOut
    will_remind: bool
    how: How | None = LeftOut
    changed_at: str


class AgreementValue(AgreementSummary):
    what: str


class AgreementsOk(Answer):
    agreements: list[AgreementValue]
    more: bool


class AgreementWorded(Happened):
    type: Literal["agreement.proposed", "agreement.revised"]
    agreement: Id
    wording: Wording
    what: str
    until: str | None = LeftOut
    remind: LocalMoment | None = LeftOut


class AgreementAccepted(Happened):
    """Agreed. ``remind``: there will be a reminder, since both want it."""

    type: Literal["agreement.accepted"] = "agreement.accepted"
    agreement: Id
    wording: Wording
    remind: bool


class AgreementChanged(Happened):
    """``agreement.reminded`` comes once, at the agreed time."""

    type: Literal["agreement.declined", "agreement.closed", "agreement.reminded"]
    agreement: Id


class AgreementReported(Happened):
    type: Literal["agreement.reported"] = "agreement.reported"
    agreement: Id
    how: How
    text: str | None = LeftOut


class AgreementDue(Happened):
    """What is to be looked at again, as a session starts."""

    type: Literal["agreement.due"] = "agreement.due"
    session: Id
    agreements: list[Id]


# --- commands and facts -----------------------------------------------------------------------------------------------


class WordAgreement(RecordCommand):
    """A proposal (``agreement`` is its own ``record``, ``wording`` 0), or a revision. Content: `WhatContent`."""

    type: Literal["session.word_agreement"] = "session.word_agreement"
    agreement: Id
    wording: Seq
    until: Moment | None = None
    remind: LocalMoment | None = None


class AnswerAgreement(RecordCommand):
    type: Literal["session.answer_agreement"] = "session.answer_agreement"
    agreement: Id
    wording: Wording
    action: Literal["accept", "decline"]
    remind: bool = False


class ReportAgreement(RecordCommand):
    """Content: `ReportContent`, where there is a text."""

    type: Literal["session.report_agreement"] = "session.report_agreement"
    agreement: Id
    how: How


class CloseAgreement(RecordCommand):
    type: Literal["session.close_agreement"] = "session.close_agreement"
    agreement: Id


class RemindAgreement(RecordCommand):
    """Comes of the service's own clock, when a reminder is due; nobody waits for its answer.

    ``put_off``: it was due before, in somebody's quiet hours.
    """

    type: Literal["session.remind_agreement"] = "session.remind_agreement"
    agreement: Id
    put_off: bool = False


class ListAgreements(Question):
    type: Literal["session.list_agreements"] = "session.list_agreements"
    open: bool
    before: Id | None = None
    limit: int


class AgreementWordedFact(RecordFact):
    """Content: `WhatContent`."""

    kind: Literal["agreement.proposed", "agreement.revised"]
    agreement: Id
    wording: Wording
    until: str | None = None
    remind: LocalMoment | None = None


class AgreementAcceptedFact(RecordFact):
    kind: Literal["agreement.accepted"] = "agreement.accepted"
    agreement: Id
    wording: Wording
    remind: bool


class AgreementChangedFact(RecordFact):
    kind: Literal["agreement.declined", "agreement.closed", "agreement.reminded"]
    agreement: Id


class AgreementReportedFact(RecordFact):
    """Content: `ReportContent`, where there is a text."""

    kind: Literal["agreement.reported"] = "agreement.reported"
    agreement: Id
    how: How


class AgreementDueFact(RecordFact):
    kind: Literal["agreement.due"] = "agreement.due"
    session: Id
    agreements: list[Id]


class StoredAgreement(AgreementSummary):
    """Content: `WhatContent`, sealed as the record ``worded``."""

    worded: Id
    content: Sealed


class AgreementsListed(Reply):
    type: Literal["session.agreements_listed"] = "session.agreements_listed"
    agreements: list[StoredAgreement]
    more: bool


class WhatContent(Value):
    what: str


class ReportContent(Value):
    text: str


ClientFrame = (
    AgreementPropose | AgreementRevise | AgreementAccept | AgreementDecline | AgreementReport | AgreementClose
    | AgreementList
)  # fmt: skip
ServerFrame = AgreementWorded | AgreementAccepted | AgreementChanged | AgreementReported | AgreementDue
Command = (
    WordAgreement | AnswerAgreement | ReportAgreement | CloseAgreement | RemindAgreement | ListAgreements
)  # fmt: skip
Fact = (
    AgreementWordedFact | AgreementAcceptedFact | AgreementChangedFact | AgreementReportedFact | AgreementDueFact
)  # fmt: skip
Told = AgreementsListed
OKS: dict[str, type[Answer]] = {"agreement.list": AgreementsOk}
CONTENTS = (WhatContent, ReportContent)
