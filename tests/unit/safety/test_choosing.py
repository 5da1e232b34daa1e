"""Which crisis resources are for whom, and what answers at intake advise."""

from typing import Any

import pytest

from deploy.local.safety_cli import OWN
from shared.contracts.exercises import AnyGiven, ChoiceGiven, RatingGiven, SkipGiven, TextGiven
from shared.safety import library
from shared.safety.crisis import chosen
from shared.safety.suitability import MisfitAnswer, advice, require_fit

DATA = library.own(OWN).everybody


@pytest.mark.parametrize(
    ("locale", "country", "region"),
    [
        (None, None, "ZZ"),
        ("fr-FR", None, "FR"),
        ("fr-CA", None, "CA"),
        ("fr", None, "FR"),
        ("en", None, "ZZ"),  # a language of many countries, whose numbers differ
        ("en-GB", None, "GB"),
        ("pl-PL", None, "EU"),
        ("zh-Hant-TW", None, "ZZ"),
        ("DE-de", None, "DE"),
        ("fr-FR", "US", "US"),
        ("fr-FR", "SE", "EU"),
        (None, "XX", "ZZ"),
    ],
)
def test_the_region_is_ones_own(locale: str | None, country: str | None, region: str) -> None:
    assert chosen(DATA.resources, locale, country).region == region


def test_it_is_told_in_ones_language_else_in_english() -> None:
    assert chosen(DATA.resources, "fr-DE").name == "Allemagne"
    assert chosen(DATA.resources, "de-CH").name == "Schweiz"
    assert chosen(DATA.resources, "sv-SE").name == "European Union"


ANSWERS: dict[str, AnyGiven] = {
    "harm": ChoiceGiven(kind="choice", chosen=["never"]),
    "safe_at_home": ChoiceGiven(kind="choice", chosen=["safe"]),
    "private_place": ChoiceGiven(kind="choice", chosen=["has_one"]),
    "writing": RatingGiven(kind="rating", rating=4),
    "senses": ChoiceGiven(kind="choice", chosen=["no_such"]),
    "substances": RatingGiven(kind="rating", rating=6),
}


def ids(**changed: AnyGiven) -> list[str]:
    require_fit(DATA.suitability, {**ANSWERS, **changed})
    return [one.id for one in advice(DATA.suitability, {**ANSWERS, **changed})]


def test_advice_follows_the_rules_the_important_first() -> None:
    assert ids() == []
    assert ids(writing=RatingGiven(kind="rating", rating=3)) == ["hard_to_write"]  # the edge of its range
    assert ids(substances=RatingGiven(kind="rating", rating=7)) == ["substances_high"]
    several = ids(writing=RatingGiven(kind="rating", rating=0), senses=ChoiceGiven(kind="choice", chosen=["lately"]))
    assert several == ["unusual_senses", "hard_to_write"]


@pytest.mark.parametrize(
    ("question", "given", "reason"),
    [
        ("harm", None, "required"),
        ("harm", SkipGiven(kind="skip"), "required"),
        ("harm", ChoiceGiven(kind="choice", chosen=["never", "often"]), "count"),
        ("harm", ChoiceGiven(kind="choice", chosen=["other"]), "option"),
        ("writing", RatingGiven(kind="rating", rating=11), "range"),
        ("writing", TextGiven(kind="text", text="well"), "kind"),
        ("other_help", TextGiven(kind="text", text="x" * 1001), "too_long"),
        ("none_such", TextGiven(kind="text", text="x"), "unknown"),
    ],
)
def test_an_answer_that_doesnt_fit_is_named(question: str, given: AnyGiven | None, reason: str) -> None:
    answers: dict[str, Any] = {**ANSWERS, question: given}
    with pytest.raises(MisfitAnswer) as misfit:
        require_fit(DATA.suitability, {name: one for name, one in answers.items() if one is not None})
    assert (misfit.value.question, misfit.value.reason) == (question, reason)


def test_an_optional_question_may_be_left_out() -> None:
    assert ids(other_help=SkipGiven(kind="skip")) == []
