"""Who is silent for two heartbeats is closed; everybody else is pinged and left alone."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.gateway.ingress import websocket
from services.gateway.ingress.websocket import heartbeats
from shared.contracts.errors import Close


class Silent:
    """A connection that was last heard so long ago."""

    def __init__(self, ago: float) -> None:
        self.heard = time.monotonic() - ago
        self.claims = SimpleNamespace(exp=2**53)
        self.codes: list[int] = []

    def close(self, code: int) -> None:
        self.codes.append(code)


class Visit:
    def __init__(self) -> None:
        self.pinged = asyncio.Event()

    def beat(self, _: float) -> None:
        self.pinged.set()


async def test_two_missed_heartbeats_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "HEARTBEAT_S", 1)
    quiet, lively, visit = Silent(60), Silent(-60), Visit()
    hub = SimpleNamespace(connections={"quiet": quiet, "lively": lively})
    task = asyncio.create_task(heartbeats(cast("Any", hub), cast("Any", SimpleNamespace(visits={visit}))))
    try:
        async with asyncio.timeout(5):
            await visit.pinged.wait()
    finally:
        task.cancel()
    assert quiet.codes == [Close.TIMEOUT]
    assert lively.codes == []
