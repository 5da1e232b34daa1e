"""Identifiers and the other scalar types that every contract uses."""

from datetime import UTC, datetime
from random import getrandbits
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field, StringConstraints

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

# Ids travel as text: a UUID object costs more to make and to print than all else in an envelope.
Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]

Seq = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Position of a message (``seq``) or of any durable event (``n``) in its conversation; the first is 1."""

Epoch = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""How often a consent was decided: generation x 2^32 + counter; 0 where it never was."""

Role = Literal["client", "therapist"]
Purpose = Literal["informed_consent", "live_text", "composition_replay", "note_disclosure"]
PURPOSES: tuple[Purpose, ...] = ("informed_consent", "live_text", "composition_replay", "note_disclosure")
REVOKED: tuple[Purpose, ...] = ("live_text", "composition_replay")
"""What a restored consent database withdraws from everybody, since it may have forgotten who withdrew it."""
FIRST_OF_GENERATION = 2**32
"""An epoch is generation x this + counter; the generation is how often the database was restored."""
ConsentState = Literal["granted", "withdrawn"]
Capacity = Literal["guardian", "authorized_representative"]
"""In which one person may decide for another."""
Level = Literal["letters", "rhythm"]
Intervention = Literal[
    "open_question", "closed_question", "socratic_question", "simple_reflection", "complex_reflection", "affirmation",
    "psychoeducation", "information", "advice", "self_disclosure", "exercise", "check_in", "other",
]  # fmt: skip
"""What a message of a therapist was meant to do, as the therapist says."""
Tag = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Stands for what isn't to be known: the same thing has the same tag, in its conversation only."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def moment(text: str) -> datetime:
    """The moment that RFC 3339 text names. Raises `ValueError`: none, or one that is in no year of UTC's."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no offset from UTC")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("before the first year, or after the last") from None


def _is_moment(text: str) -> str:
    moment(text)
    return text


Moment = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"),
    AfterValidator(_is_moment),
]
"""A time that somebody else gave: RFC 3339 with any offset."""


def new_id() -> str:
    """A fresh random id (RFC 9562, version 4). It names things and guards nothing, so it needs no system call."""
    raw = f"{getrandbits(128):032x}"
    variant = "89ab"[int(raw[16], 16) & 3]
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-{variant}{raw[17:20]}-{raw[20:]}"


def derived_id(namespace: str, name: str) -> str:
    """The same id for the same name, so that a repeated request names the same thing (RFC 9562, version 5)."""
    return str(uuid5(UUID(namespace), name))


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the only form in which times leave the platform."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
