"""What frames are made of: every client frame's base, and the bases of what `shared.contracts.features` add."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.frames.values import Value
from shared.contracts.ids import Id, Seq

Ref = Annotated[str, StringConstraints(min_length=1, max_length=64)]
From = Annotated[Id, Field(serialization_alias="from", validation_alias="from")]


class Frame(Value):
    """Any client frame: with a ``ref`` it is answered by exactly one ``ok`` or ``error``."""

    ref: Ref | None = None


class InConversation(Frame):
    """A frame about one conversation."""

    conversation: Id


class Lasting(InConversation):
    """A frame that asks for something that lasts.

    ``record``: the client's own id for it: repeated, it has the effect of once. Left out: one is made here.
    """

    record: Id | None = None

    @property
    def own_id(self) -> str | None:
        """What this request is known by: its ``record``, or the client's own id for what it makes."""
        return self.record


class Happened(Value):
    """What happened, as every participant is told: the frame of a `RecordFact` of the same kind."""

    conversation: Id
    n: Seq
    record: Id
    sender: From
    at: str


class Answer(Value):
    """An ``ok`` with a ``ref``; a feature's questions have answers of their own."""

    type: Literal["ok"] = "ok"
    ref: str
