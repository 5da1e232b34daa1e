"""Exercises as they run: who may do what when, and that steps come in the order of their definition.

What was answered isn't read here: the gateway says which step follows, and it must be one that can.
"""

from dataclasses import dataclass, replace
from typing import Literal

from services.session import errors
from shared.contracts.errors import Refused
from shared.contracts.exercises import BEFORE, Definition
from shared.exercises.flow import successors

State = Literal["running", "paused", "finished", "stopped"]
Action = Literal["answer", "pause", "resume", "finish", "stop"]

_FROM: dict[Action, tuple[State, ...]] = {
    "answer": ("running",),
    "pause": ("running",),
    "resume": ("paused",),
    "finish": ("running",),
    "stop": ("running", "paused"),
}
_TO: dict[Action, State] = {"pause": "paused", "resume": "running", "finish": "finished", "stop": "stopped"}


@dataclass(frozen=True, slots=True)
class Run:
    """An exercise that somebody started. ``step``: the one that waits for its answer; None: all are answered."""

    id: str
    exercise: str
    version: int
    state: State
    step: str | None


def start(run: str, definition: Definition) -> Run:
    return Run(run, definition.exercise, definition.version, "running", BEFORE)


def act(found: Run, action: Action) -> Run:
    """The run after what either of the two did. Raises `Refused`: ``wrong_state``, with state and step."""
    if found.state not in _FROM[action] or (action == "finish" and found.step is not None):
        raise _wrong(found)
    return replace(found, state=_TO.get(action, found.state))


def answer(found: Run, definition: Definition, step: str, following: str | None, *, by_client: bool) -> Run:
    """The run after an answer. ``following``: the step that waits next, as who could read the answers says.

    Raises:
        Refused: ``forbidden`` to all but the client; ``wrong_state`` where it doesn't run, or another step waits;
            ``bad_frame`` where that step can't follow.
    """
    if not by_client:
        raise errors.forbidden()
    if found.step is None or step != found.step:
        raise _wrong(found)
    after = act(found, "answer")
    if following not in successors(definition, step):
        raise errors.bad_frame("step")
    return replace(after, step=following)


def _wrong(found: Run) -> Refused:
    return errors.wrong_state({"state": found.state, "step": found.step})
