"""Asking for help while nothing can be recorded: bounded for each person, at nobody else's cost, never without help."""

import asyncio
import json
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from pydantic import SecretStr

from deploy.local.safety_cli import OWN
from services.gateway.handlers import safety
from services.gateway.handlers.raises import STANDS_S
from services.gateway.handlers.room import Room
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.features import safety as c
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import new_id, rfc3339
from shared.contracts.keys import conversation_key
from shared.contracts.records import RecordAccepted
from shared.runtime.sealing import DataKey, Sealer
from shared.safety import library

TENANT, CONVERSATION, CLIENT, THERAPIST = (new_id() for _ in range(4))
KEY = DataKey(conversation_key(TENANT, CONVERSATION), {1: b"1" * 32}, 1, Sealer(SecretStr("MTIz")))
AT = rfc3339(datetime.fromtimestamp(time.time(), UTC))
LONG_AGO = rfc3339(datetime.fromtimestamp(time.time() - STANDS_S - 1, UTC))


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


def a_room() -> Room:
    keys: Any = SimpleNamespace(cached=lambda _: KEY)
    return Room(CONVERSATION, TENANT, "consent.1", keys)


@pytest.fixture
def room() -> Room:
    return a_room()


async def raise_(hub: Any, room: Room, who: str = CLIENT, **fields: str) -> c.RaiseOk:
    frame = c.SafetyRaise.model_validate({"type": "safety.raise", "conversation": CONVERSATION, **fields})
    connection: Any = SimpleNamespace(participant=who)
    return await safety._raise(hub, room, connection, frame, "1")


def heard(room: Room, who: str) -> list[Any]:
    """The frames that somebody who is connected gets from here on."""
    frames: list[Any] = []
    outgoing = SimpleNamespace(send=lambda payload: frames.append(json.loads(payload)))
    connection: Any = SimpleNamespace(participant=who, outgoing=outgoing)
    room.connections[who] = connection
    return frames


def full(room: Room) -> OpenRaise:
    """As many of the client's are on record and open as may be; the newest."""
    ones = [OpenRaise(raised=new_id(), sender=CLIENT, at=f"2026-03-02T09:{n:02}:30.250Z") for n in range(c.OPEN_MOST)]
    room.raises.open = {one.raised: one for one in ones}
    return ones[-1]


def alert(sender: str, **more: object) -> c.SafetyAlert:
    return c.SafetyAlert.model_validate(
        {"tenant": TENANT, "conversation": CONVERSATION, "record": new_id(), "sender": sender, "at": AT} | more
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


async def test_what_more_of_them_say_is_told_and_not_recorded(room: Room) -> None:
    hub = Hub(Unavailable("session"))
    newest, frames = full(room), heard(room, THERAPIST)
    silent = await raise_(hub, room)
    assert (silent.joined, silent.recorded, frames, hub.peers.alert.call_count) == (True, True, [], 0)
    ok = await raise_(hub, room, text="now")
    assert (ok.joined, ok.recorded, ok.record, ok.at) == (True, False, newest.raised, newest.at)
    (frame,) = frames
    assert (frame["type"], frame["record"], frame["from"]) == ("safety.alert", newest.raised, CLIENT)
    assert (frame["text"], frame["joined"]) == ("now", True)
    assert (hub.raising, hub.tasks, room.raises.alerts) == (0, [], {})
    ((_, notice),) = [call.args for call in hub.peers.alert.call_args_list]
    there = a_room()
    full(there)
    told = safety.alerted(there, notice)
    assert told is not None
    assert told.model_dump(mode="json") == frame
    assert there.raises.alerts == {}
    assert safety.alerted(there, notice.model_copy(update={"content": None})) is None  # nothing is left to be told


async def test_what_is_said_is_told_though_others_took_the_last_place(room: Room) -> None:
    hub = Hub(Refused(Code.WRONG_STATE, {"state": {"open": c.OPEN_MOST}}))
    room.raises.open = {(stands := OpenRaise(raised=new_id(), sender=CLIENT, at=AT)).raised: stands}
    frames = heard(room, THERAPIST)
    ok = await raise_(hub, room, text="now")
    assert (ok.joined, ok.recorded) == (True, False)
    assert [(frame["record"], frame["text"]) for frame in frames] == [(stands.raised, "now")]
    await hub.over()


@pytest.mark.parametrize("code", [Code.CONFLICT, Code.WRONG_STATE, Code.KEY_GONE])
async def test_what_is_refused_after_it_was_told_is_open_nowhere(
    room: Room, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    monkeypatch.setattr(safety, "RETRY_S", (0.01,))
    hub = Hub(Unavailable("session"))
    hub.requests.ask.side_effect = [Unavailable("session"), Refused(code)]
    ok = await raise_(hub, room, text="now")
    assert not ok.recorded
    async with asyncio.timeout(5):
        await hub.tasks[0]
    assert room.raises.standing(CLIENT) == []
    there = a_room()
    told = [safety.alerted(there, call.args[1]) for call in hub.peers.alert.call_args_list]
    assert [one and one.text for one in told] == ["now", None]
    assert there.raises.standing(CLIENT) == []


async def test_where_nothing_can_be_sealed_it_is_told_once_and_open_nowhere(room: Room) -> None:
    hub = Hub(Refused(Code.KEY_GONE))
    frames = heard(room, THERAPIST)
    assert not (await raise_(hub, room)).recorded
    await asyncio.gather(*hub.tasks)
    assert [frame["type"] for frame in frames] == ["safety.alert"]
    assert [call.args[1].given_up for call in hub.peers.alert.call_args_list] == [False, True]
    assert room.raises.alerts == {}


def test_alerts_of_long_ago_take_nobodys_place(room: Room) -> None:
    for _ in range(c.OPEN_MOST):
        safety.alerted(room, alert(CLIENT, at=LONG_AGO))
    assert room.raises.standing(CLIENT) == []
    assert safety.alerted(room, alert(CLIENT)) is not None
