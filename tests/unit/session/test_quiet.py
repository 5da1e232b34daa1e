"""Quiet hours: when what comes by itself may come, by what clocks show, of one person or two."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.domain.quiet import DAY, loud_moment
from shared.contracts.features.quiet import QuietHours

MINUTE = timedelta(minutes=1)
PARIS, NEW_YORK, KATHMANDU = "Europe/Paris", "America/New_York", "Asia/Kathmandu"
CHANGING = ("Europe/Paris", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca")
STEADY = ("UTC", "Asia/Kathmandu", "Asia/Tokyo", "Pacific/Marquesas", "America/Bogota")


def hours(told: str, zone: str = PARIS) -> QuietHours:
    starts, ends = told.split("-")
    return QuietHours(starts=starts, ends=ends, zone=zone)


def utc(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


NIGHT = hours("22:00-07:30")


@pytest.mark.parametrize(
    ("now", "several", "expected"),
    [
        ("2026-01-10T23:00", [], "2026-01-10T23:00"),
        # Past midnight, on either side of it; its begin is in it, its end isn't. Paris is an hour ahead.
        ("2026-01-10T20:59", [NIGHT], "2026-01-10T20:59"),
        ("2026-01-10T21:00", [NIGHT], "2026-01-11T06:30"),
        ("2026-01-11T01:00", [NIGHT], "2026-01-11T06:30"),
        ("2026-01-11T06:29", [NIGHT], "2026-01-11T06:30"),
        ("2026-01-11T06:30", [NIGHT], "2026-01-11T06:30"),
        # Within a day, and to midnight and from it.
        ("2026-01-10T12:00", [hours("12:00-14:00")], "2026-01-10T13:00"),
        ("2026-01-10T10:59", [hours("12:00-14:00")], "2026-01-10T10:59"),
        ("2026-01-10T22:59", [hours("20:00-00:00")], "2026-01-10T23:00"),
        ("2026-01-10T23:00", [hours("00:00-06:00")], "2026-01-11T05:00"),
        # All day but a minute.
        ("2026-01-10T12:00", [hours("08:01-08:00")], "2026-01-11T07:00"),
        # In its own zone, three quarters of an hour off the others.
        ("2026-01-10T16:15", [hours("22:00-06:00", KATHMANDU)], "2026-01-11T00:15"),
        ("2026-01-10T16:14", [hours("22:00-06:00", KATHMANDU)], "2026-01-10T16:14"),
        # The night in which clocks go forward from 02:00 to 03:00 is an hour shorter, the other one longer.
        ("2026-03-28T22:00", [NIGHT], "2026-03-29T05:30"),
        ("2026-10-24T22:00", [NIGHT], "2026-10-25T06:30"),
        # 02:30 doesn't exist that night: as long after it, 03:30. Where it comes twice the first is meant.
        ("2026-03-29T00:45", [hours("23:00-02:30")], "2026-03-29T01:30"),
        ("2026-03-29T01:29", [hours("02:30-06:00")], "2026-03-29T01:29"),
        ("2026-03-29T01:30", [hours("02:30-06:00")], "2026-03-29T04:00"),
        ("2026-10-25T00:29", [hours("23:00-02:30")], "2026-10-25T00:30"),
        ("2026-10-25T00:45", [hours("23:00-02:30")], "2026-10-25T00:45"),
        ("2026-10-25T00:30", [hours("02:30-06:00")], "2026-10-25T05:00"),
        # Two people: until neither is quiet, one after the other, whoever began.
        ("2026-01-10T22:00", [NIGHT, hours("06:00-09:00")], "2026-01-11T08:00"),
        ("2026-01-10T22:00", [hours("06:00-09:00"), NIGHT], "2026-01-11T08:00"),
        ("2026-01-10T22:00", [NIGHT, hours("07:30-08:00")], "2026-01-11T07:00"),
        ("2026-01-10T22:00", [NIGHT, hours("22:00-07:00", NEW_YORK)], "2026-01-11T12:00"),
        ("2026-01-10T22:00", [NIGHT, hours("12:00-13:00")], "2026-01-11T06:30"),
        # There is no such time within a day: when the first that has begun is over.
        ("2026-01-10T22:00", [hours("20:00-08:00"), hours("08:00-20:00")], "2026-01-11T07:00"),
        ("2026-01-10T22:00", [hours("20:00-10:00"), hours("07:00-21:00")], "2026-01-11T09:00"),
        ("2026-01-10T19:30", [hours("20:00-10:00"), hours("07:00-21:00")], "2026-01-10T20:00"),
    ],
)
def test_what_is_due_comes_when_nobody_is_quiet(now: str, several: list[QuietHours], expected: str) -> None:
    assert loud_moment(utc(now), several, put_off=False) == utc(expected)


def test_what_was_put_off_does_not_wait_for_ever() -> None:
    several = [hours("20:00-08:00"), hours("08:00-20:00")]
    then = loud_moment(utc("2026-01-10T22:00"), several, put_off=False)
    assert loud_moment(then, several, put_off=True) == then


def test_what_comes_late_waits_again_where_there_is_an_end() -> None:
    """Nobody was there to send it when the quiet hours had ended, and the next ones have begun."""
    assert loud_moment(utc("2026-01-11T22:00"), [NIGHT], put_off=True) == utc("2026-01-12T06:30")


# --- any hours --------------------------------------------------------------------------------------------------------

clock = st.integers(0, 1_439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
moments = st.integers(0, 3 * 366 * 1_440).map(lambda minute: utc("2026-01-01T00:00") + minute * MINUTE)
turns = st.sampled_from(["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00"])
near_a_turn = st.builds(lambda turn, minutes: utc(turn) + minutes * MINUTE, turns, st.integers(-1_500, 1_500))


def somebodys(*zones: str) -> st.SearchStrategy[QuietHours]:
    made = st.builds(QuietHours, starts=clock, ends=clock, zone=st.sampled_from(zones))
    return made.filter(lambda one: one.starts != one.ends)


def shows_quiet(one: QuietHours, at: datetime) -> bool:
    """Whether a clock in that zone shows one of the hours."""
    shown = f"{at.astimezone(ZoneInfo(one.zone)):%H:%M}"
    if one.starts < one.ends:
        return one.starts <= shown < one.ends
    return shown >= one.starts or shown < one.ends


@given(moments, st.lists(somebodys(*STEADY), max_size=2))
def test_as_somebody_with_a_clock_would_find(now: datetime, several: list[QuietHours]) -> None:
    def quiet(at: datetime) -> bool:
        return any(shows_quiet(one, at) for one in several)

    waits = (now + minutes * MINUTE for minutes in range(1_441))
    expected = next((at for at in waits if not quiet(at)), None)
    found = loud_moment(now, several, put_off=False)
    if expected is not None:
        assert found == expected
    else:
        begun = [one for one in several if shows_quiet(one, now)]
        first = next(
            at for at in (now + m * MINUTE for m in range(1_441)) if not all(shows_quiet(o, at) for o in begun)
        )
        assert found == first
        assert loud_moment(found, several, put_off=True) == found


@given(st.one_of(moments, near_a_turn), st.lists(somebodys(*CHANGING), min_size=1, max_size=2))
def test_where_clocks_change_it_still_comes_and_stays(now: datetime, several: list[QuietHours]) -> None:
    then = loud_moment(now, several, put_off=False)
    assert now <= then <= now + DAY + timedelta(hours=1)
    assert loud_moment(then, several, put_off=True) == then
    if len(several) == 1:
        assert loud_moment(then, several, put_off=False) == then
