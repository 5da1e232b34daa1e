"""Token buckets: how fast a connection may ask."""

from dataclasses import dataclass, field

EXCESS_WINDOW_S = 10.0
EXCESS_MOST = 500


@dataclass(slots=True)
class Bucket:
    """Holds twice a second's worth of tokens. Times are seconds of a monotonic clock."""

    per_s: float
    tokens: float = field(init=False)
    filled: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = 2 * self.per_s

    def take(self, now: float) -> int:
        """Take a token: 0, or the milliseconds until there is one."""
        self.tokens = min(2 * self.per_s, self.tokens + (now - self.filled) * self.per_s)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        return max(1, round((1 - self.tokens) / self.per_s * 1000))


@dataclass(slots=True)
class Excess:
    """Counts refusals for speed: too many in the window, and the connection is closed."""

    since: float = 0.0
    count: int = 0

    def add(self, now: float) -> bool:
        """Count one more; True: that was too many."""
        if now - self.since > EXCESS_WINDOW_S:
            self.since, self.count = now, 0
        self.count += 1
        return self.count > EXCESS_MOST
