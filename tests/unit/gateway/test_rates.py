"""Token buckets, and when asking too fast ends a connection."""

import pytest

from services.gateway.domain.rates import EXCESS_MOST, Bucket, Excess

AT = 5_000.0


def taken(bucket: Bucket, now: float, tries: int) -> int:
    """How many of so many tries at one moment succeed."""
    return [bucket.take(now) for _ in range(tries)].count(0)


@pytest.mark.parametrize("per_s", [1, 20, 30, 300])
def test_a_bucket_holds_twice_its_rate(per_s: int) -> None:
    bucket = Bucket(per_s)
    assert taken(bucket, AT, 5 * per_s) == 2 * per_s
    assert taken(bucket, AT + 1, 5 * per_s) == per_s
    assert taken(bucket, AT + 1_000, 5 * per_s) == 2 * per_s  # rest doesn't pile up


def test_it_refills_evenly() -> None:
    bucket = Bucket(20)
    taken(bucket, AT, 40)
    assert sum(taken(bucket, AT + tenth / 10, 100) for tenth in range(1, 101)) in (199, 200)


@pytest.mark.parametrize("per_s", [1, 20, 300])
def test_whoever_waits_as_long_as_told_is_let_through(per_s: int) -> None:
    bucket = Bucket(per_s)
    taken(bucket, AT, 2 * per_s)
    retry_ms = bucket.take(AT)
    assert 1 <= retry_ms <= 1_000 / per_s + 1
    assert bucket.take(AT + retry_ms / 1_000 + 0.001) == 0


def test_a_refused_try_costs_nothing() -> None:
    bucket = Bucket(1)
    taken(bucket, AT, 2)
    assert taken(bucket, AT + 0.5, 1_000) == 0
    assert taken(bucket, AT + 1.001, 2) == 1


def test_more_than_so_many_refusals_in_ten_seconds_are_too_many() -> None:
    excess = Excess()
    assert not any(excess.add(AT + i / 100) for i in range(EXCESS_MOST))
    assert excess.add(AT + 9.9)


def test_slower_refusals_are_never_too_many() -> None:
    excess = Excess()
    assert not any(excess.add(AT + i / 25) for i in range(5 * EXCESS_MOST))
