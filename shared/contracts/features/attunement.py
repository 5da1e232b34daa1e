"""Attunement: "what did you hear?", said back, and whether that is what was meant."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply
from shared.contracts.frames.base import Answer, From, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Seq
from shared.contracts.records import Question, RecordCommand, RecordFact

State = Literal["asked", "reflected", "heard", "taken_back"]
Round = Annotated[int, Field(ge=1, le=2**31 - 1)]


# --- frames from clients --------------------------------------------------------------------------------------------


class AttuneAsk(Lasting):
    """Of either's message, by either. ``check`` is the client's own id for it, and makes it happen once."""

    type: Literal["attune.ask"]
    message: Id
    check: Id | None = None

    @property
    def own_id(self) -> str | None:
        return self.check or self.record


class AttuneReflect(Lasting):
    """Say back what one heard; by the one who didn't write the message."""

    type: Literal["attune.reflect"]
    check: Id
    text: str


class AttuneAnswer(Lasting):
    """By the message's author. Where it wasn't heard as meant, the next round begins."""

    type: Literal["attune.answer"]
    check: Id
    heard: bool
    text: str | None = None


class AttuneList(InConversation):
    """Checks with what was said in them; the newest, or those asked before an ``n``. ``open``: only such."""

    type: Literal["attune.list"]
    open: bool | None = None
    before: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


# --- what participants are told -------------------------------------------------------------------------------------


class AttuneAsked(Happened):
    type: Literal["attune.asked"] = "attune.asked"
    check: Id
    message: Id


class AttuneReflected(Happened):
    type: Literal["attune.reflected"] = "attune.reflected"
    check: Id
    round: Round
    text: str


class AttuneAnswered(Happened):
    """``round``: the one that was answered."""

    type: Literal["attune.answered"] = "attune.answered"
    check: Id
    round: Round
    heard: bool
    text: str | None = LeftOut


class SaidValue(Value):
    """One thing said in a check: what was heard, or (with ``heard``) its author's answer."""

    round: Round
    sender: From
    at: str
    text: str | None = LeftOut
    heard: bool | None = LeftOut


class CheckValue(Value):
    """``author``: of the message. ``said``: the newest, where not all of it fits; ``earlier``: how much isn't there."""

    check: Id
    n: Seq
    message: Id
    seq: Seq
    author: Id
    sender: From
    at: str
    session: Id | None
    state: State
    round: Round
    said: list[SaidValue]
    earlier: int = 0


class RoundsValue(Value):
    """How many checks took so many rounds until their author was heard."""

    rounds: Round
    checks: int


class FiguresValue(Value):
    """Of the checks asked in a session (None: between sessions)."""

    session: Id | None
    checks: int
    heard: int
    open: int
    heard_after: list[RoundsValue]


class ChecksOk(Answer):
    """``checks`` ascending, as history is. ``sessions``: those with checks, the newest last."""

    checks: list[CheckValue]
    more: bool
    sessions: list[FiguresValue]


# --- commands, facts and replies ------------------------------------------------------------------------------------


class AskCheck(RecordCommand):
    """Its id is the record's."""

    type: Literal["session.ask_check"] = "session.ask_check"
    message: Id


class ReflectCheck(RecordCommand):
    """Content: `SaidContent`."""

    type: Literal["session.reflect_check"] = "session.reflect_check"
    check: Id


class AnswerCheck(RecordCommand):
    """Content: `SaidContent`, if there is a text."""

    type: Literal["session.answer_check"] = "session.answer_check"
    check: Id
    heard: bool


class ListChecks(Question):
    type: Literal["session.list_checks"] = "session.list_checks"
    only_open: bool
    before: Seq | None
    limit: int


class CheckAskedFact(RecordFact):
    kind: Literal["attune.asked"] = "attune.asked"
    check: Id
    message: Id


class CheckReflectedFact(RecordFact):
    kind: Literal["attune.reflected"] = "attune.reflected"
    check: Id
    round: Round


class CheckAnsweredFact(RecordFact):
    kind: Literal["attune.answered"] = "attune.answered"
    check: Id
    round: Round
    heard: bool


class StoredCheck(Value):
    """``said``: the newest facts of it, ascending; ``earlier``: how many others there are."""

    check: Id
    n: Seq
    message: Id
    seq: Seq
    author: Id
    asked_by: Id
    at: str
    session: Id | None
    state: State
    round: Round
    said: list[CheckReflectedFact | CheckAnsweredFact]
    earlier: int


class ChecksListed(Reply):
    type: Literal["session.checks_listed"] = "session.checks_listed"
    checks: list[StoredCheck]
    more: bool
    sessions: list[FiguresValue]


class SaidContent(Value):
    text: str


ClientFrame = AttuneAsk | AttuneReflect | AttuneAnswer | AttuneList
ServerFrame = AttuneAsked | AttuneReflected | AttuneAnswered
OKS: dict[str, type[Answer]] = {"attune.list": ChecksOk}
Command = AskCheck | ReflectCheck | AnswerCheck | ListChecks
Fact = CheckAskedFact | CheckReflectedFact | CheckAnsweredFact
Told = ChecksListed
CONTENTS: tuple[type[Value], ...] = (SaidContent,)
