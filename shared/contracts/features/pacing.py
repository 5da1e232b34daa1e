"""Pacing: how two people share a conversation, in figures. docs/pacing.md says what each of them is."""

from typing import Literal

from shared.contracts.frames.values import Value
from shared.contracts.ids import Id, Intervention
from shared.contracts.records import Notice


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


class PacingUpdatedFrame(Figures):
    """The figures as they are now; ``running``: those of the session that runs."""

    type: Literal["pacing.updated"] = "pacing.updated"
    conversation: Id
    running: SessionFigures | None


class PacingUpdated(Notice):
    type: Literal["session.pacing_updated"] = "session.pacing_updated"
    participants: dict[Id, ParticipantFigures]
    ratios: Ratios
    running: SessionFigures | None


ServerFrame = PacingUpdatedFrame
Told = PacingUpdated
