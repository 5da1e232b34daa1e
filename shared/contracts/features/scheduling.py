"""Sessions that are to come: when, changed, called off, or missed; and forms that are shown again as one starts.

A scheduled session's id is that of the session that it becomes, if ``session.start`` names it. Each time that was set
has a number, from 1 on; who changes it, or calls it off, names the one that they mean.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, LocalMoment, Value
from shared.contracts.ids import Id, Purpose, Seq
from shared.contracts.records import Question, RecordCommand, RecordFact

State = Literal["scheduled", "started", "cancelled", "missed"]
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
Minutes = Annotated[int, Field(ge=5, le=480)]
Grace = Annotated[int, Field(ge=1, le=1_440)]
"""Minutes after which a session that nobody started is missed."""


# --- frames -----------------------------------------------------------------------------------------------------------


class SessionSchedule(Lasting):
    """``session`` is the client's own id for it, and makes it happen once. By the therapist."""

    type: Literal["session.schedule"]
    session: Id | None = None
    when: LocalMoment
    minutes: Minutes

    @property
    def own_id(self) -> str | None:
        return self.session or self.record


class SessionReschedule(Lasting):
    """Another time in place of that of ``revision``. By the therapist."""

    type: Literal["session.reschedule"]
    session: Id
    revision: Revision
    when: LocalMoment
    minutes: Minutes


class SessionCancel(Lasting):
    """By either."""

    type: Literal["session.cancel"]
    session: Id
    revision: Revision


class SessionList(InConversation):
    """What was scheduled last comes first; ``open``: what is to come. ``before``: what follows one that one has."""

    type: Literal["session.list"]
    open: bool | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


class ScheduledValue(Value):
    """``starts_at``: the moment that ``when`` is. ``held_as``: the session that it became, where its id is another."""

    session: Id
    state: State
    revision: Revision
    when: LocalMoment
    minutes: Minutes
    starts_at: str
    held_as: Id | None = LeftOut
    changed_at: str


class ScheduledOk(Answer):
    sessions: list[ScheduledValue]
    more: bool


class SessionScheduled(Happened):
    type: Literal["session.scheduled", "session.rescheduled"]
    session: Id
    revision: Revision
    when: LocalMoment
    minutes: Minutes
    starts_at: str


class SessionOff(Happened):
    """``session.missed``: nobody started it in the tenant's time. Nobody is said to have missed it."""

    type: Literal["session.cancelled", "session.missed"]
    session: Id


class SessionDisclaimer(Happened):
    """Behind ``session.started``: forms that have changed since these people agreed to them, to be shown again."""

    type: Literal["session.disclaimer"] = "session.disclaimer"
    session: Id
    forms: dict[Id, list[Purpose]]


# --- commands and facts -----------------------------------------------------------------------------------------------


class ScheduleSession(RecordCommand):
    """A new one (``session`` is its own ``record``, ``revision`` 0), or another time for one."""

    type: Literal["session.schedule_session"] = "session.schedule_session"
    session: Id
    revision: Seq
    when: LocalMoment
    minutes: Minutes
    grace: Grace


class CancelSession(RecordCommand):
    type: Literal["session.cancel_session"] = "session.cancel_session"
    session: Id
    revision: Revision


class MissSession(RecordCommand):
    """Comes of the service's own clock, when nobody started it in time; nobody waits for its answer."""

    type: Literal["session.miss_session"] = "session.miss_session"
    session: Id


class ListScheduled(Question):
    type: Literal["session.list_scheduled"] = "session.list_scheduled"
    open: bool
    before: Id | None = None
    limit: int


class SessionScheduledFact(RecordFact):
    kind: Literal["session.scheduled", "session.rescheduled"]
    session: Id
    revision: Revision
    when: LocalMoment
    minutes: Minutes
    starts_at: str


class SessionOffFact(RecordFact):
    kind: Literal["session.cancelled", "session.missed"]
    session: Id


class SessionDisclaimerFact(RecordFact):
    kind: Literal["session.disclaimer"] = "session.disclaimer"
    session: Id
    forms: dict[Id, list[Purpose]]


class ScheduledListed(Reply):
    type: Literal["session.scheduled_listed"] = "session.scheduled_listed"
    sessions: list[ScheduledValue]
    more: bool


ClientFrame = SessionSchedule | SessionReschedule | SessionCancel | SessionList
ServerFrame = SessionScheduled | SessionOff | SessionDisclaimer
Command = ScheduleSession | CancelSession | MissSession | ListScheduled
Fact = SessionScheduledFact | SessionOffFact | SessionDisclaimerFact
Told = ScheduledListed
OKS: dict[str, type[Answer]] = {"session.list": ScheduledOk}
