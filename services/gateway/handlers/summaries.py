"""A session's facts; ratings are opened here."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.exercises import rating
from services.gateway.handlers.records import Feature
from shared.contracts.features import summaries as c

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


async def _summary(hub: "Hub", room: "Room", connection: Connection, frame: c.SessionSummary, ref: str) -> c.SummaryOk:
    """Raises `Refused` (``not_found``)."""
    question = c.ReadSummary(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        session=frame.session,
    )
    summary = (await hub.requests.ask(hub.session_queue(room.id), question, c.SummaryRead)).summary
    key = await hub.keys.of(room.key_name)
    exercises = [
        c.ExerciseDone(
            run=one.run,
            exercise=one.exercise,
            version=one.version,
            state=one.state,
            before=None if one.before is None else rating(key, one.before),
            after=None if one.after is None else rating(key, one.after),
        )
        for one in summary.exercises
    ]
    return c.SummaryOk(ref=ref, exercises=exercises, **{k: v for k, v in dict(summary).items() if k != "exercises"})


FEATURE = Feature(answers={c.SessionSummary: _summary})
