"""What waits for a broker that isn't there: bounded, and failing together."""

import asyncio

import pytest
from pydantic import SecretStr

from shared.contracts.errors import Code, Unavailable
from shared.contracts.events import CommandRefused
from shared.contracts.ids import new_id
from shared.runtime.broker import publisher as module
from shared.runtime.broker.link import Link
from shared.runtime.broker.publisher import WAITING, Publisher
from shared.runtime.broker.topology import to_gateway
from shared.runtime.health import Health

GATEWAY = to_gateway("gateway.test")


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setattr(module, "CONFIRM_S", 0.05)
    return Publisher(Link(SecretStr("amqp://127.0.0.1/"), "test", Health()), "test")


def refusals(several: int) -> list[CommandRefused]:
    return [CommandRefused(causationid=new_id(), code=Code.UNAVAILABLE, details={})] * several


async def test_an_empty_lane_takes_all_of_one_call(publisher: Publisher) -> None:
    """Else what must be told together is delivered, refused and delivered again for ever."""
    told = publisher.begin(GATEWAY, refusals(WAITING + 1))
    with pytest.raises(Unavailable):
        await told


async def test_a_full_lane_refuses(publisher: Publisher) -> None:
    told = publisher.begin(GATEWAY, refusals(WAITING))
    assert publisher.full(GATEWAY, 1)
    with pytest.raises(Unavailable):
        publisher.begin(GATEWAY, refusals(1))
    assert not publisher.full(to_gateway("another"), 1)
    with pytest.raises(Unavailable):
        await told


async def test_what_waits_behind_a_failure_fails_with_it(publisher: Publisher) -> None:
    """One publish is tried, not one for each: nothing may overtake what failed."""
    outcomes: list[Exception | None] = []
    first = publisher.begin(GATEWAY, refusals(module.BATCH))
    for refusal in refusals(3):
        publisher.submit(GATEWAY, refusal, outcomes.append)
    async with asyncio.timeout(1):
        with pytest.raises(Unavailable):
            await first
        await publisher.close()
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
