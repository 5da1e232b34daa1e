"""Attunement: every state of a check, every action, by every actor, and every way from asked to heard."""

from collections.abc import Iterator
from itertools import pairwise, product

import pytest

from services.session.domain import attunement
from services.session.domain.attunement import Check, State
from shared.contracts.errors import Code, Refused

AUTHOR, OTHER = "author", "other"
ACTIONS = ("reflect", "heard", "not quite", "take back")

NEXT: dict[tuple[State | None, str, str], tuple[State, int] | Code] = {
    # (state, action, who): state and how many rounds further
    (None, "reflect", AUTHOR): Code.NOT_FOUND,
    (None, "reflect", OTHER): Code.NOT_FOUND,
    (None, "heard", AUTHOR): Code.NOT_FOUND,
    (None, "heard", OTHER): Code.NOT_FOUND,
    (None, "not quite", AUTHOR): Code.NOT_FOUND,
    (None, "not quite", OTHER): Code.NOT_FOUND,
    (State.ASKED, "reflect", AUTHOR): Code.FORBIDDEN,
    (State.ASKED, "reflect", OTHER): (State.REFLECTED, 0),
    (State.ASKED, "heard", AUTHOR): Code.WRONG_STATE,
    (State.ASKED, "heard", OTHER): Code.FORBIDDEN,
    (State.ASKED, "not quite", AUTHOR): Code.WRONG_STATE,
    (State.ASKED, "not quite", OTHER): Code.FORBIDDEN,
    (State.ASKED, "take back", AUTHOR): (State.TAKEN_BACK, 0),
    (State.REFLECTED, "reflect", AUTHOR): Code.FORBIDDEN,
    (State.REFLECTED, "reflect", OTHER): Code.WRONG_STATE,
    (State.REFLECTED, "heard", AUTHOR): (State.HEARD, 0),
    (State.REFLECTED, "heard", OTHER): Code.FORBIDDEN,
    (State.REFLECTED, "not quite", AUTHOR): (State.ASKED, 1),
    (State.REFLECTED, "not quite", OTHER): Code.FORBIDDEN,
    (State.REFLECTED, "take back", AUTHOR): (State.TAKEN_BACK, 0),
    **{
        (state, action, who): Code.FORBIDDEN if (action == "reflect") == (who == AUTHOR) else Code.WRONG_STATE
        for state in (State.HEARD, State.TAKEN_BACK)
        for action in ("reflect", "heard", "not quite")
        for who in (AUTHOR, OTHER)
    },
    (State.HEARD, "take back", AUTHOR): (State.HEARD, 0),
    (State.TAKEN_BACK, "take back", AUTHOR): (State.TAKEN_BACK, 0),
}


def act(found: Check | None, action: str, who: str) -> Check:
    match action:
        case "reflect":
            return attunement.reflect(found, who)
        case "take back":
            assert found is not None
            return attunement.taken_back(found)
        case _:
            return attunement.answer(found, who, heard=action == "heard")


def test_the_table_is_whole() -> None:
    everything = set(product([None, *State], ACTIONS, [AUTHOR, OTHER]))
    only_authors_delete = {one for one in everything if one[1] == "take back" and (one[2] == OTHER or one[0] is None)}
    assert set(NEXT) == everything - only_authors_delete


@pytest.mark.parametrize("round", [1, 2, 7])
@pytest.mark.parametrize(("state", "action", "who"), NEXT)
def test_each_state_each_action_each_actor(state: State | None, action: str, who: str, round: int) -> None:  # noqa: A002
    wanted = NEXT[state, action, who]
    found = None if state is None else Check("c", "m", AUTHOR, state, round)
    if isinstance(wanted, Code):
        with pytest.raises(Refused) as refused:
            act(found, action, who)
        assert refused.value.code is wanted
        if wanted is Code.WRONG_STATE:
            assert refused.value.details == {"check": "c", "state": state, "round": round}
        return
    after = act(found, action, who)
    assert (after.state, after.round) == (wanted[0], round + wanted[1])
    assert (after.id, after.message, after.author) == ("c", "m", AUTHOR)


def test_a_message_has_one_open_check() -> None:
    assert attunement.ask("c", "m", AUTHOR, None) == Check("c", "m", AUTHOR, State.ASKED, 1)
    with pytest.raises(Refused) as refused:
        attunement.ask("d", "m", AUTHOR, Check("c", "m", AUTHOR, State.REFLECTED, 2))
    assert (refused.value.code, refused.value.details) == (
        Code.WRONG_STATE,
        {"check": "c", "state": "reflected", "round": 2},
    )
    with pytest.raises(Refused) as refused:
        attunement.ask("d", "unknown", None, None)
    assert (refused.value.code, refused.value.details) == (Code.NOT_FOUND, {"field": "message"})


def ways(check: Check, steps: int) -> Iterator[list[Check]]:
    """Every way that a check can go in so many steps, whoever tries whatever."""
    if steps == 0:
        yield [check]
        return
    for action, who in product(ACTIONS, (AUTHOR, OTHER)):
        if action == "take back" and who == OTHER:
            continue
        try:
            after = act(check, action, who)
        except Refused:
            after = check
        for rest in ways(after, steps - 1):
            yield [check, *rest]


def test_whatever_is_tried_rounds_only_rise_and_an_end_stays_one() -> None:
    heard = set()
    for way in ways(attunement.ask("c", "m", AUTHOR, None), 5):
        for before, after in pairwise(way):
            assert after.round - before.round in (0, 1)
            assert (after.round > before.round) <= (before.state is State.REFLECTED and after.state is State.ASKED)
            assert before.state in attunement.OPEN or after == before
        if way[-1].state is State.HEARD:
            heard.add(way[-1].round)
    assert heard == {1, 2}  # in five steps there is time for two rounds
