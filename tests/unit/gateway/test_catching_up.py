"""A crowd that comes back asks the session service for little: nothing, or the same page once."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from services.gateway.handlers.facts import Facts
from services.gateway.handlers.hub import Hub
from shared.contracts.errors import Unavailable
from shared.contracts.events import FactsRead

ID = "7c7f8d8e-3d2f-4d8b-8ea6-9b1c3d5e7f88"


@pytest.mark.parametrize(
    ("after", "after_n", "head"), [(4, None, True), (3, None, False), (5, None, False), (None, 6, True), (4, 5, False)]
)
def test_who_has_the_head_has_missed_nothing(after: int | None, after_n: int | None, head: bool) -> None:
    facts = Facts(Mock())
    facts.jump(4, 6)
    assert facts.is_head(after, after_n) is head


class _Asked:
    """Requests that are answered when the test says so."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[FactsRead]] = []

    async def ask(self, *_: object) -> FactsRead:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


async def test_the_same_page_is_read_once_for_all_who_ask_meanwhile() -> None:
    asked = _Asked()
    others = [Mock() for _ in range(9)]
    hub = Hub(Mock(session_queues=2), Mock(), asked, *others)  # type: ignore[arg-type]
    hub.address = "gateway.test"
    room: Any = SimpleNamespace(id=ID, tenant=ID)

    def read(after: int) -> "asyncio.Task[FactsRead]":
        return asyncio.create_task(hub.read_facts(room, after_n=after, after_seq=None, up_to_n=9))

    several, other = [read(1) for _ in range(5)], read(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asked.answers) == 2
    several[0].cancel()  # one goes; the others still get theirs
    page = Mock()
    for answer in asked.answers:
        answer.set_result(page)
    assert await asyncio.gather(*several[1:], other) == [page] * 5
    again = read(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.answers[-1].set_exception(Unavailable("session"))
    with pytest.raises(Unavailable):
        await again
