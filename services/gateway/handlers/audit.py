"""The audit trail of what keys, erasures and the rules of deciding forbid: who asked for what, and when; no content.

Collected for some seconds, so that who asks again and again makes one entry of many times. While the database is away
it is kept, as much as there is room for; what has no room is counted in a metric.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from services.gateway import metrics
from services.gateway.store import Asked, Refusal, Store
from shared.contracts.errors import Code, Refused, Unavailable

log = structlog.get_logger()

FLUSH_S = 2.0
HELD_MOST = 5_000
FINAL = (Code.ERASED, Code.KEY_GONE, Code.STALE_FORM)
FOR_OTHERS = ("participant", "by.person")
"""Whose consent it isn't, or who isn't one to decide."""
WRONG_TIMES = ("in_future", "past")
"""Of decisions."""
KEY_PARTS = ("keys", "key_provider", "seal")
"""Parts that may be away, for want of which nothing can be sealed or opened."""


@dataclass(slots=True)
class _Times:
    times: int
    first: datetime
    last: datetime


def concerns(refused: Refused) -> bool:
    """Whether a refusal is one for the trail."""
    match refused.code:
        case Code.UNAVAILABLE:
            return refused.details.get("part") in KEY_PARTS
        case Code.FORBIDDEN:
            return refused.details.get("field") in FOR_OTHERS
        case Code.BAD_FRAME | Code.BAD_REQUEST:
            return refused.details.get("reason") in WRONG_TIMES
        case code:
            return code in FINAL


class Audit:
    """Of one gateway."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[Asked, _Times] = {}

    def note(
        self, refused: Refused, tenant: str, conversation: str | None, participant: str | None, asked: str
    ) -> None:
        """Keep a refusal in mind, if it is one for the trail."""
        if not concerns(refused):
            return
        field = refused.details.get("field")
        key = Asked(tenant, conversation, participant, asked, refused.code, field if isinstance(field, str) else None)
        now = datetime.now(UTC)
        held = self._held.get(key)
        if held is not None:
            held.times, held.last = held.times + 1, now
        elif len(self._held) < HELD_MOST:
            self._held[key] = _Times(1, now, now)
        else:
            metrics.UNAUDITED.inc()

    async def keep(self) -> None:
        """Write what was noted, for ever."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        held, self._held = self._held, {}
        if not held:
            return
        try:
            await self._store.add_refusals([Refusal(key, t.times, t.first, t.last) for key, t in held.items()])
        except Exception as error:  # whatever it is, what was asked for stays to be written
            self._put_back(held)
            known = isinstance(error, Unavailable)
            log.warning("audit_delayed", entries=len(self._held), exc_info=None if known else error)

    def _put_back(self, older: dict[Asked, _Times]) -> None:
        for key, newer in self._held.items():
            before = older.get(key)
            older[key] = newer if before is None else _Times(before.times + newer.times, before.first, newer.last)
        self._held = older
