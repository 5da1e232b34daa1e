"""A withdrawal is recorded whatever becomes of the connection that it came from."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

from services.gateway.handlers import consents
from shared.contracts.consent_commands import Decide
from shared.contracts.consent_events import Decided
from shared.contracts.errors import Unavailable
from shared.contracts.frames import client
from shared.contracts.ids import new_id


class Requests:
    """The consent service is away for the first two questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.first = asyncio.Event()
        self.recorded = asyncio.Event()

    async def ask(self, _queue: str, command: Decide, _kind: type[Decided]) -> Decided:
        self.asked.append(command.decision)
        self.first.set()
        if len(self.asked) < 3:
            await asyncio.sleep(0)
            raise Unavailable("consent")
        self.recorded.set()
        return cast("Decided", SimpleNamespace(decision=command.decision))


class Hub:
    """What `consents` needs of the hub."""

    def __init__(self) -> None:
        self.requests = Requests()
        self.address = "gateway.x"
        self.keys = SimpleNamespace(index=lambda *_: "pseudonym")
        self.tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[None, None, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        return task


async def test_a_withdrawal_outlives_the_window_it_came_from(monkeypatch: Any) -> None:
    monkeypatch.setattr(consents, "RETRY_S", (0.0,))
    hub, conversation, participant = Hub(), new_id(), new_id()
    room = SimpleNamespace(id=conversation, tenant=new_id(), consent_queue="c", withdrawn={participant}, unkept=set())
    connection = SimpleNamespace(participant=participant, device="tab")
    frame = client.ConsentWithdraw(type="consent.withdraw", conversation=conversation, purpose="live_text")
    asking = asyncio.create_task(consents.withdraw(cast("Any", hub), cast("Any", room), cast("Any", connection), frame))
    await hub.requests.first.wait()
    asking.cancel()  # the window is closed
    async with asyncio.timeout(5):
        await hub.requests.recorded.wait()
        await asyncio.gather(*hub.tasks, return_exceptions=True)
    assert len(set(hub.requests.asked)) == 1, "it is the same decision each time"
    assert room.withdrawn == set()
