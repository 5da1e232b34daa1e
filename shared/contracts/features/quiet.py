"""Hours in which somebody wants no notification: what comes by itself to draw attention waits until they end.

That is an agreement's reminder. What somebody does at that moment, and asking for help, is never held back.
"""

from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.contracts.envelope import Reply
from shared.contracts.frames.base import Answer, InConversation, Lasting
from shared.contracts.frames.values import Value, Zone
from shared.contracts.records import OwnCommand, Question

Hour = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class QuietHours(Value):
    """From one time of the day to another, by the clocks of a zone; past midnight where ``ends`` is the earlier one."""

    starts: Hour
    ends: Hour
    zone: Zone


class QuietSet(Lasting):
    type: Literal["quiet.set"]
    hours: QuietHours


class QuietClear(Lasting):
    type: Literal["quiet.clear"]


class QuietGet(InConversation):
    type: Literal["quiet.get"]


class QuietOk(Answer):
    hours: QuietHours | None


class SetQuiet(OwnCommand):
    """``hours`` None: there are none any more."""

    type: Literal["session.set_quiet"] = "session.set_quiet"
    hours: QuietHours | None


class ReadQuiet(Question):
    type: Literal["session.read_quiet"] = "session.read_quiet"


class QuietRead(Reply):
    type: Literal["session.quiet_read"] = "session.quiet_read"
    hours: QuietHours | None


ClientFrame = QuietSet | QuietClear | QuietGet
Command = SetQuiet | ReadQuiet
Told = QuietRead
OKS: dict[str, type[Answer]] = {"quiet.get": QuietOk}
