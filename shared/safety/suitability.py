"""Questions of suitability: what is wrong with a file of them, whether answers fit, and what they advise."""

from collections.abc import Iterator, Mapping

from shared.contracts.exercises import (
    RATING_MOST,
    AnyGiven,
    ChoiceAsked,
    ChoiceGiven,
    RatingAsked,
    RatingGiven,
    SkipGiven,
    Text,
)
from shared.contracts.features.suitability import AdviceValue
from shared.contracts.safety_data import AnswerIs, IntakeQuestion, Suitability
from shared.exercises.checks import Fault, Loc
from shared.exercises.flow import Unfit, misfit


def faults(form: Suitability) -> list[Fault]:
    """What a schema can't say, in the order of the document."""
    return [*_questions(form), *_rules(form), *_languages(form)]


def _questions(form: Suitability) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, question in enumerate(form.questions):
        at: Loc = ("questions", index)
        if question.id in seen:
            yield Fault((*at, "id"), f"there are two questions '{question.id}'")
        seen.add(question.id)
        asked = question.answer
        if isinstance(asked, ChoiceAsked):
            options = [option.id for option in asked.options]
            if len(set(options)) < len(options):
                yield Fault((*at, "answer", "options"), "an option is there twice")
            if not asked.least <= asked.most <= len(options):
                yield Fault((*at, "answer"), "least, most and the options don't go together")


def _rules(form: Suitability) -> Iterator[Fault]:
    questions = {question.id: question for question in form.questions}
    seen: set[str] = set()
    for index, rule in enumerate(form.rules):
        if rule.id in seen:
            yield Fault(("rules", index, "id"), f"there are two rules '{rule.id}'")
        seen.add(rule.id)
        for number, condition in enumerate(rule.when):
            reason = _misfit(questions.get(condition.question), condition)
            if reason is not None:
                yield Fault(("rules", index, "when", number), reason)


def _misfit(question: IntakeQuestion | None, condition: AnswerIs) -> str | None:
    ranged = condition.at_least is not None or condition.at_most is not None
    if question is None:
        return f"there is no question '{condition.question}'"
    if isinstance(question.answer, ChoiceAsked):
        known = {option.id for option in question.answer.options}
        return None if condition.chose in known and not ranged else f"'{question.id}' wants 'chose', one of its options"
    if isinstance(question.answer, RatingAsked):
        return None if ranged and condition.chose is None else f"'{question.id}' wants 'at_least' or 'at_most'"
    return f"'{question.id}' is answered in free words, which no rule can read"


def _languages(form: Suitability) -> Iterator[Fault]:
    wanted = set(form.title)
    for at, words in _texts(form):
        if set(words) != wanted:
            yield Fault(at, "it must be in the languages of the title")


def _texts(form: Suitability) -> Iterator[tuple[Loc, Text]]:
    yield ("about",), form.about
    for index, question in enumerate(form.questions):
        at: Loc = ("questions", index)
        yield (*at, "text"), question.text
        if isinstance(question.answer, ChoiceAsked):
            for number, option in enumerate(question.answer.options):
                yield (*at, "answer", "options", number, "text"), option.text
        if isinstance(question.answer, RatingAsked):
            yield (*at, "answer", "low"), question.answer.low
            yield (*at, "answer", "high"), question.answer.high
    for index, rule in enumerate(form.rules):
        yield ("rules", index, "advice"), rule.advice


def require_fit(form: Suitability, answers: Mapping[str, AnyGiven]) -> None:
    """Raises `Unfit`, with the question and why (`MisfitAnswer`): each question has its answer, and each fits."""
    known = {question.id for question in form.questions}
    for name in answers:
        if name not in known:
            raise MisfitAnswer(name, "unknown")
    for question in form.questions:
        given = answers.get(question.id)
        if given is None or isinstance(given, SkipGiven):
            reason = None if question.optional else "required"
        else:
            reason = misfit(question.answer, given)
        if reason is not None:
            raise MisfitAnswer(question.id, reason)


class MisfitAnswer(Unfit):
    """An answer doesn't fit its question."""

    def __init__(self, question: str, reason: str) -> None:
        super().__init__(reason)
        self.question = question


def advice(form: Suitability, answers: Mapping[str, AnyGiven]) -> list[AdviceValue]:
    """What a therapist is to consider, the important first. It decides nothing."""
    found = [
        AdviceValue(id=rule.id, weight=rule.weight, advice=rule.advice)
        for rule in form.rules
        if all(_holds(condition, answers.get(condition.question)) for condition in rule.when)
    ]
    return sorted(found, key=lambda one: one.weight != "important")


def _holds(condition: AnswerIs, given: AnyGiven | None) -> bool:
    match given:
        case ChoiceGiven(chosen=chosen):
            return condition.chose in chosen
        case RatingGiven(rating=rating):
            least = 0 if condition.at_least is None else condition.at_least
            most = RATING_MOST if condition.at_most is None else condition.at_most
            return condition.chose is None and least <= rating <= most
        case _:
            return False
