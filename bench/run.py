"""One run: offer each rate in turn, and account for what it cost."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import machine
from bench.figures import Step, percentile
from bench.load import Account, Side, offer

WARM_S = 2.0
ENOUGH_MS = 100.0
STEPS = 24


@dataclass(frozen=True)
class Served:
    """What is measured: its connections, its processes, and how its batches are read, if it tells of them."""

    who: str
    sides: Sequence[Side]
    roots: Mapping[str, int]
    counters: Callable[[], Mapping[str, float]] = dict
    batching: Callable[[Mapping[str, float], Mapping[str, float]], tuple[float, float]] = lambda _before, _after: (0, 0)


async def measure(served: Served, rate: float, seconds: float) -> tuple[Step, Account]:
    """Warm up at the rate, then measure it."""
    await offer(served.sides, rate, WARM_S)
    gc.collect()
    counters, cpu = served.counters(), machine.cpu_by_part(served.roots)
    own, began = time.process_time(), time.perf_counter()
    account, first = await offer(served.sides, rate, seconds)
    took, own_took = time.perf_counter() - began, time.process_time() - own
    used = {part: after - cpu[part] for part, after in machine.cpu_by_part(served.roots).items()}
    per_amqp, per_transaction = served.batching(counters, served.counters())
    arrived, ok, late = sorted(account.arrived), sorted(account.ok), sorted(account.late)
    step = Step(
        who=served.who,
        offered=rate,
        delivered=len(arrived) / max(account.last - first, 1e-9),
        sent=len(account.sent_at),
        arrived=len(arrived),
        refused=sum(account.refused.values()),
        p50_ms=percentile(arrived, 0.5) * 1e3,
        p99_ms=percentile(arrived, 0.99) * 1e3,
        ok_p50_ms=percentile(ok, 0.5) * 1e3,
        ok_p99_ms=percentile(ok, 0.99) * 1e3,
        late_p99_ms=percentile(late, 0.99) * 1e3,
        core=sum(used.values()) / took,
        load_core=own_took / took,
        memory_mb=sum(machine.memory_mb(served.roots).values()),
        cpu_us={part: spent / max(1, len(arrived)) * 1e6 for part, spent in used.items()},
        per_amqp=per_amqp,
        per_transaction=per_transaction,
    )
    return step, account


def upward(rates: Sequence[float], climb: float) -> Iterator[float]:
    """The rates that were asked for, then steps of ``climb`` upward (0: none), which the caller ends."""
    yield from rates
    while climb and (rate := (max(rates) // climb + 1) * climb) <= STEPS * climb:
        yield rate
        rates = [rate]
