"""Appointments as iCalendar (RFC 5545): times and nothing else. No name, no content, and no word of what it is for."""

from collections.abc import Iterable
from datetime import timedelta

from icalendar import Calendar, Event

from shared.contracts.features.scheduling import ScheduledValue
from shared.contracts.ids import moment

TITLES = {"en": "Appointment", "fr": "Rendez-vous"}
PRODUCT = "-//Unsaid//Calendar//EN"


def title(locale: str | None) -> str:
    return TITLES.get((locale or "en").lower()[:2], TITLES["en"])


def feed(sessions: Iterable[ScheduledValue], locale: str | None) -> bytes:
    """Whoever follows it sees changes by each event's sequence."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for one in sessions:
        event = Event()
        starts_at, changed_at = moment(one.starts_at), moment(one.changed_at)
        event.add("uid", one.session)
        event.add("dtstamp", changed_at)
        event.add("last-modified", changed_at)
        event.add("dtstart", starts_at)
        event.add("dtend", starts_at + timedelta(minutes=one.minutes))
        event.add("summary", title(locale))
        event.add("sequence", one.revision if one.state == "cancelled" else one.revision - 1)
        event.add("status", "CANCELLED" if one.state == "cancelled" else "CONFIRMED")
        event.add("class", "PRIVATE")
        calendar.add_component(event)
    raw: bytes = calendar.to_ical()
    return raw
