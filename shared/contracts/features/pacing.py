"""Pacing: how two people share a conversation, in figures. docs/pacing.md says what each of them is."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply
from shared.contracts.frames.base import Answer, InConversation
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Intervention
from shared.contracts.records import Notice, Question


class ParticipantFigures(Value):
    """``share`` is null while nobody has said a word, ``median_reply_s`` while there is no reply."""

    messages: int
    words: int
    share: float | None
    turns: int
    longest_run: int
    median_reply_s: float | None
    interventions: dict[Intervention, int]


class Ratios(Value):
    """Of motivational interviewing; null where there is nothing to divide by."""

    reflections_to_questions: float | None
    open_to_all_questions: float | None
    complex_to_all_reflections: float | None


class Figures(Value):
    """Of a whole conversation, or of one session."""

    participants: dict[Id, ParticipantFigures]
    ratios: Ratios


class SessionFigures(Figures):
    session: Id
    started_at: str
    ended_at: str | None


class Prompt(Value):
    """A Socratic prompt, in one language."""

    id: str
    theme: str
    text: str


# --- frames ---------------------------------------------------------------------------------------------------------


class PacingGet(InConversation):
    """Of the whole conversation, or of one session."""

    type: Literal["pacing.get"]
    session: Id | None = None


class PacingSeries(InConversation):
    """Session by session, newest first; or those before one."""

    type: Literal["pacing.series"]
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


class PacingMute(InConversation):
    """Whether the therapist wants no offers in this conversation."""

    type: Literal["pacing.mute"]
    muted: bool


class PacingOk(Answer, Figures):
    """``muted``: to the therapist, whether offers are."""

    muted: bool | None = LeftOut


class PacingSeriesOk(Answer):
    sessions: list[SessionFigures]
    more: bool


class PacingUpdatedFrame(Figures):
    """The figures as they are now; ``running``: those of the session that runs."""

    type: Literal["pacing.updated"] = "pacing.updated"
    conversation: Id
    running: SessionFigures | None


class PacingOfferFrame(Value):
    """To the therapist alone: their share of the last 200 words, and three prompts to choose from or leave."""

    type: Literal["pacing.offer"] = "pacing.offer"
    conversation: Id
    share: float
    version: int
    prompts: list[Prompt]


# --- commands, answers, notices -------------------------------------------------------------------------------------


class ReadPacing(Question):
    type: Literal["session.read_pacing"] = "session.read_pacing"
    session: Id | None


class ReadPacingSeries(Question):
    type: Literal["session.read_pacing_series"] = "session.read_pacing_series"
    before: Id | None
    limit: int


class MuteOffers(Question):
    type: Literal["session.mute_offers"] = "session.mute_offers"
    muted: bool


class PacingRead(Reply):
    type: Literal["session.pacing_read"] = "session.pacing_read"
    figures: Figures
    muted: bool


class PacingSeriesRead(Reply):
    type: Literal["session.pacing_series_read"] = "session.pacing_series_read"
    sessions: list[SessionFigures]
    more: bool


class PacingUpdated(Notice):
    type: Literal["session.pacing_updated"] = "session.pacing_updated"
    participants: dict[Id, ParticipantFigures]
    ratios: Ratios
    running: SessionFigures | None


class PacingOffered(Notice):
    type: Literal["session.pacing_offered"] = "session.pacing_offered"
    share: float
    version: int
    prompts: list[Prompt]


ClientFrame = PacingGet | PacingSeries | PacingMute
ServerFrame = PacingUpdatedFrame | PacingOfferFrame
OKS: dict[str, type[Answer]] = {"pacing.get": PacingOk, "pacing.series": PacingSeriesOk}
Command = ReadPacing | ReadPacingSeries | MuteOffers
Told = PacingRead | PacingSeriesRead | PacingUpdated | PacingOffered
