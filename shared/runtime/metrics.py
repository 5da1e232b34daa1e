"""Metrics that every process has. Labels are closed sets: never an id, never a word."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

READY = Gauge("unsaid_ready", "1 while the process takes work")
COMMANDS = Counter("unsaid_commands_total", "Commands handled", ["type", "outcome"])
BATCH = Histogram("unsaid_batch_commands", "Commands in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500))
BATCH_SECONDS = Histogram("unsaid_batch_seconds", "From taking a batch to its acknowledgement")
PUBLISHED = Counter("unsaid_published_total", "Envelopes published", ["outcome"])
PUBLISHED_BATCHES = Counter("unsaid_published_batches_total", "AMQP messages published")
DEAD_LETTERS = Counter("unsaid_dead_letters_total", "Commands put aside", ["reason"])
OWNED_QUEUES = Gauge("unsaid_owned_queues", "Command queues that this instance owns")
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
