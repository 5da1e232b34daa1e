"""What a run says: pure arithmetic and the table. No input, no output, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

BUSY_LOAD = 0.85
LATE_MS = 10.0


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them doesn't exceed (nearest rank); 0 without any."""
    if not sorted_values:
        return 0.0
    rank = -(-len(sorted_values) * round(share * 1000) // 1000)  # ceiling, in whole numbers
    return sorted_values[max(0, rank - 1)]


def due(elapsed_s: float, rate: float, total: int) -> int:
    """How many messages an evenly spaced schedule has sent after this time; message k goes to connection k mod n."""
    return min(total, int(elapsed_s * rate))


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, measured. ``cpu_us`` is for each delivered message, by process."""

    who: str
    offered: float
    delivered: float
    sent: int
    arrived: int
    refused: int
    p50_ms: float
    p99_ms: float
    ok_p50_ms: float
    ok_p99_ms: float
    late_p99_ms: float
    core: float
    load_core: float
    memory_mb: float
    cpu_us: Mapping[str, float] = field(default_factory=dict)
    per_amqp: float = 0.0
    per_transaction: float = 0.0

    @property
    def cost_us(self) -> float:
        return sum(self.cpu_us.values())

    @property
    def worst_p99_ms(self) -> float:
        return max(self.p99_ms, self.ok_p99_ms)

    def sustained(self, limit_ms: float) -> bool:
        """Everything arrived, nothing was refused, and 99 of 100 within the limit, seen from both sides."""
        return self.arrived == self.sent and not self.refused and self.worst_p99_ms <= limit_ms

    @property
    def load_is_the_limit(self) -> bool:
        return self.load_core > BUSY_LOAD or self.late_p99_ms > LATE_MS

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "cost_us": self.cost_us}


def most_sustained(steps: Sequence[Step], limit_ms: float) -> float:
    """The highest rate that was sustained within the limit; 0 if none was."""
    return max((step.offered for step in steps if step.sustained(limit_ms)), default=0.0)


def middle(runs: Sequence[Step]) -> Step:
    """The run with the median cost: whole runs stay whole, so that its figures belong together."""
    wanted = median(run.cost_us for run in runs)
    return min(runs, key=lambda run: abs(run.cost_us - wanted))


def table(steps: Sequence[Step]) -> Table:
    parts = list(dict.fromkeys(part for step in steps for part in step.cpu_us))
    heads = ["", "offered/s", "delivered/s", "refused", "missing", "p50 ms", "p99 ms", "ok p50", "ok p99", "CPU µs"]
    tail = ["core", "load core", "per AMQP", "per tx", "MB"]
    found = Table(*heads, *parts, *tail, box=None, pad_edge=False)
    for column in found.columns[1:]:
        column.justify = "right"
    for step in steps:
        found.add_row(
            *(step.who, f"{step.offered:.0f}", f"{step.delivered:.0f}", str(step.refused)),
            *(str(step.sent - step.arrived), f"{step.p50_ms:.1f}", f"{step.p99_ms:.1f}"),
            *(_or_dash(step.ok_p50_ms, 1), _or_dash(step.ok_p99_ms, 1), f"{step.cost_us:.0f}"),
            *(_or_dash(step.cpu_us.get(part, 0.0), 0) for part in parts),
            *(f"{step.core:.2f}", f"{step.load_core:.2f}" + ("!" if step.load_is_the_limit else "")),
            *(_or_dash(step.per_amqp, 1), _or_dash(step.per_transaction, 1), f"{step.memory_mb:.0f}"),
        )
    return found


def _or_dash(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value else "-"
