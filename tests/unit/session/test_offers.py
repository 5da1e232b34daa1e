"""When a therapist is offered prompts: who has held the stage, not twice in five minutes, not while muted."""

import pytest

from services.session.domain.pacing import RECENT_WORDS, Recent
from services.session.handlers.pacer import OFFER_EVERY_MS, is_due
from services.session.store.pacing import State

NOW = 10**12


def state(therapist: int, client: int = 0, **more: object) -> State:
    recent: Recent = [("client", client), ("therapist", therapist)]
    return State(recent=recent, **more)  # type: ignore[arg-type]


def test_above_the_threshold_it_is_due() -> None:
    assert is_due(state(140, 60), 0.65, NOW) == 0.7
    assert is_due(state(130, 70), 0.65, NOW) is None  # exactly at it
    assert is_due(state(RECENT_WORDS + 500), 0.65, NOW) == 1.0
    assert is_due(state(0, 500), 0.65, NOW) is None


def test_not_while_the_client_speaks() -> None:
    """The therapist may be gone, and what is offered to nobody would be lost for five minutes."""
    after = State(recent=[("therapist", 200), ("client", 1)])
    assert is_due(after, 0.65, NOW) is None
    after.recent.append(("therapist", 1))
    assert is_due(after, 0.65, NOW) is not None


def test_not_before_so_much_was_said() -> None:
    assert is_due(state(RECENT_WORDS - 1), 0.0, NOW) is None


@pytest.mark.parametrize(("since_ms", "due"), [(0, False), (OFFER_EVERY_MS - 1, False), (OFFER_EVERY_MS, True)])
def test_once_in_five_minutes(since_ms: int, due: bool) -> None:
    assert OFFER_EVERY_MS == 300_000
    assert (is_due(state(200, offered_ms=NOW - since_ms), 0.65, NOW) is not None) is due


def test_not_while_muted() -> None:
    assert is_due(state(200, muted=True), 0.65, NOW) is None
