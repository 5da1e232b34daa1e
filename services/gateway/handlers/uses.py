"""What each consent let through and blocked at this gateway: counts and times, no content.

Counted in memory with the conversation, and sent to the consent service every so often, all in all since this gateway
took it up: a repetition has the effect of once. What a gateway that dies has not sent yet is lost.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.gateway.egress.requests import Answer
from shared.contracts.consent_commands import CountUses, UseCount
from shared.contracts.errors import Refused
from shared.contracts.frames.values import CountValue
from shared.contracts.ids import Purpose, new_id, rfc3339

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room

SEND_S = 10.0
MOST = 64
"""Counted apart in a conversation: people, purposes and epochs. Beyond it nothing is counted."""

_Key = tuple[str, Purpose, int]


@dataclass(slots=True)
class _Times:
    """How often, and the first and last time in seconds since 1970."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0

    def add(self) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.count += 1

    def value(self) -> CountValue:
        if not self.count:
            return CountValue(count=0)
        first, last = (rfc3339(datetime.fromtimestamp(moment, UTC)) for moment in (self.first, self.last))
        return CountValue(count=self.count, first_at=first, last_at=last)


@dataclass(slots=True)
class Uses:
    """The counts of a conversation since this gateway took it up."""

    run: str = field(default_factory=new_id)
    news: bool = False
    _through: dict[_Key, _Times] = field(default_factory=dict)
    _blocked: dict[_Key, _Times] = field(default_factory=dict)

    def count(self, participant: str, purpose: Purpose, epoch: int, *, through: bool) -> None:
        counts, key = self._through if through else self._blocked, (participant, purpose, epoch)
        times = counts.get(key)
        if times is None:
            if len(counts) >= MOST:
                return
            times = counts[key] = _Times()
        times.add()
        self.news = True

    def values(self) -> list[UseCount]:
        none = _Times()
        return [
            UseCount(
                participant=key[0],
                purpose=key[1],
                epoch=key[2],
                let_through=self._through.get(key, none).value(),
                blocked=self._blocked.get(key, none).value(),
            )
            for key in dict.fromkeys([*self._through, *self._blocked])
        ]


class _Waiter:
    """Sends again with the next round what wasn't taken."""

    def __init__(self, uses: Uses) -> None:
        self._uses = uses

    def answered(self, reply: Answer) -> None:
        del reply

    def failed(self, refused: Refused) -> None:
        del refused
        self._uses.news = True


def send(hub: "Hub", room: "Room") -> None:
    """Tell the consent service what was counted, where there is news."""
    if not room.uses.news:
        return
    room.uses.news = False
    command = CountUses(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        run=room.uses.run,
        uses=room.uses.values(),
    )
    hub.requests.submit(room.consent_queue, command, _Waiter(room.uses))


async def keep(hub: "Hub") -> None:
    """Send every so often, for ever."""
    while True:
        await asyncio.sleep(SEND_S)
        for room in list(hub.rooms.values()):
            send(hub, room)
