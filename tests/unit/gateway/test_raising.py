"""Asking for help while nothing can be recorded: bounded for each person, at nobody else's cost, never without help."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from pydantic import SecretStr

from deploy.local.safety_cli import OWN
from services.gateway.handlers import safety
from services.gateway.handlers.room import Room
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.features import safety as c
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import new_id
from shared.contracts.keys import conversation_key
from shared.contracts.records import RecordAccepted
from shared.runtime.sealing import DataKey, Sealer
from shared.safety import library

TENANT, CONVERSATION, CLIENT, THERAPIST = (new_id() for _ in range(4))
KEY = DataKey(conversation_key(TENANT, CONVERSATION), {1: b"1" * 32}, 1, Sealer(SecretStr("MTIz")))
AT = "2026-03-02T09:15:30.250Z"


class Hub:
    """As much of a hub as a raise needs; ``refused``: what the session service says, again and again."""

    def __init__(self, refused: Refused) -> None:
        self.raising = 0
        self.address = "gateway.1"
        self.safety = library.own(OWN)
        self.keys = SimpleNamespace(of=AsyncMock(return_value=KEY))
        self.requests = SimpleNamespace(ask=AsyncMock(side_effect=refused))
        self.peers = Mock()
        self.tasks: list[asyncio.Task[Any]] = []

    def spawn(self, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work))

    def session_queue(self, _: str) -> str:
        return "session.1"

    async def over(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def room() -> Room:
    keys: Any = SimpleNamespace(cached=lambda _: KEY)
    return Room(CONVERSATION, TENANT, "consent.1", keys)


async def raise_(hub: Any, room: Room, who: str = CLIENT, **fields: str) -> c.RaiseOk:
    frame = c.SafetyRaise.model_validate({"type": "safety.raise", "conversation": CONVERSATION, **fields})
    connection: Any = SimpleNamespace(participant=who)
    return await safety._raise(hub, room, connection, frame, "1")


def alert(sender: str, **more: object) -> c.SafetyAlert:
    return c.SafetyAlert.model_validate(
        {"tenant": TENANT, "conversation": CONVERSATION, "record": new_id(), "sender": sender, "at": AT, **more}
    )


async def test_more_than_some_stand_with_the_newest_of_the_same_person(room: Room) -> None:
    hub = Hub(Unavailable("session"))
    oks = await asyncio.gather(*(raise_(hub, room) for _ in range(c.OPEN_MOST)))
    assert [ok.joined for ok in oks] == [None] * c.OPEN_MOST
    mine = {ok.record for ok in oks}
    more = [await raise_(hub, room) for _ in range(20)]
    assert {(ok.joined, ok.recorded, ok.record in mine) for ok in more} == {(True, False, True)}
    assert {ok.at for ok in more} == {max(ok.at for ok in oks)}
    assert all(ok.resources.emergency for ok in more)
    assert len(room.raises.alerts) == hub.raising == len(hub.tasks) == c.OPEN_MOST
    again = await raise_(hub, room, record=oks[0].record)  # what is under way is itself, however many there are
    assert (again.record, again.joined) == (oks[0].record, None)
    theirs = await raise_(hub, room, THERAPIST)
    assert (theirs.joined, hub.raising) == (None, c.OPEN_MOST + 1)
    await hub.over()


async def test_what_other_gateways_recorded_meanwhile_is_joined_as_well(room: Room) -> None:
    hub = Hub(Refused(Code.WRONG_STATE, {"state": {"open": c.OPEN_MOST}}))
    stands = OpenRaise(raised=new_id(), sender=CLIENT, at=AT)
    room.raises.open = {stands.raised: stands}
    ok = await raise_(hub, room)
    assert (ok.joined, ok.recorded, ok.record) == (True, True, stands.raised)
    await hub.over()


async def test_a_flood_is_at_the_cost_of_who_comes_last(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "UNDER_WAY_MOST", 1)
    monkeypatch.setattr(safety, "RETRY_S", (0.01,))
    hub = Hub(Unavailable("session"))

    async def away(_: str, command: c.RaiseSafety, *__: object, **___: object) -> None:
        if command.participant == THERAPIST:
            await asyncio.sleep(0.1)  # so that the first is tried again while both are under way
        raise Unavailable("session")

    hub.requests.ask.side_effect = away
    first = await raise_(hub, room)
    last = await raise_(hub, room, THERAPIST)
    async with asyncio.timeout(5):
        await hub.tasks[1]
    assert set(room.raises.under_way) == set(room.raises.alerts) == {first.record}
    (told,) = [call.args[1] for call in hub.peers.alert.call_args_list if call.args[1].given_up]
    assert told.record == last.record
    await hub.over()


async def test_who_is_tried_once_is_recorded_where_it_can_be(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "UNDER_WAY_MOST", 0)
    hub = Hub(Unavailable("session"))
    hub.requests.ask.side_effect = None
    hub.requests.ask.return_value = RecordAccepted(causationid=new_id(), record=new_id(), n=7, at=AT)
    assert (await raise_(hub, room)).recorded
    await hub.over()


@pytest.mark.parametrize("text", ["x" * (c.HELP_TEXT_MAX + 1), " "])
async def test_who_is_refused_is_told_where_help_is(room: Room, text: str) -> None:
    hub = Hub(Unavailable("session"))
    with pytest.raises(Refused) as refused:
        await raise_(hub, room, text=text)
    assert refused.value.code is Code.BAD_TEXT
    assert c.ResourcesValue.model_validate(refused.value.details["resources"]).emergency
    assert hub.tasks == []


async def test_who_is_refused_later_is_told_where_help_is(room: Room) -> None:
    hub = Hub(Refused(Code.CONFLICT))
    with pytest.raises(Refused) as refused:
        await raise_(hub, room)
    assert (refused.value.code, "resources" in refused.value.details) == (Code.CONFLICT, True)
    await hub.over()


def test_another_gateways_alerts_are_bounded_and_go_when_it_gives_up(room: Room) -> None:
    alerts = [alert(CLIENT) for _ in range(c.OPEN_MOST + 1)]
    told = [safety.alerted(room, one) for one in alerts]
    assert [one is None for one in told] == [False] * c.OPEN_MOST + [True]
    assert safety.alerted(room, alert(THERAPIST)) is not None
    over = alerts[0].model_copy(update={"given_up": True})
    assert safety.alerted(room, over) is None
    assert over.record not in room.raises.alerts
