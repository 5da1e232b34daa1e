"""What a definition's schema can't say: that names exist, that it comes to an end, that all of it can be reached."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from shared.contracts.exercises import (
    BEFORE,
    END,
    RESERVED,
    Asked,
    BreathingAsked,
    ChoiceAsked,
    Condition,
    Definition,
    ListAsked,
    RatingAsked,
)
from shared.exercises.flow import reachable_from

BREATHING_MOST_S = 1_200

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where in the document."""

    at: Loc
    reason: str


def faults(definition: Definition) -> list[Fault]:
    """All that is wrong, in the order of the document as far as it has one."""
    named = [*_names(definition), *_languages(definition), *_answers(definition)]
    if named:  # the graph is of names: without them there is none
        return named
    return [*_order(definition)] or [*_conditions(definition)]


def _names(definition: Definition) -> Iterator[Fault]:
    targets = {step.id for step in definition.steps} | {END}
    sources = {step.id for step in definition.steps} | {BEFORE}
    seen: set[str] = set()
    for index, step in enumerate(definition.steps):
        at: Loc = ("steps", index)
        if step.id in RESERVED:
            yield Fault((*at, "id"), f"'{step.id}' is a name of the engine's own")
        if step.id in seen:
            yield Fault((*at, "id"), f"there are two steps '{step.id}'")
        seen.add(step.id)
        jumps = step.then or []
        named = [((*at, "then", number, "go"), jump.go, targets) for number, jump in enumerate(jumps)]
        named += [((*where, "step"), one.step, sources) for where, one in _conditions_of(definition, index)]
        for where, name, known in named:
            if name not in known:
                yield Fault(where, f"there is no step '{name}'")
        if any(jump.when is None for jump in jumps[:-1]):
            yield Fault((*at, "then"), "nothing can come after a jump without a condition")


def _conditions_of(definition: Definition, index: int) -> Iterator[tuple[Loc, Condition]]:
    step = definition.steps[index]
    for number, condition in enumerate(step.when or ()):
        yield ("steps", index, "when", number), condition
    for j, jump in enumerate(step.then or ()):
        for number, condition in enumerate(jump.when or ()):
            yield ("steps", index, "then", j, "when", number), condition


def _texts(part: object, at: Loc) -> Iterator[tuple[Loc, Mapping[str, str]]]:
    """Each text of a definition: of the models in it, the only dictionaries."""
    if isinstance(part, dict):
        yield at, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _texts(getattr(part, name), (*at, name))
    elif isinstance(part, list):
        for index, one in enumerate(part):
            yield from _texts(one, (*at, index))


def _languages(definition: Definition) -> Iterator[Fault]:
    expected = set(definition.title)
    for at, text in _texts(definition, ()):
        if missing := sorted(expected - set(text)):
            yield Fault(at, f"the title is in {', '.join(missing)} too, this isn't")
        if more := sorted(set(text) - expected):
            yield Fault(at, f"this is in {', '.join(more)} too, the title isn't")


def _answers(definition: Definition) -> Iterator[Fault]:
    for index, step in enumerate(definition.steps):
        yield from _answer(("steps", index, "answer"), step.answer)


def _answer(at: Loc, asked: Asked) -> Iterator[Fault]:
    match asked:
        case ChoiceAsked(options=options, least=least, most=most):
            if len({option.id for option in options}) < len(options):
                yield Fault((*at, "options"), "two options have the same id")
            if not least <= most <= len(options):
                yield Fault((*at, "most"), "most is below least, or above the number of options")
        case ListAsked(least=least, most=most) if most < least:
            yield Fault((*at, "most"), "most is below least")
        case BreathingAsked(phases=phases, cycles=cycles):
            if {"in", "out"} - {phase.phase for phase in phases}:
                yield Fault((*at, "phases"), "one phase must be 'in', and one 'out'")
            if sum(phase.seconds for phase in phases) * cycles > BREATHING_MOST_S:
                yield Fault((*at, "cycles"), f"this takes more than {BREATHING_MOST_S // 60} minutes")
        case _:
            pass


def _order(definition: Definition) -> Iterator[Fault]:
    """Loops, and steps that nothing leads to."""
    after = {step.id: reachable_from(definition, step.id) for step in definition.steps}
    looping = [step.id for step in definition.steps if step.id in after[step.id]]
    for index, step in enumerate(definition.steps):
        if step.id in looping:
            yield Fault(("steps", index), f"it loops: {', '.join(looping)} can come again and again")
            return
    reached = {definition.steps[0].id, *after[definition.steps[0].id]}
    for index, step in enumerate(definition.steps):
        if step.id not in reached:
            yield Fault(("steps", index), f"nothing leads to step '{step.id}'")


def _conditions(definition: Definition) -> Iterator[Fault]:
    by_id = {step.id: step for step in definition.steps}
    for index, step in enumerate(definition.steps):
        for at, condition in _conditions_of(definition, index):
            own = "then" in at
            earlier = condition.step == BEFORE or step.id in reachable_from(definition, condition.step)
            if not earlier and not (own and condition.step == step.id):
                yield Fault((*at, "step"), f"step '{condition.step}' can't have been answered by then")
            asked = None if condition.step == BEFORE else by_id[condition.step].answer
            if reason := _unfit(condition, asked):
                yield Fault(at, reason)


def _unfit(condition: Condition, asked: object) -> str | None:
    """Why no answer to this could ever meet the condition. ``asked`` None: the rating that comes first."""
    rated = condition.at_least is not None or condition.at_most is not None
    if rated == (condition.chose is not None):
        return "a condition has either 'chose', or 'at_least' or 'at_most' or both"
    if rated:
        if asked is not None and not isinstance(asked, RatingAsked):
            return f"step '{condition.step}' isn't a rating"
        least = 0 if condition.at_least is None else condition.at_least
        return "no rating is in this range" if condition.at_most is not None and condition.at_most < least else None
    if not isinstance(asked, ChoiceAsked):
        return f"step '{condition.step}' isn't a choice"
    known = {option.id for option in asked.options}
    return None if condition.chose in known else f"step '{condition.step}' has no option '{condition.chose}'"
