"""The engine, over definitions made at random: every exercise ends, and goes where its definition lets it go."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.contracts import exercises as ex
from shared.contracts.exercises import AFTER, BEFORE, AnyGiven, Asked, Definition
from shared.exercises.checks import faults
from shared.exercises.flow import Unfit, asked_of, next_step, require_fit, successors

TEXT = {"en": "x"}
OPTIONS = [ex.Option(id=name, text=TEXT) for name in ("a", "b", "c")]

askings = st.one_of(
    st.builds(ex.TextAsked, kind=st.just("text"), most=st.integers(1, 50)),
    st.builds(ex.ChoiceAsked, kind=st.just("choice"), options=st.just(OPTIONS), most=st.integers(1, 3)),
    st.builds(ex.ListAsked, kind=st.just("list"), least=st.integers(1, 3), most=st.integers(3, 6)),
    st.builds(ex.RatingAsked, kind=st.just("rating"), low=st.just(TEXT), high=st.just(TEXT)),
    st.builds(
        ex.BreathingAsked,
        kind=st.just("breathing"),
        phases=st.just([ex.Phase(phase="in", seconds=4), ex.Phase(phase="out", seconds=6)]),
        cycles=st.integers(1, 20),
    ),
)

words = st.text(st.sampled_from("abc é👪 \n\0"), max_size=60)
givens = st.one_of(
    st.builds(ex.TextGiven, kind=st.just("text"), text=words),
    st.builds(ex.ChoiceGiven, kind=st.just("choice"), chosen=st.lists(st.sampled_from("abcd"), max_size=4)),
    st.builds(ex.ListGiven, kind=st.just("list"), items=st.lists(words, max_size=7)),
    st.builds(ex.RatingGiven, kind=st.just("rating"), rating=st.integers(-2, 12)),
    st.builds(ex.BreathingGiven, kind=st.just("breathing"), cycles=st.integers(-1, 25)),
    st.builds(ex.SkipGiven, kind=st.just("skip")),
)


def fitting(asked: Asked) -> st.SearchStrategy[AnyGiven]:
    """Answers that fit, made without the engine's help."""
    filled = st.text("abc", min_size=1, max_size=1)
    match asked:
        case ex.TextAsked():
            return st.builds(ex.TextGiven, kind=st.just("text"), text=filled)
        case ex.ChoiceAsked(most=most):
            chosen = st.lists(st.sampled_from("abc"), min_size=1, max_size=most, unique=True)
            return st.builds(ex.ChoiceGiven, kind=st.just("choice"), chosen=chosen)
        case ex.ListAsked(least=least, most=most):
            items = st.lists(filled, min_size=least, max_size=most)
            return st.builds(ex.ListGiven, kind=st.just("list"), items=items)
        case ex.RatingAsked():
            return st.builds(ex.RatingGiven, kind=st.just("rating"), rating=st.integers(0, 10))
        case ex.BreathingAsked(cycles=cycles):
            return st.builds(ex.BreathingGiven, kind=st.just("breathing"), cycles=st.integers(0, cycles))


@st.composite
def conditions(draw: st.DrawFn, earlier: list[tuple[str, Asked | None]]) -> list[ex.Condition]:
    made = []
    for _ in range(draw(st.integers(1, 2))):
        step, asked = draw(st.sampled_from(earlier))
        if isinstance(asked, ex.ChoiceAsked):
            made.append(ex.Condition(step=step, chose=draw(st.sampled_from("abc"))))
        elif asked is None or isinstance(asked, ex.RatingAsked):
            made.append(ex.Condition(step=step, at_least=draw(st.integers(0, 10))))
    return made


@st.composite
def drafts(draw: st.DrawFn) -> Definition:
    """Definitions that may be unsound: jumps go anywhere, also back."""
    count = draw(st.integers(1, 7))
    ids = [f"s{i}" for i in range(count)]
    steps: list[ex.Step] = []
    earlier: list[tuple[str, Asked | None]] = [(BEFORE, None)]
    for name in ids:
        asked = draw(askings)
        when = draw(conditions(earlier)) if draw(st.booleans()) else []
        earlier.append((name, asked))
        jumps = [
            ex.Jump(when=draw(conditions(earlier)) or None, go=draw(st.sampled_from([*ids, "end"])))
            for _ in range(draw(st.integers(0, 2)))
        ]
        steps.append(
            ex.Step(
                id=name, prompt=TEXT, answer=asked, optional=draw(st.booleans()), when=when or None, then=jumps or None
            )
        )
    return Definition(
        exercise="made", version=1, title=TEXT, about=TEXT, rating=ex.BeforeAfter(prompt=TEXT, low=TEXT, high=TEXT),
        steps=steps,
    )  # fmt: skip


@given(drafts(), st.data())
def test_an_exercise_without_a_fault_ends_and_goes_where_it_may(definition: Definition, data: st.DataObject) -> None:
    assume(not faults(definition))
    answers: dict[str, AnyGiven] = {}
    order: list[str] = []
    step = next_step(definition, answers)
    assert step == BEFORE
    while step is not None:
        assert step not in answers
        answer = data.draw(fitting(asked_of(definition, step)))
        require_fit(definition, step, answer)
        answers[step] = answer
        order.append(step)
        following = next_step(definition, answers)
        assert following in successors(definition, step)
        step = following
    assert order[-1] == AFTER
    assert len(order) <= len(definition.steps) + 2


@given(drafts(), st.data())
def test_a_definition_in_which_some_answers_go_round_is_refused(definition: Definition, data: st.DataObject) -> None:
    """Whoever walks along edges of a definition that passes comes to an end; found by walking, not by the checks."""
    assume(not faults(definition))
    step: str | None = BEFORE
    walked = 0
    while step is not None:
        step = data.draw(st.sampled_from(sorted(successors(definition, step), key=str)))
        walked += 1
        assert walked <= len(definition.steps) + 2


@given(drafts(), givens, st.data())
def test_an_answer_fits_or_is_refused_by_one_word(definition: Definition, given: AnyGiven, data: st.DataObject) -> None:
    step = data.draw(st.sampled_from([BEFORE, AFTER, *(one.id for one in definition.steps)]))
    try:
        require_fit(definition, step, given)
    except Unfit as unfit:
        assert unfit.reason in {"kind", "required", "option", "count", "range", "empty", "too_long", "forbidden"}  # noqa: PT017
    else:
        assert given.kind in (asked_of(definition, step).kind, "skip")


@given(drafts())
def test_a_step_that_is_none_is_no_step(definition: Definition) -> None:
    with pytest.raises(KeyError):
        asked_of(definition, "none_such")
    with pytest.raises(KeyError):
        successors(definition, "none_such")
