"""Exercises as they run: every action in every state, and steps in their order only."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from services.session.domain.exercises import Action, Run, State, act, answer, start
from shared.contracts.errors import Code, Refused
from shared.exercises.loading import read

SAFE_PLACE = read(Path(__file__).parents[3] / "services" / "session" / "exercises" / "safe_place" / "1.yaml")

ALLOWED = {
    ("running", "answer", "body"): "running",
    ("running", "pause", "body"): "paused",
    ("running", "pause", None): "paused",
    ("running", "finish", None): "finished",
    ("running", "stop", "body"): "stopped",
    ("running", "stop", None): "stopped",
    ("paused", "resume", "body"): "running",
    ("paused", "resume", None): "running",
    ("paused", "stop", "body"): "stopped",
    ("paused", "stop", None): "stopped",
}


def run(state: State, step: str | None) -> Run:
    return Run("r", "safe_place", 1, state, step)


@pytest.mark.parametrize(
    ("state", "action", "step"), list(product(get_args(State), get_args(Action), ("body", None)))
)  # fmt: skip
def test_every_action_in_every_state(state: State, action: Action, step: str | None) -> None:
    def acting() -> Run:
        if action == "answer":
            return answer(run(state, step), SAFE_PLACE, "body", "word", by_client=True)
        return act(run(state, step), action)

    if (state, action, step) in ALLOWED:
        after = acting()
        assert after.state == ALLOWED[state, action, step]
        assert after.step == ("word" if action == "answer" else step)
        return
    with pytest.raises(Refused) as raised:
        acting()
    assert (raised.value.code, raised.value.details) == (
        Code.WRONG_STATE,
        {"state": {"state": state, "step": step}},
    )


def test_a_run_begins_with_the_rating_and_keeps_its_version() -> None:
    assert start("r", SAFE_PLACE) == Run("r", "safe_place", SAFE_PLACE.version, "running", "before")


def test_only_the_client_answers() -> None:
    with pytest.raises(Refused) as raised:
        answer(run("running", "body"), SAFE_PLACE, "body", "word", by_client=False)
    assert raised.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("step", ["place", "word", "before", "after", "none_such"])
def test_only_the_step_that_waits_is_answered(step: str) -> None:
    with pytest.raises(Refused) as raised:
        answer(run("running", "body"), SAFE_PLACE, step, "word", by_client=True)
    assert raised.value.code is Code.WRONG_STATE


@pytest.mark.parametrize(
    ("step", "following"),
    [("body", "stay"), ("body", "after"), ("body", None), ("leave", "use"), ("before", "after"), ("after", "place")],
)
def test_a_step_that_cant_follow_is_refused(step: str, following: str | None) -> None:
    with pytest.raises(Refused) as raised:
        answer(run("running", step), SAFE_PLACE, step, following, by_client=True)
    assert raised.value.code is Code.BAD_FRAME
    assert raised.value.details == {"field": "step"}


@pytest.mark.parametrize(
    ("step", "following"),
    [("before", "place"), ("body", "word"), ("body", "leave"), ("leave", "after"), ("use", "after"), ("after", None)],
)
def test_a_step_that_can_follow_waits_then(step: str, following: str | None) -> None:
    assert answer(run("running", step), SAFE_PLACE, step, following, by_client=True).step == following
