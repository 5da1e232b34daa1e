"""Decisions as FHIR R4 ``Consent`` resources (hl7.org/fhir/R4/consent.html).

Each decision is one resource: a grant permits, a withdrawal denies; the one that stands is ``active``, the others
``inactive``. Its id is that of the conversation and that of the decision, which is unique in its conversation only.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.frames.values import RecordValue
from shared.contracts.ids import Purpose, moment

Json = dict[str, Any]

TERMS = "http://terminology.hl7.org/CodeSystem"
SCOPE: dict[Purpose, str] = {
    "informed_consent": "treatment",
    "live_text": "patient-privacy",
    "composition_replay": "patient-privacy",
    "note_disclosure": "patient-privacy",
}
CATEGORY: dict[Purpose, tuple[str, str]] = {
    "informed_consent": ("http://loinc.org", "59284-0"),
    "live_text": ("http://loinc.org", "59284-0"),
    "composition_replay": ("http://loinc.org", "59284-0"),
    "note_disclosure": (f"{TERMS}/consentcategorycodes", "infa"),
}
CAPACITY = {"guardian": "GUARD", "authorized_representative": "POWATT"}

_ID = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T.+)?)?)?)")


def fhir_id(one: RecordValue) -> str:
    return (one.conversation + one.id).replace("-", "")


def ids(named: str) -> tuple[str, str] | None:
    """Conversation and decision of a resource's id; None: it is none."""
    if not _ID.fullmatch(named):
        return None

    def dashed(raw: str) -> str:
        return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"

    return dashed(named[:32]), dashed(named[32:])


def consent(one: RecordValue, base: str) -> Json:
    """The resource. ``base``: the gateway's address, for the names of what the platform defines itself."""
    client = one.role == "client"
    decider = f"{'Patient' if client else 'Practitioner'}/{one.participant}"
    if one.by is not None:
        decider = f"RelatedPerson/{one.by.person}"
    system, code = CATEGORY[one.purpose]
    grant = one.decision == "grant"
    provision: Json = {
        "type": "permit" if grant else "deny",
        "code": [{"coding": [{"system": f"{base}/fhir/CodeSystem/consent-purpose", "code": one.purpose}]}],
    }
    end = min((e for e in (one.expires_at, one.ended_at) if e is not None), default=None)
    if grant:
        provision["period"] = {"start": one.at} if end is None else {"start": one.at, "end": end}
    if one.by is not None:
        role = {"coding": [{"system": f"{TERMS}/v3-RoleCode", "code": CAPACITY[one.by.capacity]}]}
        provision["actor"] = [{"role": role, "reference": {"reference": decider}}]
    resource: Json = {
        "resourceType": "Consent",
        "id": fhir_id(one),
        "meta": {"lastUpdated": one.at if one.ended_at is None else one.ended_at},
        "identifier": [{"system": f"{base}/fhir/decision", "value": one.id}],
        "status": "active" if _stands(one) else "inactive",
        "scope": {"coding": [{"system": f"{TERMS}/consentscope", "code": SCOPE[one.purpose]}]},
        "category": [{"coding": [{"system": system, "code": code}]}],
        "dateTime": one.decided_at or one.at,
        "performer": [{"reference": decider}],
        "policyRule": {"coding": [{"system": f"{TERMS}/v3-ActCode", "code": "OPTIN" if grant else "OPTOUT"}]},
        "provision": provision,
    }
    if client:
        resource["patient"] = {"reference": f"Patient/{one.participant}"}
    if one.sha256 is not None:
        source = {
            "contentType": "application/json",
            "url": f"{base}/v1/consent-forms/{one.sha256}",
            "language": one.locale,
            "title": one.title,
        }
        resource["sourceAttachment"] = {name: value for name, value in source.items() if value is not None}
        resource["policy"] = [{"uri": f"urn:hash::sha256:{one.sha256}"}]
    return resource


def _stands(one: RecordValue) -> bool:
    return one.ended_at is None or moment(one.ended_at) > datetime.now(UTC)


def bundle(found: list[RecordValue], base: str, asked: str, older: str | None) -> Json:
    """The answer to a search: a ``searchset``. ``asked``, ``older``: addresses of this page and of the next one.

    How many there are in all is said where all are in it.
    """
    entries = [
        {
            "fullUrl": f"{base}/v1/fhir/Consent/{fhir_id(one)}",
            "resource": consent(one, base),
            "search": {"mode": "match"},
        }
        for one in found
    ]
    made: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": base + asked}],
    }
    if older is not None:
        made["link"].append({"relation": "next", "url": base + older})
    elif "before=" not in asked:
        made["total"] = len(found)
    if entries:  # FHIR knows no empty lists
        made["entry"] = entries
    return made


def dates(asked: list[str]) -> Callable[[RecordValue], bool]:
    """Whether a resource's ``dateTime`` is what a search asks for (hl7.org/fhir/R4/search.html#date); all must hold.

    Raises:
        ValueError: one can't be read.
    """
    tests = [_test(each) for each in asked]

    def holds(one: RecordValue) -> bool:
        when = moment(one.decided_at or one.at)
        return all(test(when) for test in tests)

    return holds


def _test(asked: str) -> Callable[[datetime], bool]:
    found = _DATE.fullmatch(asked.replace(" ", "+"))
    if found is None:
        raise ValueError
    try:
        begin, end = _range(found[2])
    except OverflowError:  # the last day there is ends on none
        raise ValueError from None
    tests: dict[str, Callable[[datetime], bool]] = {
        "eq": lambda when: begin <= when < end,
        "ne": lambda when: not begin <= when < end,
        "gt": lambda when: when >= end,
        "sa": lambda when: when >= end,
        "lt": lambda when: when < begin,
        "eb": lambda when: when < begin,
        "ge": lambda when: when >= begin,
        "le": lambda when: when < end,
    }
    return tests[found[1] or "eq"]


def _range(text: str) -> tuple[datetime, datetime]:
    """From when until when a date is, as exact as it was given; without an offset in UTC."""
    if len(text) == 4:
        year = int(text)
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    if len(text) == 7:
        begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        return begin, (begin + timedelta(days=32)).replace(day=1)
    begin = datetime.fromisoformat(text)
    begin = begin.replace(tzinfo=begin.tzinfo or UTC)
    if len(text) == 10:
        return begin, begin + timedelta(days=1)
    return begin, begin + (timedelta(milliseconds=1) if "." in text else timedelta(seconds=1))
