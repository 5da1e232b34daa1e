"""The safety plan (Stanley and Brown): written together before it is needed, in versions that stay."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id
from shared.contracts.records import Question, RecordCommand, RecordFact

ITEM_MAX = 500
Items = Annotated[list[str], Field(max_length=20)]
EMPTY: list[str] = Field(default_factory=list)
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class PlanValue(Value):
    """In the order in which it is used: from what one sees coming, over what one can do, to who can help.

    What is left out is empty: a plan is begun somewhere. But something must be named, or it is no plan.
    """

    warning_signs: Items = EMPTY
    coping: Items = EMPTY
    people: Items = EMPTY
    places: Items = EMPTY
    professionals: Items = EMPTY
    making_safe: Items = EMPTY

    @model_validator(mode="after")
    def _names_a_list(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("none of the lists is named")
        return self


class PlanGet(InConversation):
    """The newest version, or an earlier one."""

    type: Literal["safety_plan.get"]
    version: Version | None = None


class PlanSave(Lasting):
    """By either. ``based_on``: the version that this one follows; 0: the first."""

    type: Literal["safety_plan.save"]
    based_on: Annotated[int, Field(ge=0, le=2**31 - 1)]
    plan: PlanValue


class PlanOk(Answer):
    """``version`` 0 and no plan: there is none yet. ``newest``: the number of the newest."""

    version: int
    newest: int
    author: Id | None = LeftOut
    at: str | None = LeftOut
    plan: PlanValue | None = LeftOut


class PlanSaved(Happened):
    type: Literal["safety_plan.saved"] = "safety_plan.saved"
    version: Version
    plan: PlanValue


class PlanContent(Value):
    plan: PlanValue


class SavePlan(RecordCommand):
    """Content: `PlanContent`."""

    type: Literal["session.save_plan"] = "session.save_plan"
    based_on: int


class ReadPlan(Question):
    type: Literal["session.read_plan"] = "session.read_plan"
    version: Version | None = None


class PlanRead(Reply):
    """Content: `PlanContent`, sealed as ``record``."""

    type: Literal["session.plan_read"] = "session.plan_read"
    version: int
    newest: int
    author: Id | None = None
    at: str | None = None
    record: Id | None = None
    content: Sealed | None = None


class PlanSavedFact(RecordFact):
    """Content: `PlanContent`."""

    kind: Literal["safety_plan.saved"] = "safety_plan.saved"
    version: Version


ClientFrame = PlanGet | PlanSave
ServerFrame = PlanSaved
Command = SavePlan | ReadPlan
Fact = PlanSavedFact
Told = PlanRead
OKS: dict[str, type[Answer]] = {"safety_plan.get": PlanOk}
CONTENTS = (PlanContent,)
