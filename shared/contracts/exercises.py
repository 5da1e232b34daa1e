"""Exercises: what a definition says (a YAML file, `services/session/exercises`), and what an answer to a step holds.

The JSON schema of definitions is made from these models. What a schema can't say is in `shared.exercises.checks`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.frames.values import Value
from shared.contracts.text import TEXT_MAX

BEFORE = "before"
AFTER = "after"
END = "end"
RESERVED = frozenset({BEFORE, AFTER, END})
"""The two ratings are steps as well, the first and the last; ``go: end`` passes over what is left."""

RATING_MOST = 10
ITEM_MAX = 1_000
"""Code points of one item of a list."""
ITEMS_MAX = 20

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Rating = Annotated[int, Field(ge=0, le=RATING_MOST)]
Count = Annotated[int, Field(ge=0, le=ITEMS_MAX)]
Text = Annotated[
    dict[Language, Annotated[str, StringConstraints(min_length=1, max_length=1_500, pattern=r"\S")]],
    Field(min_length=1),
]
"""The same in each language of the definition."""


class Written(BaseModel):
    """A part of a definition. In a file it may hold nothing that isn't known here, so that a slip is told
    (`shared.exercises.loading`); between two versions of the platform it may.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class Option(Written):
    id: Name
    text: Text


class Phase(Written):
    phase: Literal["in", "hold", "out", "rest"]
    seconds: Annotated[float, Field(ge=1, le=20)]


class TextAsked(Written):
    """Free words."""

    kind: Literal["text"]
    most: Annotated[int, Field(ge=1, le=TEXT_MAX)] = 4_000


class ChoiceAsked(Written):
    """One of some options, or several of them."""

    kind: Literal["choice"]
    options: Annotated[list[Option], Field(min_length=2, max_length=30)]
    least: Annotated[int, Field(ge=1, le=30)] = 1
    most: Annotated[int, Field(ge=1, le=30)] = 1


class ListAsked(Written):
    """A number of things, each in a few words."""

    kind: Literal["list"]
    least: Annotated[int, Field(ge=1, le=ITEMS_MAX)]
    most: Annotated[int, Field(ge=1, le=ITEMS_MAX)]


class RatingAsked(Written):
    """A whole number from 0 to 10, with what its ends mean."""

    kind: Literal["rating"]
    low: Text
    high: Text


class BreathingAsked(Written):
    """Breathing in time; anybody may stop before the last cycle."""

    kind: Literal["breathing"]
    phases: Annotated[list[Phase], Field(min_length=2, max_length=4)]
    cycles: Annotated[int, Field(ge=1, le=60)]


Asked = Annotated[
    TextAsked | ChoiceAsked | ListAsked | RatingAsked | BreathingAsked,
    Field(discriminator="kind"),
]


class Condition(Written):
    """Of an earlier step's answer: this option was chosen, or the rating is in this range. Unanswered: no."""

    step: Name
    chose: Name | None = None
    at_least: Rating | None = None
    at_most: Rating | None = None


Conditions = Annotated[list[Condition], Field(min_length=1, max_length=5)]


class Jump(Written):
    """Where to go on once a step is answered, if all conditions hold (none: always)."""

    when: Conditions | None = None
    go: Name


class Step(Written):
    """One prompt and its answer. ``when``: all must hold, else the step is passed over."""

    id: Name
    prompt: Text
    hint: Text | None = None
    answer: Asked
    optional: bool = False
    when: Conditions | None = None
    then: Annotated[list[Jump], Field(min_length=1, max_length=5)] | None = None


class BeforeAfter(Written):
    """Asked first and last; the two are charted over time."""

    prompt: Text
    low: Text
    high: Text


class Definition(Written):
    """An exercise in one version. A version never changes: what is running keeps it."""

    model_config = ConfigDict(title="Exercise")

    exercise: Name
    version: Version
    title: Text
    about: Text
    care: Text | None = None
    """For whom, or when, it isn't; and that one may stop."""
    rating: BeforeAfter
    steps: Annotated[list[Step], Field(min_length=1, max_length=40)]


# --- answers ----------------------------------------------------------------------------------------------------------

Given = Annotated[str, StringConstraints(max_length=TEXT_MAX)]


class TextGiven(Value):
    kind: Literal["text"]
    text: Given


class ChoiceGiven(Value):
    kind: Literal["choice"]
    chosen: Annotated[list[Name], Field(max_length=30)]


class ListGiven(Value):
    kind: Literal["list"]
    items: Annotated[list[Given], Field(max_length=100)]


class RatingGiven(Value):
    kind: Literal["rating"]
    rating: int


class BreathingGiven(Value):
    """How many cycles were breathed to their end."""

    kind: Literal["breathing"]
    cycles: int


class SkipGiven(Value):
    """The step is passed over; only an optional one."""

    kind: Literal["skip"]


AnyGiven = TextGiven | ChoiceGiven | ListGiven | RatingGiven | BreathingGiven | SkipGiven
AnswerValue = Annotated[AnyGiven, Field(discriminator="kind")]
