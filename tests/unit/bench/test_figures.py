"""The benchmark's arithmetic; speed itself is measured, never asserted."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from rich.console import Console

from bench.figures import Step, due, middle, most_sustained, percentile, table
from bench.load import LENGTH, NUMBER, text
from bench.measure import _memory_line
from bench.platform import batching
from bench.profile import top
from bench.run import upward

STEP = Step(
    who="unsaid", offered=200, delivered=200, sent=2000, arrived=2000, refused=0, p50_ms=5, p99_ms=20, ok_p50_ms=4,
    ok_p99_ms=19, late_p99_ms=1, core=0.5, load_core=0.1, memory_mb=400, cpu_us={"gateway": 300, "session": 200},
)  # fmt: skip


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 102)], 0.99, 100.0),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_the_schedule_is_even_and_ends() -> None:
    assert [due(at, 200, 5) for at in (0.0, 0.004, 0.005, 0.0149, 0.02, 9.0)] == [0, 0, 1, 2, 4, 5]


def test_steps_go_upward_only_when_asked() -> None:
    assert list(upward([200, 800], 0.0)) == [200, 800]
    assert list(islice(upward([200, 800], 250.0), 4)) == [200, 800, 1000, 1250]


def test_what_is_sustained_is_the_highest_rate_within_the_limit() -> None:
    slow, fast_again = replace(STEP, offered=1000, p99_ms=80), replace(STEP, offered=1250)
    assert most_sustained([fast_again, STEP, slow], 50) == 1250
    assert most_sustained([STEP, slow], 50) == 200
    assert most_sustained([STEP, slow], 100) == 1000
    assert most_sustained([slow], 50) == 0


@pytest.mark.parametrize(
    "spoilt",
    [{"arrived": 1999}, {"refused": 1}, {"p99_ms": 51.0}, {"ok_p99_ms": 51.0}],
    ids=["lost", "refused", "late arrival", "late ok"],
)
def test_a_rate_with_losses_refusals_or_delays_is_not_sustained(spoilt: dict[str, Any]) -> None:
    assert STEP.sustained(50)
    assert not replace(STEP, **spoilt).sustained(50)


def test_a_busy_or_late_load_generator_is_told() -> None:
    assert not STEP.load_is_the_limit
    assert replace(STEP, load_core=0.9).load_is_the_limit
    assert replace(STEP, late_p99_ms=20).load_is_the_limit


def test_the_middle_run_is_one_whole_run() -> None:
    runs = [replace(STEP, cpu_us={"gateway": cost}, p50_ms=cost) for cost in (900.0, 100.0, 300.0)]
    assert middle(runs) == runs[2]


def test_the_table_has_a_column_for_each_process() -> None:
    console = Console(width=250)
    with console.capture() as captured:
        console.print(
            table([STEP, replace(STEP, who="ejabberd", cpu_us={"ejabberd": 1400}, ok_p50_ms=0, load_core=0.95)])
        )
    head, first, second = captured.get().splitlines()
    assert "gateway  session  ejabberd" in head
    assert "500" in first.split()
    assert "300" in first.split()
    assert "0.95!" in second.split()


def test_a_message_has_sixty_characters_and_its_number() -> None:
    assert len(text(7)) == LENGTH == 60
    found = NUMBER.search(text(123_456).encode())
    assert found is not None
    assert int(found.group(1)) == 123_456


def test_batches_are_read_from_what_was_counted_meanwhile() -> None:
    names = ("gateway.unsaid_published_total", "gateway.unsaid_published_batches_total",
             "session.unsaid_batch_commands_sum", "session.unsaid_batch_commands_count")  # fmt: skip
    before, after = (
        dict(zip(names, (100, 100, 50, 50), strict=True)),
        dict(zip(names, (500, 200, 450, 130), strict=True)),
    )
    assert batching(before, after) == (4.0, 5.0)
    assert batching(before, before) == (0.0, 0.0)


def test_memory_that_grew_by_more_than_a_tenth_is_not_flat() -> None:
    before = {"gateway": 50.0, "session": 50.0}
    assert " flat (" in _memory_line({"before": before, "after": {"gateway": 59.0, "session": 50.0}})
    assert "NOT flat" in _memory_line({"before": before, "after": {"gateway": 61.0, "session": 50.0}})


def test_a_profile_is_summed_by_the_innermost_function() -> None:
    assert top("a;b;c 3\na;c 1\na;b 4\n") == [" 50.0%  c", " 50.0%  b"]
