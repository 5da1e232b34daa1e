"""Quiet hours: when what would come by itself, to draw attention, may come.

What is put off comes to both at once, when neither is quiet; whose hours it waited for isn't said.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.session.domain.times import local_moment
from shared.contracts.features.quiet import QuietHours

DAY = timedelta(days=1)


def _spans(hours: QuietHours, now: datetime) -> list[tuple[datetime, datetime]]:
    """Somebody's quiet hours around a moment, from yesterday's to those of the day after tomorrow, without their end.

    Each begins and ends at the moments that `local_moment` gives: a time that clocks skip is moved by as much, of one
    that comes twice the first is meant. Hours that begin in what is skipped, and end right behind it, are none then.
    """
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    nights = 0 if time.fromisoformat(hours.starts) < time.fromisoformat(hours.ends) else 1

    def moment(days: int, at: str) -> datetime:
        return local_moment(f"{today + timedelta(days=days)}T{at}", hours.zone, "hours")

    return [(moment(days, hours.starts), moment(days + nights, hours.ends)) for days in range(-1, 3)]


def loud_moment(now: datetime, several: Sequence[QuietHours], *, put_off: bool) -> datetime:
    """When what is due now may come: now, or when nobody is quiet.

    Where that isn't within a day it comes when the first of them is quiet no longer, so that it comes at all.
    ``put_off``: it was put off before, and would have to wait for ever.
    """
    spans = [span for hours in several for span in _spans(hours, now)]

    def quiet(at: datetime) -> list[datetime]:
        return sorted(ends for starts, ends in spans if starts <= at < ends)

    ends_now = quiet(now)
    if not ends_now:
        return now
    for _, ends in sorted(spans, key=lambda span: span[1]):
        if now < ends <= now + DAY and not quiet(ends):
            return ends
    return now if put_off else ends_now[0]
