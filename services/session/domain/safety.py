"""What was raised: open until the therapist has seen it; and when the partner is told that nobody has."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.session import errors
from shared.contracts.features.safety import OPEN_MOST


@dataclass(frozen=True, slots=True)
class Raise:
    """``escalation``: the record of what comes due if nobody sees it."""

    id: str
    sender: str
    raised_at: datetime
    escalation: str
    escalated_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def state(self) -> str:
        if self.acknowledged_at is not None:
            return "acknowledged"
        return "open" if self.escalated_at is None else "escalated"


def require_open(found: Raise) -> None:
    """Raises `Refused` (``wrong_state``): somebody has seen it."""
    if found.acknowledged_at is not None:
        raise errors.wrong_state(found.state)


def require_due(found: Raise, record: str) -> None:
    """Raises `Refused` (``wrong_state``): it was seen, or told before, while this was on its way."""
    if found.state != "open" or found.escalation != record:
        raise errors.wrong_state(found.state)


def require_few(still_open: int) -> None:
    """Of one person's. Raises `Refused` (``wrong_state``)."""
    if still_open >= OPEN_MOST:
        raise errors.wrong_state({"open": still_open})


def raised_at(told: datetime, now: datetime) -> datetime:
    """When it was asked for, as the gateway says; never later than now, whatever its clock shows."""
    return min(told, now)


def escalates_at(raised: datetime, after_s: int) -> datetime:
    return raised + timedelta(seconds=after_s)
