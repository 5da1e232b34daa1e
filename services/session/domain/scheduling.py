"""Scheduled sessions: ``scheduled`` → ``started``, ``cancelled`` or ``missed``; each time that is set has a number."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.session import errors

State = Literal["scheduled", "started", "cancelled", "missed"]


@dataclass(frozen=True, slots=True)
class Scheduled:
    id: str
    state: State
    revision: int


LASTS_MOST = timedelta(hours=12)
"""A session that nobody ended for longer says nothing of the next one."""


def may_be(began: datetime, now: datetime) -> bool:
    """Whether a running session may be what was scheduled for about now."""
    return now - began <= LASTS_MOST


def _require(found: Scheduled, revision: int | None) -> None:
    if found.state != "scheduled" or revision not in (None, found.revision):
        raise errors.wrong_state({"state": found.state, "revision": found.revision})


def reschedule(found: Scheduled, revision: int) -> Scheduled:
    """Raises `Refused` (``wrong_state``): it is no more to come, or another time was set meanwhile."""
    _require(found, revision)
    return replace(found, revision=found.revision + 1)


def end(found: Scheduled, state: State, revision: int | None = None) -> Scheduled:
    """It is started, called off or missed. Raises `Refused` (``wrong_state``), as above."""
    _require(found, revision)
    return replace(found, state=state)
