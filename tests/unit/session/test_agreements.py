"""Agreements' states: every action of everybody in every state, and every way to get there."""

from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest

from services.session.domain.agreements import Action, Agreement, State, act
from shared.contracts.errors import Code, Refused

STATES, ACTIONS = get_args(State), get_args(Action)
NAMING = ("accept", "decline", "revise")
"""What is done on a wording that is named."""

ALLOWED = {
    ("proposed", "accept", "other"): "agreed",
    ("proposed", "decline", "other"): "declined",
    ("proposed", "revise", "other"): "proposed",
    ("proposed", "revise", "author"): "proposed",
    ("proposed", "close", "author"): "closed",
    ("agreed", "report", "author"): "agreed",
    ("agreed", "report", "other"): "agreed",
    ("agreed", "close", "author"): "closed",
    ("agreed", "close", "other"): "closed",
}
"""The whole table, written by hand; what isn't in it is refused."""
FORBIDDEN = {
    ("proposed", "accept", "author"), ("proposed", "decline", "author"), ("proposed", "close", "other"),
}  # fmt: skip


@pytest.mark.parametrize(("state", "action", "who"), list(product(STATES, ACTIONS, ("author", "other"))))
def test_every_action_in_every_state(state: State, action: Action, who: str) -> None:
    found = Agreement("a", state, 3, "author")
    if (state, action, who) in ALLOWED:
        after = act(found, action, who, 3 if action in NAMING else None)
        assert after.state == ALLOWED[state, action, who]
        assert (after.wording, after.author) == ((4, who) if action == "revise" else (3, "author"))
        return
    with pytest.raises(Refused) as raised:
        act(found, action, who, 3 if action in NAMING else None)
    expected = Code.FORBIDDEN if (state, action, who) in FORBIDDEN else Code.WRONG_STATE
    assert raised.value.code is expected
    if expected is Code.WRONG_STATE:
        assert raised.value.details == {"state": {"state": state, "wording": 3}}


@pytest.mark.parametrize("action", NAMING)
@pytest.mark.parametrize("wording", [1, 2, 4])
def test_another_wording_than_the_one_that_stands_is_refused(action: Action, wording: int) -> None:
    with pytest.raises(Refused) as raised:
        act(Agreement("a", "proposed", 3, "author"), action, "other", wording)
    assert (raised.value.code, raised.value.details) == (
        Code.WRONG_STATE,
        {"state": {"state": "proposed", "wording": 3}},
    )


Deed = tuple[Action, str, int | None]


def _ways(depth: int) -> Iterator[tuple[list[Deed], list[Agreement]]]:
    """Every sequence of deeds that isn't refused, with what the agreement was after each."""
    deeds: list[Deed] = [
        (action, who, wording)
        for action, who in product(ACTIONS, ("client", "therapist"))
        for wording in (range(1, depth + 2) if action in NAMING else (None,))
    ]
    waiting: list[tuple[list[Deed], list[Agreement]]] = [([], [Agreement("a", "proposed", 1, "client")])]
    while waiting:
        done, states = waiting.pop()
        yield done, states
        if len(done) == depth:
            continue
        for deed in deeds:
            try:
                after = act(states[-1], *deed)
            except Refused:
                continue
            waiting.append(([*done, deed], [*states, after]))


def test_nothing_is_agreed_that_the_other_didnt_accept_in_that_wording() -> None:
    seen: set[State] = set()
    agreed = 0
    for done, states in _ways(5):
        seen.add(states[-1].state)
        if states[-1].state != "agreed":
            continue
        agreed += 1
        authors = {1: "client"}
        for deed, after in zip(done, states[1:], strict=True):
            if deed[0] == "revise":
                authors[after.wording] = deed[1]
        accepted = [deed for deed in done if deed[0] == "accept"]
        assert len(accepted) == 1
        _, who, wording = accepted[0]
        assert wording == states[-1].wording
        assert wording is not None
        assert authors[wording] != who
    assert seen == set(STATES)
    assert agreed > 50


def test_what_ended_stays_as_it_is() -> None:
    for _, states in _ways(4):
        ends = [index for index, one in enumerate(states) if one.state in ("declined", "closed")]
        assert ends in ([], [len(states) - 1])
