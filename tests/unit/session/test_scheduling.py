"""Scheduled sessions: from which state to which, and on which time that was set."""

import pytest

from services.session.domain.scheduling import Scheduled, State, end, reschedule
from shared.contracts.errors import Code, Refused

OVER: tuple[State, ...] = ("started", "cancelled", "missed")


def test_another_time_has_the_next_number() -> None:
    found = reschedule(Scheduled("s", "scheduled", 3), 3)
    assert found == Scheduled("s", "scheduled", 4)


@pytest.mark.parametrize("state", OVER)
def test_it_ends_once(state: State) -> None:
    after = end(Scheduled("s", "scheduled", 2), state)
    assert after == Scheduled("s", state, 2)
    for another in OVER:
        with pytest.raises(Refused) as refused:
            end(after, another)
        assert (refused.value.code, refused.value.details) == (
            Code.WRONG_STATE,
            {"state": {"state": state, "revision": 2}},
        )
    with pytest.raises(Refused):
        reschedule(after, 2)


@pytest.mark.parametrize("revision", [1, 3])
def test_only_the_time_that_stands_is_changed_or_called_off(revision: int) -> None:
    found = Scheduled("s", "scheduled", 2)
    with pytest.raises(Refused):
        reschedule(found, revision)
    with pytest.raises(Refused):
        end(found, "cancelled", revision)
    assert end(found, "cancelled", 2).state == "cancelled"
