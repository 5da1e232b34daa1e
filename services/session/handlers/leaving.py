"""Leaving a conversation, coming back, reporting it; and hours in which somebody wants to hear nothing."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.session import errors
from services.session.domain.heads import Head
from services.session.handlers.records import Feature, Step
from services.session.store.leaving import Leaving
from shared.contracts.features import leaving as c
from shared.contracts.features import quiet
from shared.runtime.postgres import Connection


async def leave(step: Step, _: c.LeaveConversation) -> None:
    """Raises `Refused` (``wrong_state``): somebody has left already."""
    step.require_not_left()
    step.record(c.ConversationLeftFact, kind="conversation.left")
    await Leaving(step.tx).set_left(step.head.id, step.command.participant)


async def come_back(step: Step, _: c.ReturnToConversation) -> None:
    """Raises `Refused`: ``wrong_state`` (nobody has left), ``forbidden`` (the other has)."""
    if step.head.left_by is None:
        raise errors.wrong_state("open")
    if step.head.left_by != step.command.participant:
        raise errors.forbidden()
    step.record(c.ConversationLeftFact, kind="conversation.returned")
    await Leaving(step.tx).set_left(step.head.id, None)


async def report(step: Step, command: c.ReportConversation) -> None:
    await Leaving(step.tx).insert_report(command, step.head.now)


async def reports(tx: Connection, command: c.ListReports) -> c.ReportsListed:
    found = await Leaving(tx).reports(command.tenant, command.after, command.limit)
    return c.ReportsListed(causationid=command.id, reports=found)


async def set_quiet(step: Step, command: quiet.SetQuiet) -> None:
    """Raises `Refused` (``bad_frame``): no such zone, or no hours at all."""
    if command.hours is not None:
        try:
            ZoneInfo(command.hours.zone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise errors.bad_frame("hours") from None
        if command.hours.starts == command.hours.ends:
            raise errors.bad_frame("hours")
    await Leaving(step.tx).set_quiet(step.head.tenant, step.head.id, command.participant, command.hours)


async def read_quiet(tx: Connection, head: Head, command: quiet.ReadQuiet) -> quiet.QuietRead:
    hours = await Leaving(tx).quiet(head.id, command.participant)
    return quiet.QuietRead(causationid=command.id, hours=hours)


async def empty(tx: Connection, conversation: str) -> None:
    await Leaving(tx).empty(conversation)


FEATURE = Feature(
    writes={
        c.LeaveConversation: leave,
        c.ReturnToConversation: come_back,
        c.ReportConversation: report,
        quiet.SetQuiet: set_quiet,
    },
    reads={quiet.ReadQuiet: read_quiet},
    of_tenant={c.ListReports: reports},
    empty=empty,
)
