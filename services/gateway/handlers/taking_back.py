"""Taking a message back."""

from services.gateway.handlers.records import Asked, Feature
from shared.contracts.features.taking_back import DeleteMessage, MessageDelete


def _delete(asked: Asked, frame: MessageDelete) -> DeleteMessage:
    asked.hub.keeping.drop(asked.room, asked.connection.participant, frame.message)
    return DeleteMessage(**asked.base, message=frame.message)


FEATURE = Feature(builds={MessageDelete: _delete})
