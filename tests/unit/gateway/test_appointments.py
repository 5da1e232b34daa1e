"""What a calendar is told, what is said of an absence, and which forms have changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from services.gateway.egress.ics import feed
from services.gateway.handlers.absence import WORDS, words
from services.gateway.handlers.sessions import outdated
from shared.contracts.consent_events import DecisionsRead, DecisionValue
from shared.contracts.features.scheduling import ScheduledValue, State
from shared.contracts.frames.values import ConsentValue, FormVersionValue, LocalMoment
from shared.contracts.ids import ConsentState, new_id

AT = "2026-01-02T03:04:05.678Z"
SESSION, CLIENT = new_id(), new_id()


def scheduled(state: State = "scheduled", revision: int = 1) -> ScheduledValue:
    return ScheduledValue(
        session=SESSION,
        state=state,
        revision=revision,
        when=LocalMoment(at="2026-07-01T19:00", zone="Europe/Paris"),
        minutes=50,
        starts_at="2026-07-01T17:00:00.000Z",
        changed_at=AT,
    )


def event(raw: bytes) -> Any:
    [found] = Calendar.from_ical(raw.decode()).walk("VEVENT")
    return found


def test_an_appointment_has_its_time_and_a_neutral_title() -> None:
    found = event(feed([scheduled()], "fr-CA"))
    assert (found.start, found.end - found.start) == (datetime(2026, 7, 1, 17, tzinfo=UTC), timedelta(minutes=50))
    assert (str(found["summary"]), str(found["uid"])) == ("Rendez-vous", SESSION)
    assert {"location", "description", "attendee", "organizer"}.isdisjoint(key.lower() for key in found)


def test_a_change_has_a_higher_sequence_and_what_is_called_off_says_so() -> None:
    changed, off = event(feed([scheduled(revision=2)], None)), event(feed([scheduled("cancelled", 2)], None))
    assert (int(changed["sequence"]), str(changed["status"])) == (1, "CONFIRMED")
    assert (int(off["sequence"]), str(off["status"])) == (2, "CANCELLED")
    assert str(off["summary"]) == "Appointment"


def test_a_feed_of_nothing_is_a_calendar() -> None:
    assert Calendar.from_ical(feed([], None).decode()).walk("VEVENT") == []


@pytest.mark.parametrize(
    ("own", "locale", "said"),
    [
        ({"en": "a", "fr": "b"}, "fr-CA", "b"),
        ({"en": "a", "fr": "b"}, "de", "a"),
        ({"fr": "b"}, "de", "b"),
        ({}, "fr", WORDS["fr"]),
        ({}, None, WORDS["en"]),
    ],
)
def test_the_tenants_words_come_first(own: dict[str, str], locale: str | None, said: str) -> None:
    assert words(own, locale) == said


def decided(version: int | None, state: ConsentState = "granted", epoch: int = 1, stands: int = 1) -> DecisionsRead:
    decision = DecisionValue(
        id=new_id(),
        participant=CLIENT,
        purpose="informed_consent",
        decision="grant",
        version=version,
        sha256=None,
        epoch=epoch,
        at=AT,
    )
    in_force: Any = {CLIENT: {"informed_consent": ConsentValue(state=state, epoch=stands)}}
    return DecisionsRead(causationid=new_id(), decisions=[decision], in_force=in_force)


def form(version: int) -> FormVersionValue:
    return FormVersionValue(
        purpose="informed_consent",
        version=version,
        locale="en",
        title="t",
        sha256="ab" * 32,
        own=False,
        published_at=AT,
    )


def test_a_form_is_outdated_where_what_stands_is_of_an_older_version() -> None:
    forms = [form(1), form(2)]
    assert outdated(decided(1), forms) == {CLIENT: ["informed_consent"]}
    assert outdated(decided(2), forms) == {}
    assert outdated(decided(1, state="withdrawn"), forms) == {}
    assert outdated(decided(1, epoch=1, stands=2), forms) == {}
