"""Other gateways that hold the same conversations: each says that it is there, and who falls silent is shown no longer.

The services hear of a gateway's death when something for it comes back, or when its attachments end; for live text that
can be a minute too late.
"""

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog

from services.gateway.handlers import live
from shared.runtime.broker.publisher import Unroutable

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub

log = structlog.get_logger()

ALIVE_S = 1.5
SILENT_S = 5.0


class Neighbours:
    """When each was last heard (monotonic), and who is taken for gone."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._heard: dict[str, float] = {}
        self._gone: set[str] = set()

    async def keep(self) -> None:
        """Greet the others, and look who is silent, until cancelled."""
        looked = time.monotonic()
        while True:
            now = time.monotonic()
            if now - looked > 2 * ALIVE_S:  # it was this process that was away
                self._heard = dict.fromkeys(self._heard, now)
            looked = now
            there = {holder for room in self._hub.rooms.values() for holder in room.holders} - {self._hub.address}
            self._heard = {address: self._heard.get(address, now) for address in there}
            self._gone &= there
            for address, heard in self._heard.items():
                if now - heard > SILENT_S:
                    self._lose(address)
                self._hub.peers.greet(address, partial(self._greeted, address))
            await asyncio.sleep(ALIVE_S)

    def heard(self, address: str) -> None:
        """It is there; who was taken for gone is asked what it shows."""
        if address not in self._heard:
            return
        self._heard[address] = time.monotonic()
        if address in self._gone:
            self._gone.discard(address)
            for room in self._hub.rooms.values():
                if address in room.holders:
                    self._hub.peers.hold(room)

    def _greeted(self, address: str, error: Exception | None) -> None:
        if isinstance(error, Unroutable):
            self._lose(address)

    def _lose(self, address: str) -> None:
        if address in self._gone:
            return
        self._gone.add(address)
        log.info("neighbour_gone", address=address)
        for room in self._hub.rooms.values():
            if address in room.holders:
                live.holder_gone(room, address)
