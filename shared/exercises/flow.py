"""The engine: which step comes next after these answers, and whether an answer fits its step."""

from collections.abc import Mapping, Sequence

from shared.contracts.exercises import (
    AFTER,
    BEFORE,
    END,
    ITEM_MAX,
    RATING_MOST,
    AnyGiven,
    Asked,
    BreathingAsked,
    BreathingGiven,
    ChoiceAsked,
    ChoiceGiven,
    Condition,
    Definition,
    ListAsked,
    ListGiven,
    RatingAsked,
    RatingGiven,
    SkipGiven,
    Step,
    TextAsked,
    TextGiven,
)
from shared.contracts.text import fault

Answers = Mapping[str, AnyGiven]
"""By step."""


class Unfit(Exception):  # noqa: N818 - an outcome
    """An answer doesn't fit its step. ``reason`` is one word of a small set, and no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def next_step(definition: Definition, answers: Answers) -> str | None:
    """The step that waits for its answer; None: all are answered, and it can be finished.

    ``answers`` are those given so far; a definition that was checked comes to an end, whatever they are.
    """
    if BEFORE not in answers:
        return BEFORE
    index: int | None = 0
    for _ in definition.steps:  # none comes twice
        if index is None:
            break
        step = definition.steps[index]
        if step.when is not None and not _all(step.when, answers):
            index = _following(definition, index)
        elif step.id in answers:
            index = _after(definition, index, answers)
        else:
            return step.id
    assert index is None
    return None if AFTER in answers else AFTER


def _following(definition: Definition, index: int) -> int | None:
    return index + 1 if index + 1 < len(definition.steps) else None


def _place(definition: Definition, target: str) -> int | None:
    return None if target == END else next(i for i, step in enumerate(definition.steps) if step.id == target)


def _after(definition: Definition, index: int, answers: Answers) -> int | None:
    for jump in definition.steps[index].then or ():
        if jump.when is None or _all(jump.when, answers):
            return _place(definition, jump.go)
    return _following(definition, index)


def _all(conditions: Sequence[Condition], answers: Answers) -> bool:
    return all(_holds(condition, answers.get(condition.step)) for condition in conditions)


def _holds(condition: Condition, given: AnyGiven | None) -> bool:
    match given:
        case ChoiceGiven(chosen=chosen):
            return condition.chose in chosen
        case RatingGiven(rating=rating):
            least = 0 if condition.at_least is None else condition.at_least
            most = RATING_MOST if condition.at_most is None else condition.at_most
            return condition.chose is None and least <= rating <= most
        case _:
            return False


def deciding(definition: Definition) -> frozenset[str]:
    """The steps on whose answers it depends what comes next."""
    asked = [step.when or () for step in definition.steps]
    asked += [jump.when or () for step in definition.steps for jump in step.then or ()]
    return frozenset(condition.step for conditions in asked for condition in conditions)


# --- what can follow, whatever is answered ----------------------------------------------------------------------------


def _answered_edges(definition: Definition, index: int) -> set[int | None]:
    """Where it may go on once a step is answered. None: past the last."""
    jumps = definition.steps[index].then or ()
    edges = {_place(definition, jump.go) for jump in jumps}
    if not any(jump.when is None for jump in jumps):
        edges.add(_following(definition, index))
    return edges


def _edges(definition: Definition, index: int) -> set[int | None]:
    """As above, or where it goes on when the step is passed over."""
    passed = {_following(definition, index)} if definition.steps[index].when is not None else set()
    return _answered_edges(definition, index) | passed


def reachable_from(definition: Definition, step: str) -> frozenset[str]:
    """The steps that can come some time after this one; a step of a loop comes after itself."""
    start = _place(definition, step)
    assert start is not None
    found: set[int] = set()
    waiting = [start]
    while waiting:
        new = {edge for edge in _edges(definition, waiting.pop()) if edge is not None} - found
        found |= new
        waiting += new
    return frozenset(definition.steps[index].id for index in found)


def successors(definition: Definition, step: str) -> frozenset[str | None]:
    """What can wait for its answer right after ``step`` got one: all that who can't read answers knows.

    None: nothing does. Raises KeyError: there is no such step.
    """
    if step == AFTER:
        return frozenset({None})
    place = None if step == BEFORE else definition.steps.index(_step(definition, step))
    waiting: set[int | None] = {0} if place is None else _answered_edges(definition, place)
    found: set[int | None] = set()
    while waiting:
        index = waiting.pop()
        found.add(index)
        if index is not None and definition.steps[index].when is not None:
            waiting.add(_following(definition, index))
    return frozenset(AFTER if index is None else definition.steps[index].id for index in found)


# --- whether an answer fits -------------------------------------------------------------------------------------------


def asked_of(definition: Definition, step: str) -> Asked:
    """What kind of answer a step wants. Raises KeyError: there is no such step."""
    if step in (BEFORE, AFTER):
        return RatingAsked(kind="rating", low=definition.rating.low, high=definition.rating.high)
    return _step(definition, step).answer


def _step(definition: Definition, step: str) -> Step:
    found = next((one for one in definition.steps if one.id == step), None)
    if found is None:
        raise KeyError(step)
    return found


def require_fit(definition: Definition, step: str, given: AnyGiven) -> None:
    """Raises `Unfit`: another kind of answer, or one out of its bounds. Raises KeyError: there is no such step."""
    asked = asked_of(definition, step)
    if isinstance(given, SkipGiven):
        if step in (BEFORE, AFTER) or not _step(definition, step).optional:
            raise Unfit("required")
        return
    reason = misfit(asked, given)
    if reason is not None:
        raise Unfit(reason)


def misfit(asked: Asked, given: AnyGiven) -> str | None:
    """Why an answer doesn't fit what is asked, in one word of a small set; None: it does."""
    match asked, given:
        case TextAsked(most=most), TextGiven(text=text):
            return fault(text, most)
        case ChoiceAsked(), ChoiceGiven(chosen=chosen):
            return _choice_reason(asked, chosen)
        case ListAsked(least=least, most=most), ListGiven(items=items):
            wrong = next((reason for item in items if (reason := fault(item, ITEM_MAX))), None)
            return wrong if least <= len(items) <= most else "count"
        case RatingAsked(), RatingGiven(rating=rating):
            return None if 0 <= rating <= RATING_MOST else "range"
        case BreathingAsked(cycles=most), BreathingGiven(cycles=cycles):
            return None if 0 <= cycles <= most else "range"
        case _:
            return "kind"


def _choice_reason(asked: ChoiceAsked, chosen: Sequence[str]) -> str | None:
    if not set(chosen) <= {option.id for option in asked.options} or len(set(chosen)) < len(chosen):
        return "option"
    return None if asked.least <= len(chosen) <= asked.most else "count"
