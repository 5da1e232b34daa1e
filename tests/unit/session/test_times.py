"""Local times: the moment that both mean, also where clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.domain.times import local_moment, require_to_come
from shared.contracts.errors import Code, Refused

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2026-03-02T18:00", "Europe/Paris", "2026-03-02T17:00"),
        ("2026-07-02T18:00", "Europe/Paris", "2026-07-02T16:00"),
        ("2026-03-02T18:00", "Asia/Kathmandu", "2026-03-02T12:15"),
        ("2026-03-02T18:00", "UTC", "2026-03-02T18:00"),
        # 02:30 doesn't exist that night: clocks go from 02:00 to 03:00. As long after it: 03:30 summer time.
        ("2026-03-29T02:30", "Europe/Paris", "2026-03-29T01:30"),
        # 02:30 comes twice that night; the first is meant, in summer time.
        ("2026-10-25T02:30", "Europe/Paris", "2026-10-25T00:30"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30"),
    ],
)
def test_a_local_time_is_a_moment(at: str, zone: str, expected: str) -> None:
    assert local_moment(at, zone, "remind") == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone"),
    [
        ("2026-02-30T10:00", "UTC"),
        ("2026-03-02T25:00", "UTC"),
        ("2026-03-02T10:00", "Mars/Olympus"),
        ("2026-03-02T10:00", "../zone"),
        ("2026-03-02T10:00", "/etc/passwd"),
        ("2026-03-02T10:00", "Europe"),
        ("0001-01-01T00:00", "Asia/Tokyo"),
    ],
)
def test_no_such_time_or_zone_is_refused(at: str, zone: str) -> None:
    with pytest.raises(Refused) as raised:
        local_moment(at, zone, "remind")
    assert (raised.value.code, raised.value.details) == (Code.BAD_FRAME, {"field": "remind"})


@given(st.integers(-10_000_000, 400_000_000))
def test_only_what_is_to_come_is_taken(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    expected = Code.PAST_TIME if seconds <= 0 else Code.BAD_FRAME if seconds >= 5 * 366 * 86_400 + 86_400 else None
    found: Code | None = None
    try:
        require_to_come(moment, NOW, "until")
    except Refused as refused:
        found = refused.code
    assert found is expected
