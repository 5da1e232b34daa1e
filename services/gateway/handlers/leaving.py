"""Leaving, returning, reporting; and quiet hours."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.records import Asked, Feature
from shared.contracts.features import leaving as c
from shared.contracts.features import quiet
from shared.contracts.text import TEXT_MAX

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


def _leave(asked: Asked, _: c.ConversationLeave) -> c.LeaveConversation:
    return c.LeaveConversation(**asked.base)


def _return(asked: Asked, _: c.ConversationReturn) -> c.ReturnToConversation:
    return c.ReturnToConversation(**asked.base)


def _report(asked: Asked, frame: c.ConversationReport) -> c.ReportConversation:
    """Raises `Refused` (``bad_text``)."""
    content = None
    if frame.text is not None:
        check_text(frame.text, TEXT_MAX)
        content = asked.seal(c.ReportedContent(text=frame.text))
    return c.ReportConversation(**asked.base, reason=frame.reason, content=content)


def _quiet(asked: Asked, frame: quiet.QuietSet) -> quiet.SetQuiet:
    return quiet.SetQuiet(**asked.base, hours=frame.hours)


def _loud(asked: Asked, _: quiet.QuietClear) -> quiet.SetQuiet:
    return quiet.SetQuiet(**asked.base, hours=None)


async def _hours(hub: "Hub", room: "Room", connection: Connection, _: quiet.QuietGet, ref: str) -> quiet.QuietOk:
    question = quiet.ReadQuiet(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=connection.participant
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, quiet.QuietRead)
    return quiet.QuietOk(ref=ref, hours=reply.hours)


FEATURE = Feature(
    builds={
        c.ConversationLeave: _leave,
        c.ConversationReturn: _return,
        c.ConversationReport: _report,
        quiet.QuietSet: _quiet,
        quiet.QuietClear: _loud,
    },
    answers={quiet.QuietGet: _hours},
)
