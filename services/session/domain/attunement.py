"""Attunement: whether somebody was heard as they meant it.

Of a message either asks "what did you hear?"; the one who didn't write it says it back; its author says whether that is
it, and where it isn't, the next round begins.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.session import errors
from shared.contracts.errors import Details


class State(StrEnum):
    ASKED = "asked"
    """Waits for what the other heard."""
    REFLECTED = "reflected"
    """Waits for the author's answer."""
    HEARD = "heard"
    TAKEN_BACK = "taken_back"
    """Its author took the message back before it was heard."""


OPEN = frozenset({State.ASKED, State.REFLECTED})


@dataclass(frozen=True, slots=True)
class Check:
    """Of one message, by ``author``. ``round``: the one that it is in, or ended in; from 1."""

    id: str
    message: str
    author: str
    state: State = State.ASKED
    round: int = 1

    def details(self) -> Details:
        """What somebody is told who found it in another state than they thought."""
        return {"check": self.id, "state": self.state.value, "round": self.round}


def ask(check: str, message: str, author: str | None, running: Check | None) -> Check:
    """``author``: who wrote the message; None: there is none. ``running``: the open check of the message.

    Raises:
        Refused: ``not_found``; ``wrong_state``: there is an open one already.
    """
    if author is None:
        raise errors.not_found("message")
    if running is not None:
        raise errors.wrong_state(**running.details())
    return Check(check, message, author)


def reflect(found: Check | None, who: str) -> Check:
    """Raises `Refused`: ``not_found``; ``forbidden``: one's own message; ``wrong_state``."""
    if found is None:
        raise errors.not_found("check")
    if found.author == who:
        raise errors.forbidden()
    if found.state is not State.ASKED:
        raise errors.wrong_state(**found.details())
    return replace(found, state=State.REFLECTED)


def answer(found: Check | None, who: str, *, heard: bool) -> Check:
    """Raises `Refused`: ``not_found``; ``forbidden``: the other's message; ``wrong_state``."""
    if found is None:
        raise errors.not_found("check")
    if found.author != who:
        raise errors.forbidden()
    if found.state is not State.REFLECTED:
        raise errors.wrong_state(**found.details())
    if heard:
        return replace(found, state=State.HEARD)
    return replace(found, state=State.ASKED, round=found.round + 1)


def taken_back(found: Check) -> Check:
    """The message is no more: what was still open about it ends."""
    return replace(found, state=State.TAKEN_BACK) if found.state in OPEN else found
