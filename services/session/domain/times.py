"""Times that people agree on: the moment of a local time, and that a time isn't over."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.session import errors

YEARS_MOST = 5


def local_moment(at: str, zone: str, field: str) -> datetime:
    """When clocks in a zone show a time. One that they skip is moved by as much; of one that comes twice, the first.

    Raises `Refused` (``bad_frame``): there is no such time, or no such zone.
    """
    try:
        return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OSError, OverflowError, ZoneInfoNotFoundError):
        raise errors.bad_frame(field) from None


def require_to_come(moment: datetime, now: datetime, field: str) -> None:
    """Raises `Refused`: ``past_time``; ``bad_frame``, where it is too far off to be meant."""
    if moment <= now:
        raise errors.past_time(field)
    if (moment - now).days > YEARS_MOST * 366:
        raise errors.bad_frame(field)
