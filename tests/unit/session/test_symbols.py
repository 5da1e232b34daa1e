"""The lexicon: every state of a symbol, every action, by every actor."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from services.session.domain import symbols
from services.session.domain.heads import Head
from services.session.domain.symbols import State, Symbol
from services.session.handlers.appending import Appender
from shared.contracts.errors import Code, Refused

PROPOSER, OTHER = "proposer", "other"

AT = {
    None: None,
    State.PROPOSED: Symbol("s", PROPOSER),
    State.AGREED: Symbol("s", PROPOSER, revision=2, agreed=2),
    State.REVISED: Symbol("s", PROPOSER, revision=3, agreed=2),
    State.RETIRED: Symbol("s", PROPOSER, revision=2, agreed=2, retired=True),
}
NEXT: dict[tuple[State | None, str, str], tuple[State, str, int, int] | Code] = {
    # (state, action, who): state, whose wording is the newest, its revision, the one in force
    (None, "revise", PROPOSER): Code.NOT_FOUND,
    (None, "revise", OTHER): Code.NOT_FOUND,
    (None, "agree", PROPOSER): Code.NOT_FOUND,
    (None, "agree", OTHER): Code.NOT_FOUND,
    (None, "retire", PROPOSER): Code.NOT_FOUND,
    (None, "retire", OTHER): Code.NOT_FOUND,
    (State.PROPOSED, "revise", PROPOSER): (State.PROPOSED, PROPOSER, 2, 2),
    (State.PROPOSED, "revise", OTHER): Code.FORBIDDEN,
    (State.PROPOSED, "agree", PROPOSER): Code.FORBIDDEN,
    (State.PROPOSED, "agree", OTHER): (State.AGREED, PROPOSER, 1, 1),
    (State.PROPOSED, "retire", PROPOSER): (State.RETIRED, PROPOSER, 1, 1),
    (State.PROPOSED, "retire", OTHER): Code.FORBIDDEN,
    (State.AGREED, "revise", PROPOSER): (State.REVISED, PROPOSER, 3, 2),
    (State.AGREED, "revise", OTHER): (State.REVISED, OTHER, 3, 2),
    (State.AGREED, "agree", PROPOSER): Code.WRONG_STATE,
    (State.AGREED, "agree", OTHER): Code.WRONG_STATE,
    (State.AGREED, "retire", PROPOSER): (State.RETIRED, PROPOSER, 2, 2),
    (State.AGREED, "retire", OTHER): (State.RETIRED, PROPOSER, 2, 2),
    (State.REVISED, "revise", PROPOSER): (State.REVISED, PROPOSER, 4, 2),
    (State.REVISED, "revise", OTHER): Code.WRONG_STATE,
    (State.REVISED, "agree", PROPOSER): Code.FORBIDDEN,
    (State.REVISED, "agree", OTHER): (State.AGREED, PROPOSER, 3, 3),
    (State.REVISED, "retire", PROPOSER): (State.RETIRED, PROPOSER, 3, 2),
    (State.REVISED, "retire", OTHER): (State.RETIRED, PROPOSER, 3, 2),
    (State.RETIRED, "revise", PROPOSER): Code.WRONG_STATE,
    (State.RETIRED, "revise", OTHER): Code.WRONG_STATE,
    (State.RETIRED, "agree", PROPOSER): Code.WRONG_STATE,
    (State.RETIRED, "agree", OTHER): Code.WRONG_STATE,
    (State.RETIRED, "retire", PROPOSER): Code.WRONG_STATE,
    (State.RETIRED, "retire", OTHER): Code.WRONG_STATE,
}


def act(found: Symbol | None, action: str, who: str) -> Symbol:
    match action:
        case "revise":
            return symbols.revise(found, who)
        case "agree":
            return symbols.agree(found, who, found.revision if found else 1)
        case _:
            return symbols.retire(found, who)


def test_the_table_is_whole() -> None:
    assert set(NEXT) == set(product([None, *State], ["revise", "agree", "retire"], [PROPOSER, OTHER]))
    assert all(found is None or found.state is state for state, found in AT.items())


@pytest.mark.parametrize(("state", "action", "who"), NEXT)
def test_each_state_each_action_each_actor(state: State | None, action: str, who: str) -> None:
    wanted, found = NEXT[state, action, who], AT[state]
    if isinstance(wanted, Code):
        with pytest.raises(Refused) as refused:
            act(found, action, who)
        assert refused.value.code is wanted
        if wanted is Code.WRONG_STATE:
            assert refused.value.details["state"] == state
        return
    after = act(found, action, who)
    assert (after.state, after.proposer, after.revision, after.in_force) == wanted


def test_one_agrees_to_the_wording_that_one_saw() -> None:
    revised = symbols.revise(AT[State.PROPOSED], PROPOSER)
    with pytest.raises(Refused) as refused:
        symbols.agree(revised, OTHER, 1)
    assert (refused.value.code, refused.value.details) == (
        Code.WRONG_STATE,
        {"symbol": "s", "state": "proposed", "revision": 2},
    )
    assert symbols.agree(revised, OTHER, 2).state is State.AGREED


def test_who_names_no_wording_agrees_to_the_only_one_there_is() -> None:
    assert symbols.agree(AT[State.PROPOSED], OTHER, None).state is State.AGREED
    assert symbols.agree(AT[State.REVISED], OTHER, None).agreed == 3
    for seen in (AT[State.PROPOSED], AT[State.REVISED]):  # and it is revised in the same instant
        revised = symbols.revise(seen, PROPOSER)
        with pytest.raises(Refused) as refused:
            symbols.agree(revised, OTHER, None)
        assert (refused.value.code, refused.value.details) == (Code.WRONG_STATE, revised.details())
        assert symbols.agree(revised, OTHER, revised.revision).state is State.AGREED


def test_an_emoji_has_one_meaning_at_a_time() -> None:
    assert symbols.define("new", OTHER, None, 0) == Symbol("new", OTHER)
    with pytest.raises(Refused) as refused:
        symbols.define("new", OTHER, AT[State.PROPOSED], 1)
    assert (refused.value.code, refused.value.details["symbol"]) == (Code.EMOJI_TAKEN, "s")


def test_a_pair_has_so_many_symbols_at_most() -> None:
    assert symbols.define("new", OTHER, None, symbols.ALIVE_MOST - 1) == Symbol("new", OTHER)
    with pytest.raises(Refused) as refused:
        symbols.define("new", OTHER, None, symbols.ALIVE_MOST)
    assert (refused.value.code, refused.value.details) == (Code.TOO_MANY, {"most": symbols.ALIVE_MOST})


def test_a_lexicon_that_is_known_counts_while_nothing_else_happened() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    head = Head("c", "tenant", PROPOSER, OTHER, 3, 7, now, now)
    appender = Appender()
    assert appender.lexicon(head) is None
    appender.learn(head, [], {"0" * 32: "s"})
    assert appender.lexicon(replace(head)) == {"0" * 32: "s"}
    assert appender.lexicon(replace(head, last_n=8)) is None  # perhaps a symbol was defined elsewhere
    appender.forget("c")
    assert appender.lexicon(head) is None
