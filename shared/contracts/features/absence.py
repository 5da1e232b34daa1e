"""A therapist who is away: until when, and what the tenant says to who writes meanwhile, as it was shown."""

from typing import Literal

from shared.contracts.frames.base import Happened, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Moment
from shared.contracts.records import RecordCommand, RecordFact


class AwaySet(Lasting):
    """By the therapist. ``until``: then it ends by itself."""

    type: Literal["away.set"]
    until: Moment | None = None


class AwayClear(Lasting):
    type: Literal["away.clear"]


class AwayBegan(Happened):
    type: Literal["away.began"] = "away.began"
    until: str | None = LeftOut
    text: str


class AwayEnded(Happened):
    type: Literal["away.ended"] = "away.ended"


class SetAway(RecordCommand):
    """Content: `AwayContent`."""

    type: Literal["session.set_away"] = "session.set_away"
    until: Moment | None = None


class ClearAway(RecordCommand):
    """By the therapist; or by the service's own clock, and then ``timer`` is the one that was set."""

    type: Literal["session.clear_away"] = "session.clear_away"
    timer: Id | None = None


class AwayBeganFact(RecordFact):
    """Content: `AwayContent`."""

    kind: Literal["away.began"] = "away.began"
    until: str | None = None


class AwayEndedFact(RecordFact):
    kind: Literal["away.ended"] = "away.ended"


class AwayContent(Value):
    text: str


ClientFrame = AwaySet | AwayClear
ServerFrame = AwayBegan | AwayEnded
Command = SetAway | ClearAway
Fact = AwayBeganFact | AwayEndedFact
CONTENTS = (AwayContent,)
