"""What every message on the broker carries besides its own members: CloudEvents 1.0 attributes.

A broker message is a JSON array of envelopes (the CloudEvents batch format, ``application/cloudevents-batch+json``).
What a person typed is in ``content`` alone, sealed; everything else is ids, types, numbers and times.
Unknown members pass, so that two versions of the platform run side by side during an upgrade.
"""

from datetime import UTC, datetime
from time import time_ns
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.ids import Id, new_id

MEDIA_TYPE = "application/cloudevents-batch+json"
SCHEMA_VERSION = 1

Address = Annotated[str, StringConstraints(max_length=200)]
"""Name of the queue that a gateway reads."""

Sealed = Annotated[str, StringConstraints(max_length=400_000)]
"""Base64 of what the sealing module made of a content."""


_process = ["unsaid"]


def name_process(source: str) -> None:
    """Set the ``source`` of every envelope that this process makes; once, at start."""
    _process[0] = source


def _source() -> str:
    return _process[0]


_second: list[int | str] = [0, ""]


def _now() -> str:
    """RFC 3339 in UTC with milliseconds. Each envelope has one, so the second is printed once only."""
    seconds, thousandths = divmod(time_ns() // 1_000_000, 1_000)
    if seconds != _second[0]:
        _second[:] = seconds, datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{_second[1]}.{thousandths:03}Z"


class Envelope(BaseModel):
    """The base of every command, reply and event."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    schemaversion: int = SCHEMA_VERSION
    id: Id = Field(default_factory=new_id)
    source: str = Field(default_factory=_source)
    time: str = Field(default_factory=_now)
    traceparent: str | None = None


class Command(Envelope):
    """Asks one service for one thing; the answer goes to ``replyto`` and names this command as its cause."""

    tenant: Id
    replyto: Address


class ConversationCommand(Command):
    """A command about one conversation, which decides the queue that it goes through."""

    conversation: Id


class Reply(Envelope):
    """Answers the command ``causationid``."""

    causationid: Id


class Event(Envelope):
    """Tells what is now true of a conversation."""

    tenant: Id
    conversation: Id
