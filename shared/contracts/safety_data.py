"""Safety as data: where help is to be had (``resources.yaml``), and what is asked at intake (``suitability.yaml``).

The JSON schemas are made from these models. What a schema can't say is in `shared.safety`.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.exercises import (
    ChoiceAsked,
    Language,
    Name,
    Rating,
    RatingAsked,
    Text,
    TextAsked,
    Version,
    Written,
)

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2; ``EU`` and ``ZZ`` (anywhere) are regions of their own."""
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]([0-9 ]{0,22}[0-9])$")]
"""To be dialled as it is."""
Link = Annotated[str, StringConstraints(pattern=r"^https://[^\s\"<>]+$", max_length=200)]

ESCALATE_S = 600
"""How long a raise waits for somebody to see it, where a tenant doesn't say."""


class Contact(Written):
    """One way to get help: a name, and at least one of ``call``, ``text``, ``link``.

    ``source``: the provider's own page, where it is to be checked; ``noted``: when it was written down here.
    """

    name: Text
    call: Number | None = None
    text: Number | None = None
    link: Link | None = None
    hours: Text | None = None
    note: Text | None = None
    source: Link
    noted: Day


class RegionHelp(Written):
    """Who helps in a region, the first one first. ``also``: countries without an entry of their own that it serves."""

    name: Text
    emergency: Annotated[list[Number], Field(min_length=1, max_length=4)]
    contacts: Annotated[list[Contact], Field(min_length=1, max_length=12)]
    also: Annotated[list[Country], Field(default_factory=list, max_length=60)]


class Resources(Written):
    """Crisis resources by region.

    ``languages``: by language, the region of who names no country. ``default``: of everybody else.
    """

    version: Version
    default: Country
    languages: Annotated[dict[Language, Country], Field(default_factory=dict, max_length=100)]
    escalate_after_s: Annotated[int, Field(ge=1, le=86_400)] = ESCALATE_S
    regions: Annotated[dict[Country, RegionHelp], Field(min_length=1, max_length=250)]


QuestionAsked = Annotated[TextAsked | ChoiceAsked | RatingAsked, Field(discriminator="kind")]


class IntakeQuestion(Written):
    id: Name
    text: Text
    answer: QuestionAsked
    optional: bool = False


class AnswerIs(Written):
    """This option was chosen, or the rating is in this range. Unanswered: no."""

    question: Name
    chose: Name | None = None
    at_least: Rating | None = None
    at_most: Rating | None = None


class Rule(Written):
    """Advice to the therapist, where all conditions hold."""

    id: Name
    when: Annotated[list[AnswerIs], Field(min_length=1, max_length=5)]
    weight: Literal["consider", "important"]
    advice: Text


class Suitability(Written):
    """Whether therapy by text suits somebody: what is asked, and what a therapist is then to consider."""

    version: Version
    title: Text
    about: Text
    questions: Annotated[list[IntakeQuestion], Field(min_length=1, max_length=40)]
    rules: Annotated[list[Rule], Field(max_length=60)]
