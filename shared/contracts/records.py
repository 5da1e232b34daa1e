"""Records: what lasts in a conversation beside messages and sessions. Each feature has kinds of its own (`features`).

A request is a `RecordCommand`; what it did is one or several `RecordFact`s, in the conversation's one order; its answer
is `RecordAccepted`. What only matters to who is connected just now is a `Notice`.
"""

from typing import Literal

from shared.contracts.envelope import Command, ConversationCommand, Event, Reply, Sealed
from shared.contracts.frames.values import Value
from shared.contracts.ids import Id, Role, Seq, Sha256


class RecordCommand(ConversationCommand):
    """Something that is to last. ``record`` is its asker's id for it, and makes it happen once.

    ``fingerprint``: the HMAC of all that was asked and of who asked. Content: the feature's, sealed as `keys.record`.
    """

    participant: Id
    record: Id
    fingerprint: Sha256
    content: Sealed | None = None


class OwnCommand(RecordCommand):
    """Something of its asker's own, which nobody else is told of: no fact comes of it."""


class Question(ConversationCommand):
    """Asks something of a feature, or sets what is the asker's alone: nothing that lasts, and nothing to tell."""

    participant: Id


class TenantQuestion(Command):
    """A partner asks for something of a feature, of all its conversations, and changes nothing."""


class RecordFact(Value):
    """What happened. Members of a kind's own are ids, numbers and closed words; text is in ``content``, as it came."""

    n: Seq
    record: Id
    sender: Id
    at: str
    content: Sealed | None = None


class RecordAccepted(Reply):
    """Answers a `RecordCommand`, and its repetitions alike; to an `OwnCommand` there is no ``n``."""

    type: Literal["session.record_accepted"] = "session.record_accepted"
    record: Id
    n: Seq | None = None
    at: str


class Notice(Event):
    """Told to those who are connected, and kept by nobody; ``audience`` None: to both."""

    audience: Role | None = None
