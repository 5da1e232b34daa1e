"""What was raised in a room and waits to be seen; and what was raised here and isn't known to be recorded yet."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from services.gateway.handlers.connection import Connection
from shared.contracts.features.safety import SafetyAlerted, SafetyChangedFact, SafetyRaisedFact
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import moment
from shared.contracts.records import RecordAccepted

STANDS_S = 86_400.0
"""How long a raise that can't be recorded is tried, and an alert shown: its gateway may have died with it."""


@dataclass(slots=True)
class UnderWay:
    """A raise of this gateway, until it is recorded. What it says is in memory, since its key may be away.

    ``soon``: that it was recorded, or (None) that this takes longer than anybody should wait.
    """

    connection: Connection
    frame: SafetyAlerted
    soon: "asyncio.Future[RecordAccepted | None]"
    recorded: asyncio.Event = field(default_factory=asyncio.Event)
    once: bool = False
    """It is tried once: as many as can be are tried again already."""


@dataclass(slots=True)
class Raises:
    """Of one room. Facts change it in their order; alerts come before them, and stand until then."""

    open: dict[str, OpenRaise] = field(default_factory=dict)
    alerts: dict[str, SafetyAlerted] = field(default_factory=dict)
    under_way: dict[str, UnderWay] = field(default_factory=dict)

    def attached(self, found: Iterable[OpenRaise]) -> None:
        self.open = {one.raised: one for one in found}
        for raised in self.open:
            self._recorded(raised)

    def take(self, fact: SafetyRaisedFact | SafetyChangedFact) -> None:
        if isinstance(fact, SafetyRaisedFact):
            self._recorded(fact.record)
            self.open[fact.record] = OpenRaise(raised=fact.record, sender=fact.sender, at=fact.raised_at)
        elif fact.kind == "safety.acknowledged":
            self.open.pop(fact.raised, None)
        elif fact.raised in self.open:
            self.open[fact.raised] = self.open[fact.raised].model_copy(update={"escalated_at": fact.at})

    def _recorded(self, raised: str) -> None:
        self.alerts.pop(raised, None)
        if raised in self.under_way:
            self.under_way[raised].recorded.set()

    def value(self) -> list[OpenRaise] | None:
        """As a welcome shows it, those that aren't recorded yet among them; None: there is nothing."""
        self._prune()
        waiting = [_open(one) for one in self.alerts.values() if one.record not in self.open]
        return [*waiting, *self.open.values()] or None

    def standing(self, sender: str) -> list[OpenRaise]:
        """Somebody's own that wait to be seen, the newest first, recorded or not."""
        self._prune()
        unrecorded = chain(self.alerts.values(), (one.frame for one in self.under_way.values()))
        found = {one.record: _open(one) for one in unrecorded} | self.open
        return sorted((one for one in found.values() if one.sender == sender), key=lambda one: one.at, reverse=True)

    def _prune(self) -> None:
        since = time.time() - STANDS_S
        self.alerts = {raised: one for raised, one in self.alerts.items() if moment(one.at).timestamp() > since}


def _open(alert: SafetyAlerted) -> OpenRaise:
    return OpenRaise(raised=alert.record, sender=alert.sender, at=alert.at)
