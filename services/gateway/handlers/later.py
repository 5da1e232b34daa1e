"""Messages that wait for their time: checked and sealed at the door like any other."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.messages import check_message, content_of, fingerprint_of, uses_and_words
from services.gateway.handlers.records import Asked, Feature
from shared.contracts.contents import MessageContent
from shared.contracts.features import later as c
from shared.contracts.keys import message as as_message

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


def _plan(asked: Asked, frame: c.Planned, wording: int) -> c.PlanMessage:
    """Raises `Refused`: as ``message.send``."""
    check_message(asked.room, asked.connection, frame)
    uses, words = uses_and_words(asked.hub, asked.key, frame)
    return c.PlanMessage(
        **asked.base,
        message=frame.message,
        wording=wording,
        at=frame.at,
        in_reply_to=frame.in_reply_to,
        sent_as=fingerprint_of(asked.key, asked.connection.participant, frame),
        uses=uses,
        words=words,
        content=asked.key.seal(as_message(frame.message), content_of(frame)),
    )


def _later(asked: Asked, frame: c.MessageLater) -> c.PlanMessage:
    return _plan(asked, frame, 0)


def _change(asked: Asked, frame: c.MessageLaterChange) -> c.PlanMessage:
    return _plan(asked, frame, frame.wording)


def _recall(asked: Asked, frame: c.MessageLaterRecall) -> c.RecallMessage:
    return c.RecallMessage(**asked.base, message=frame.message, wording=frame.wording)


async def _list(hub: "Hub", room: "Room", connection: Connection, _: c.MessageLaterList, ref: str) -> c.LaterOk:
    question = c.ListPlanned(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=connection.participant
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.PlannedListed)
    key = await hub.keys.of(room.key_name)
    later = []
    for one in reply.later:
        content = MessageContent.model_validate_json(key.open(as_message(one.message), one.content))
        later.append(c.LaterValue(**one.model_dump(exclude={"content"}), **dict(content)))
    return c.LaterOk(ref=ref, later=later)


FEATURE = Feature(
    builds={c.MessageLater: _later, c.MessageLaterChange: _change, c.MessageLaterRecall: _recall},
    answers={c.MessageLaterList: _list},
    notices={c.LaterChanged: c.LaterChangedFrame},
)
