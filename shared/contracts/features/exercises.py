"""Exercises, step by step: the catalogue, what is asked and answered, and the ratings over time.

A run is an exercise that was started; its id is that of the frame that started it.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.exercises import AnswerValue, Definition, Language, Name, Rating, Version
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Seq
from shared.contracts.records import Question, RecordCommand, RecordFact

State = Literal["running", "paused", "finished", "stopped"]

# --- frames -----------------------------------------------------------------------------------------------------------


class ExerciseCatalog(InConversation):
    """What can be started; a page follows the exercise that is named last."""

    type: Literal["exercise.catalog"]
    after: Name | None = None


class ExerciseStart(Lasting):
    """Either starts. ``run`` is the client's own id, and makes it happen once. ``version`` left out: the newest."""

    type: Literal["exercise.start"]
    run: Id | None = None
    exercise: Name
    version: Version | None = None

    @property
    def own_id(self) -> str | None:
        return self.run or self.record


class ExerciseAnswer(Lasting):
    """The client answers the step that waits."""

    type: Literal["exercise.answer"]
    run: Id
    step: Name
    answer: AnswerValue


class ExerciseChange(Lasting):
    """Either pauses, resumes and stops, and finishes when all is answered."""

    type: Literal["exercise.pause", "exercise.resume", "exercise.finish", "exercise.stop"]
    run: Id


class ExerciseList(InConversation):
    """Runs, the newest first; ``open``: those that run or pause. ``before``: what follows a run that one has."""

    type: Literal["exercise.list"]
    open: bool | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


class ExerciseGet(InConversation):
    """One run with its definition and answers, ascending, behind an ``n``."""

    type: Literal["exercise.get"]
    run: Id
    after: Seq | None = None


class ExerciseSeries(InConversation):
    """The ratings before and after, over time: those of the last runs, ascending."""

    type: Literal["exercise.series"]
    exercise: Name
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


class ExerciseSummary(Value):
    """``own``: the tenant's own."""

    exercise: Name
    version: Version
    own: bool
    title: dict[Language, str]
    about: dict[Language, str]


class RunValue(Value):
    """``step``: the one that waits for its answer; null: all are answered, or it has ended."""

    run: Id
    exercise: Name
    version: Version
    title: dict[Language, str]
    state: State
    step: Name | None
    started_by: Id
    started_at: str
    changed_at: str


class AnsweredValue(Value):
    step: Name
    answer: AnswerValue
    n: Seq
    at: str


class RatingsValue(Value):
    """Of one run. ``after`` is null where it didn't come to that."""

    run: Id
    version: Version
    state: State
    started_at: str
    before: Rating
    after: Rating | None


class CatalogOk(Answer):
    exercises: list[ExerciseSummary]
    more: bool


class RunsOk(Answer):
    runs: list[RunValue]
    more: bool


class RunOk(Answer):
    run: RunValue
    definition: Definition
    answers: list[AnsweredValue]
    more: bool


class SeriesOk(Answer):
    series: list[RatingsValue]


class ExerciseStarted(Happened):
    type: Literal["exercise.started"] = "exercise.started"
    run: Id
    exercise: Name
    version: Version


class ExerciseAnswered(Happened):
    """``next``: the step that waits now; null: all are answered."""

    type: Literal["exercise.answered"] = "exercise.answered"
    run: Id
    step: Name
    next: Name | None
    answer: AnswerValue


class ExerciseChanged(Happened):
    type: Literal["exercise.paused", "exercise.resumed", "exercise.finished", "exercise.stopped"]
    run: Id


# --- commands and facts -----------------------------------------------------------------------------------------------


class StartExercise(RecordCommand):
    type: Literal["session.start_exercise"] = "session.start_exercise"
    exercise: Name
    version: Version | None = None


class AnswerExercise(RecordCommand):
    """``next``: the step that follows, as the gateway found by the answers, which it alone reads."""

    type: Literal["session.answer_exercise"] = "session.answer_exercise"
    run: Id
    step: Name
    next: Name | None


class ChangeExercise(RecordCommand):
    type: Literal["session.change_exercise"] = "session.change_exercise"
    run: Id
    action: Literal["pause", "resume", "finish", "stop"]


class ReadCatalog(Question):
    type: Literal["session.read_catalog"] = "session.read_catalog"
    after: Name | None = None


class ListRuns(Question):
    type: Literal["session.list_runs"] = "session.list_runs"
    open: bool
    before: Id | None = None
    limit: int


class ReadRun(Question):
    """``deciding``: all answers, those alone with their content on which the next step can depend."""

    type: Literal["session.read_run"] = "session.read_run"
    run: Id
    after: Seq = 0
    deciding: bool = False


class ReadSeries(Question):
    type: Literal["session.read_series"] = "session.read_series"
    exercise: Name
    limit: int


class ExerciseStartedFact(RecordFact):
    kind: Literal["exercise.started"] = "exercise.started"
    run: Id
    exercise: Name
    version: Version


class ExerciseAnsweredFact(RecordFact):
    """Content: `AnswerContent`."""

    kind: Literal["exercise.answered"] = "exercise.answered"
    run: Id
    step: Name
    next: Name | None


class ExerciseChangedFact(RecordFact):
    kind: Literal["exercise.paused", "exercise.resumed", "exercise.finished", "exercise.stopped"]
    run: Id


class CatalogRead(Reply):
    type: Literal["session.catalog_read"] = "session.catalog_read"
    exercises: list[ExerciseSummary]
    more: bool


class RunsListed(Reply):
    type: Literal["session.runs_listed"] = "session.runs_listed"
    runs: list[RunValue]
    more: bool


class StoredAnswer(Value):
    """Content: `AnswerContent`; left out where it wasn't asked for."""

    step: Name
    record: Id
    n: Seq
    at: str
    content: Sealed | None = LeftOut


class RunRead(Reply):
    type: Literal["session.run_read"] = "session.run_read"
    run: RunValue
    definition: Definition
    answers: list[StoredAnswer]
    more: bool


class StoredRating(Value):
    """Content: `AnswerContent`, sealed as the record."""

    record: Id
    content: Sealed


class StoredRatings(Value):
    """The two ratings of a run, sealed as they came."""

    run: Id
    version: Version
    state: State
    started_at: str
    before: StoredRating
    after: StoredRating | None = LeftOut


class SeriesRead(Reply):
    type: Literal["session.series_read"] = "session.series_read"
    series: list[StoredRatings]


class AnswerContent(Value):
    answer: AnswerValue


ClientFrame = (
    ExerciseCatalog | ExerciseStart | ExerciseAnswer | ExerciseChange | ExerciseList | ExerciseGet | ExerciseSeries
)  # fmt: skip
ServerFrame = ExerciseStarted | ExerciseAnswered | ExerciseChanged
Command = StartExercise | AnswerExercise | ChangeExercise | ReadCatalog | ListRuns | ReadRun | ReadSeries
Fact = ExerciseStartedFact | ExerciseAnsweredFact | ExerciseChangedFact
Told = CatalogRead | RunsListed | RunRead | SeriesRead
OKS: dict[str, type[Answer]] = {
    "exercise.catalog": CatalogOk,
    "exercise.list": RunsOk,
    "exercise.get": RunOk,
    "exercise.series": SeriesOk,
}
CONTENTS = (AnswerContent,)
