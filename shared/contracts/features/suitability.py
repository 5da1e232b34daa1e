"""Whether therapy by text suits this client: answered at intake. What follows is advice to the therapist, no more."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.exercises import AnswerValue, Name, Text, Version
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id
from shared.contracts.records import Question, RecordCommand, RecordFact
from shared.contracts.safety_data import IntakeQuestion

Answers = Annotated[dict[Name, AnswerValue], Field(min_length=1, max_length=40)]


class SuitabilityGet(InConversation):
    type: Literal["suitability.get"]


class SuitabilityAnswer(Lasting):
    """The client's. ``version``: of the questions that were shown; again, it takes the place of what was answered."""

    type: Literal["suitability.answer"]
    version: Version
    answers: Answers


class AdviceValue(Value):
    id: Name
    weight: Literal["consider", "important"]
    advice: Text


class FormAnsweredValue(Value):
    version: Version
    at: str
    answers: Answers


class FormAskedValue(Value):
    """The questions as they are now, in each of their languages."""

    version: Version
    title: Text
    about: Text
    questions: list[IntakeQuestion]


class SuitabilityOk(Answer):
    """``advice``: the therapist's alone, of what was answered and the rules as they were then."""

    form: FormAskedValue
    answered: FormAnsweredValue | None = LeftOut
    advice: list[AdviceValue] | None = LeftOut


class SuitabilityAnswered(Happened):
    """Without the advice: it is told by ``suitability.get``, to the therapist."""

    type: Literal["suitability.answered"] = "suitability.answered"
    version: Version
    answers: Answers


class SuitabilityContent(Value):
    """``advice`` isn't a member of the frame, so that no client is told."""

    answers: Answers
    advice: list[AdviceValue]


class AnswerSuitability(RecordCommand):
    """Content: `SuitabilityContent`."""

    type: Literal["session.answer_suitability"] = "session.answer_suitability"
    version: Version


class ReadSuitability(Question):
    type: Literal["session.read_suitability"] = "session.read_suitability"


class SuitabilityRead(Reply):
    """What was answered last, sealed as ``record``; nothing: not yet. Content: `SuitabilityContent`."""

    type: Literal["session.suitability_read"] = "session.suitability_read"
    version: Version | None = None
    at: str | None = None
    record: Id | None = None
    content: Sealed | None = None


class SuitabilityAnsweredFact(RecordFact):
    """Content: `SuitabilityContent`."""

    kind: Literal["suitability.answered"] = "suitability.answered"
    version: Version


ClientFrame = SuitabilityGet | SuitabilityAnswer
ServerFrame = SuitabilityAnswered
Command = AnswerSuitability | ReadSuitability
Fact = SuitabilityAnsweredFact
Told = SuitabilityRead
OKS: dict[str, type[Answer]] = {"suitability.get": SuitabilityOk}
CONTENTS = (SuitabilityContent,)
