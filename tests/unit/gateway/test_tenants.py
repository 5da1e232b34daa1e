"""A tenant that isn't known yet is looked for, not refused; and however many ask, seldom."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.gateway.handlers import tenants
from services.gateway.handlers.tenants import Tenants


class Store:
    def __init__(self) -> None:
        self.there: list[str] = []
        self.looks = 0

    async def tenants(self) -> list[Any]:
        self.looks += 1
        return [SimpleNamespace(id=each, origins=()) for each in self.there]


async def test_one_made_just_after_a_look_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "LOOK_S", 0.05)
    store = Store()
    known = Tenants(cast("Any", store))
    await known.load()
    store.there.append("new")
    found = await known.find("new")
    assert found is not None
    assert found.id == "new"


async def test_a_crowd_that_asks_for_nobody_is_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "LOOK_S", 0.05)
    store = Store()
    known = Tenants(cast("Any", store))
    await known.load()
    assert await asyncio.gather(*(known.find("nobody") for _ in range(100))) == [None] * 100
    assert store.looks == 2
