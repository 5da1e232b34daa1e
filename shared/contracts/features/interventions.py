"""Interventions: what a therapist's message was meant to do, as the therapist says."""

from typing import Literal

from shared.contracts.frames.base import Happened, Lasting
from shared.contracts.ids import Id, Intervention
from shared.contracts.records import RecordCommand, RecordFact


class MessageMark(Lasting):
    """The therapist, on a message of their own. A later mark takes the place of an earlier one."""

    type: Literal["message.mark"]
    message: Id
    intervention: Intervention


class MessageMarked(Happened):
    type: Literal["message.marked"] = "message.marked"
    message: Id
    intervention: Intervention


class MarkMessage(RecordCommand):
    type: Literal["session.mark_message"] = "session.mark_message"
    message: Id
    intervention: Intervention


class MessageMarkedFact(RecordFact):
    kind: Literal["message.marked"] = "message.marked"
    message: Id
    intervention: Intervention


ClientFrame = MessageMark
ServerFrame = MessageMarked
Command = MarkMessage
Fact = MessageMarkedFact
