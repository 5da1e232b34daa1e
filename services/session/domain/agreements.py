"""Agreements: what to try until when. Nothing is agreed until the other accepts that very wording.

``proposed`` → ``agreed`` → ``closed``; ``proposed`` → ``declined``. A revision is a new wording, of its own number and
author, that waits for the other. Reports are made of what is agreed, as often as there is something to say.
"""

from dataclasses import dataclass, replace
from typing import Literal

from services.session import errors

State = Literal["proposed", "agreed", "declined", "closed"]
Action = Literal["accept", "decline", "revise", "report", "close"]

_FROM: dict[Action, tuple[State, ...]] = {
    "accept": ("proposed",),
    "decline": ("proposed",),
    "revise": ("proposed",),
    "report": ("agreed",),
    "close": ("proposed", "agreed"),
}
_TO: dict[Action, State] = {"accept": "agreed", "decline": "declined", "revise": "proposed", "close": "closed"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """``wording``: the number of the one that stands; ``author``: who wrote that one, and waits for the other."""

    id: str
    state: State
    wording: int
    author: str


def act(found: Agreement, action: Action, participant: str, wording: int | None = None) -> Agreement:
    """The agreement after what somebody did with it.

    Args:
        found: as it stands.
        action: what is done.
        participant: by whom.
        wording: on which wording it is done; accepting, declining and revising name it.

    Raises:
        Refused: ``wrong_state`` with the state, and the wording that stands; ``forbidden``: one's own wording waits for
            the other, and a proposal is withdrawn by its author.
    """
    if found.state not in _FROM[action] or wording not in (None, found.wording):
        raise errors.wrong_state({"state": found.state, "wording": found.wording})
    if not _may(found, action, participant):
        raise errors.forbidden()
    if action == "revise":
        return replace(found, wording=found.wording + 1, author=participant)
    return replace(found, state=_TO.get(action, found.state))


def _may(found: Agreement, action: Action, participant: str) -> bool:
    if action in ("accept", "decline"):
        return participant != found.author
    if action == "close" and found.state == "proposed":
        return participant == found.author
    return True
