"""What a session was, in facts: how long, who said how much, and what was done in it. What it means is left to people.

What something says isn't repeated here: ids lead to it.
"""

from typing import Literal

from shared.contracts.envelope import Reply
from shared.contracts.exercises import Name, Version
from shared.contracts.features import agreements, attunement, exercises
from shared.contracts.features.exercises import StoredRating
from shared.contracts.features.pacing import Figures
from shared.contracts.frames.base import Answer, InConversation
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id
from shared.contracts.records import Question

MOST = 100
"""Things of one kind that a summary has."""


class SessionSummary(InConversation):
    """Of one that runs: up to now."""

    type: Literal["session.summary"]
    session: Id


class SymbolUses(Value):
    """How often each of them used a symbol, in messages and reactions."""

    symbol: Id
    uses: dict[Id, int]


class ExerciseHeld(Value):
    """An exercise that was started or gone on with. As it stands now."""

    run: Id
    exercise: Name
    version: Version
    state: exercises.State


class StoredExercise(ExerciseHeld):
    before: StoredRating | None
    after: StoredRating | None


class ExerciseDone(ExerciseHeld):
    """With the ratings, where there are any."""

    before: int | None = LeftOut
    after: int | None = LeftOut


class AgreementTouched(Value):
    """An agreement that something was done with. As it stands now."""

    agreement: Id
    state: agreements.State
    how: agreements.How | None = LeftOut


class CheckOpen(Value):
    """What was asked in the session, and isn't heard yet."""

    check: Id
    message: Id
    state: attunement.State
    round: int


class Facts(Value):
    """``duration_s``: up to now while it runs."""

    session: Id
    started_at: str
    ended_at: str | None
    duration_s: int
    pacing: Figures
    symbols: list[SymbolUses]
    agreements: list[AgreementTouched]
    attunement_open: list[CheckOpen]


class SummaryOk(Answer, Facts):
    exercises: list[ExerciseDone]


class ReadSummary(Question):
    type: Literal["session.read_summary"] = "session.read_summary"
    session: Id


class StoredSummary(Facts):
    exercises: list[StoredExercise]


class SummaryRead(Reply):
    type: Literal["session.summary_read"] = "session.summary_read"
    summary: StoredSummary


ClientFrame = SessionSummary
Command = ReadSummary
Told = SummaryRead
OKS: dict[str, type[Answer]] = {"session.summary": SummaryOk}
