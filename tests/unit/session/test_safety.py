"""When a raise is open, when it may escalate, and when no more can be raised."""

from datetime import UTC, datetime, timedelta

import pytest

from services.session.domain.safety import (
    Raise,
    escalates_at,
    raised_at,
    require_due,
    require_few,
    require_open,
)
from shared.contracts.errors import Code, Refused
from shared.contracts.features.safety import OPEN_MOST

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
OPEN = Raise("raised", "client", NOW, "escalation")
ESCALATED = Raise("raised", "client", NOW, "escalation", escalated_at=NOW)
SEEN = Raise("raised", "client", NOW, "escalation", None, NOW, "therapist")


def state(refused: pytest.ExceptionInfo[Refused]) -> object:
    assert refused.value.code is Code.WRONG_STATE
    return refused.value.details["state"]


def test_what_nobody_has_seen_can_be_seen_also_when_it_escalated() -> None:
    require_open(OPEN)
    require_open(ESCALATED)
    with pytest.raises(Refused) as refused:
        require_open(SEEN)
    assert state(refused) == "acknowledged"


@pytest.mark.parametrize(
    ("found", "record", "now"),
    [(SEEN, "escalation", "acknowledged"), (ESCALATED, "escalation", "escalated"), (OPEN, "another", "open")],
)
def test_it_escalates_once_and_only_while_nobody_has_seen_it(found: Raise, record: str, now: str) -> None:
    require_due(OPEN, "escalation")
    with pytest.raises(Refused) as refused:
        require_due(found, record)
    assert state(refused) == now


def test_the_time_runs_from_when_it_was_asked_for_but_never_from_a_clock_that_is_ahead() -> None:
    before = NOW - timedelta(minutes=9)
    assert escalates_at(raised_at(before, NOW), 600) == NOW + timedelta(minutes=1)
    assert raised_at(NOW + timedelta(hours=1), NOW) == NOW


def test_some_wait_to_be_seen_and_no_more() -> None:
    require_few(OPEN_MOST - 1)
    with pytest.raises(Refused) as refused:
        require_few(OPEN_MOST)
    assert state(refused) == {"open": OPEN_MOST}
