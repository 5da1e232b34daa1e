"""Metrics that every process has. Labels are closed sets: never an id, never a word."""

from collections import Counter as Counts
from collections.abc import Iterable
from functools import cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter for what happens thousands of times a second in one thread: `Counter` takes a lock each time."""

    def __init__(self, name: str, documentation: str, label: str | None = None) -> None:
        self._name, self._documentation, self._labels = name, documentation, [] if label is None else [label]
        self.by: Counts[str] = Counts()
        """Counts by the label's value; without a label, by the empty string."""
        REGISTRY.register(self)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for value, count in self.by.items():
            family.add_metric([value] if self._labels else [], count)
        yield family


READY = Gauge("unsaid_ready", "1 while the process takes work")
COMMANDS = Counter("unsaid_commands_total", "Commands handled", ["type", "outcome"])
BATCH = Histogram("unsaid_batch_commands", "Commands in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500))
BATCH_SECONDS = Histogram("unsaid_batch_seconds", "From taking a batch to its acknowledgement")
PUBLISHED = Counter("unsaid_published_total", "Envelopes published", ["outcome"])
PUBLISHED_BATCHES = Counter("unsaid_published_batches_total", "AMQP messages published")
DEAD_LETTERS = Counter("unsaid_dead_letters_total", "Commands put aside", ["reason"])
OWNED_QUEUES = Gauge("unsaid_owned_queues", "Command queues that this instance owns")
KEYS = Gauge("unsaid_keys_cached", "Data keys in this process's memory")
KEY_LOOK_UPS = Counter("unsaid_key_look_ups_total", "Look-ups in the key store, each of many keys", ["outcome"])
CLOCK_OFFSET = Gauge("unsaid_clock_offset_seconds", "This process's clock less the database's")


@cache
def _published(outcome: str) -> Counter:
    return PUBLISHED.labels(outcome)


def published(outcome: str, envelopes: int) -> None:
    """Count envelopes; looking a label up each time costs as much as all else of counting."""
    _published(outcome).inc(envelopes)


@cache
def _handled(kind: str, outcome: str) -> Counter:
    return COMMANDS.labels(kind, outcome)


def handled(kind: str, outcome: str, commands: int = 1) -> None:
    """Count commands of a type by what became of them."""
    _handled(kind, outcome).inc(commands)
