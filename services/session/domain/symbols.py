"""A pair's lexicon: what an emoji means to the two of them, whose meaning it is, and since when.

A symbol's meaning has revisions. The one that is in force is the last that the other agreed to; as long as there is
none, the last that its proposer gave. So an emoji has one meaning at a time, and nobody changes an agreed one alone.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.session import errors
from shared.contracts.errors import Details

ALIVE_MOST = 200
"""Symbols of a pair that aren't retired: all of them are looked at where a message has emoji."""


class State(StrEnum):
    PROPOSED = "proposed"
    """It is its proposer's own: the other hasn't agreed yet."""
    AGREED = "agreed"
    REVISED = "revised"
    """Agreed, with a newer wording of ``proposer`` that the other hasn't agreed to."""
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Symbol:
    """An emoji with a meaning. ``revision``: the newest; ``agreed``: the newest that both agreed to."""

    id: str
    proposer: str
    """Who gave the newest wording."""
    revision: int = 1
    agreed: int | None = None
    retired: bool = False

    @property
    def state(self) -> State:
        if self.retired:
            return State.RETIRED
        if self.agreed is None:
            return State.PROPOSED
        return State.AGREED if self.agreed == self.revision else State.REVISED

    @property
    def in_force(self) -> int:
        """The revision whose meaning is the symbol's."""
        return self.revision if self.agreed is None else self.agreed

    def details(self) -> Details:
        """What somebody is told who found it in another state than they thought."""
        return {"symbol": self.id, "state": self.state.value, "revision": self.revision}


def define(symbol: str, proposer: str, in_use: Symbol | None, alive: int) -> Symbol:
    """``in_use``: the symbol that has the emoji now; ``alive``: how many the pair has, retired ones not counted.

    Raises `Refused`: ``emoji_taken``, ``too_many``.
    """
    if in_use is not None:
        raise errors.emoji_taken(in_use.details())
    if alive >= ALIVE_MOST:
        raise errors.too_many(ALIVE_MOST)
    return Symbol(symbol, proposer)


def _alive(found: Symbol | None) -> Symbol:
    """Raises `Refused`: ``not_found``, ``wrong_state`` (retired)."""
    if found is None:
        raise errors.not_found("symbol")
    if found.retired:
        raise errors.wrong_state(**found.details())
    return found


def revise(found: Symbol | None, who: str) -> Symbol:
    """Give it another wording: of what isn't agreed yet, only the one whose wording it is.

    Raises:
        Refused: ``not_found``; ``forbidden``; ``wrong_state``: retired, or the other's wording waits for an answer.
    """
    symbol = _alive(found)
    if symbol.proposer != who and symbol.state is State.PROPOSED:
        raise errors.forbidden()
    if symbol.proposer != who and symbol.state is State.REVISED:
        raise errors.wrong_state(**symbol.details())
    return replace(symbol, proposer=who, revision=symbol.revision + 1)


def agree(found: Symbol | None, who: str, revision: int | None) -> Symbol:
    """To the newest wording, which must be the one that was seen; the other's only.

    None: the only one that isn't agreed yet. Of several, somebody may have seen another one than the newest.

    Raises:
        Refused: ``not_found``; ``wrong_state``: retired, agreed already, or there is a newer wording; ``forbidden``.
    """
    symbol = _alive(found)
    seen = (symbol.agreed or 0) + 1 if revision is None else revision
    if symbol.state is State.AGREED or seen != symbol.revision:
        raise errors.wrong_state(**symbol.details())
    if symbol.proposer == who:
        raise errors.forbidden()
    return replace(symbol, agreed=symbol.revision)


def retire(found: Symbol | None, who: str) -> Symbol:
    """End it; its history stays. What isn't agreed yet, only by whose it is.

    Raises:
        Refused: ``not_found``, ``wrong_state`` (retired), ``forbidden``.
    """
    symbol = _alive(found)
    if symbol.state is State.PROPOSED and symbol.proposer != who:
        raise errors.forbidden()
    return replace(symbol, retired=True)
