"""Taking a message back: its author deletes it whole; a tombstone stays in its place."""

from typing import Literal

from shared.contracts.frames.base import Happened, Lasting
from shared.contracts.ids import Id
from shared.contracts.records import RecordCommand, RecordFact


class MessageDelete(Lasting):
    type: Literal["message.delete"]
    message: Id


class MessageDeleted(Happened):
    """Its text is gone. In history and resume the message is there, ``deleted``, without text."""

    type: Literal["message.deleted"] = "message.deleted"
    message: Id


class DeleteMessage(RecordCommand):
    """Destroy what a message says. Its author only."""

    type: Literal["session.delete_message"] = "session.delete_message"
    message: Id


class MessageDeletedFact(RecordFact):
    kind: Literal["message.deleted"] = "message.deleted"
    message: Id


ClientFrame = MessageDelete
ServerFrame = MessageDeleted
Command = DeleteMessage
Fact = MessageDeletedFact
