"""The operator's switch: live text off for a tenant or everywhere, on every gateway at once."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from services.gateway.store import EVERYWHERE, Store
from shared.contracts.errors import Unavailable

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub

log = structlog.get_logger()

EVERY_S = 1.0


class Switches:
    """Where live text is off. The database says when that changes, and is asked every second in case it can't."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._off: frozenset[str] = frozenset()

    def allow(self, tenant: str) -> bool:
        return tenant not in self._off and EVERYWHERE not in self._off

    async def load(self) -> None:
        """Raises `Unavailable`."""
        self._off = await self._store.live_off()

    async def keep(self, hub: "Hub") -> None:
        """Follow the switch, for ever. While the database is away, what was known last stays."""
        changed = asyncio.Event()
        while True:
            try:
                async with self._store.hearing_of_switches(changed.set):
                    while True:
                        await self._follow(hub)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(EVERY_S):
                                await changed.wait()
                        changed.clear()
            except Unavailable:
                log.warning("switches_kept", off=len(self._off))
                await asyncio.sleep(EVERY_S)

    async def _follow(self, hub: "Hub") -> None:
        before = self._off
        await self.load()
        if self._off == before:
            return
        log.info("live_switched", off=len(self._off))
        for room in hub.rooms.values():
            if not self.allow(room.tenant):
                room.end_live()  # nobody is switched on again by another word
