"""Keeping at the gateway: bounded in memory, closed where consent isn't known, told again until it is stored."""

import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.gateway.domain.drafts import Draft
from services.gateway.domain.strokes import decode
from services.gateway.egress.requests import Waiter
from services.gateway.handlers import keeping
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.keeping import Before, Keeping
from services.gateway.handlers.room import Room
from shared.contracts.commands import KeepComposition
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.events import Done
from shared.contracts.frames import client
from shared.contracts.frames.values import ConsentValue
from shared.contracts.ids import new_id
from shared.contracts.keys import composition_part
from tests.support.keys import HeldKeys

WHO, CONNECTION = new_id(), "here"


@dataclass
class Sent:
    """The commands that were submitted, and who waits for their answers."""

    room: Room
    commands: list[tuple[KeepComposition, Waiter]] = field(default_factory=list)

    def submit(self, queue: str, command: KeepComposition, waiter: Waiter) -> None:
        assert queue == "session.0"
        self.commands.append((command, waiter))

    def texts(self) -> list[str]:
        found = []
        for command, _ in self.commands:
            record = composition_part(command.draft, command.run, command.number)
            strokes = decode(self.room.key().open(record, command.content))
            found.append("".join(str(s.op[3]) for s in strokes))
        return found


class Desk:
    """A room in which one author writes, and what is kept of it."""

    def __init__(self, *, consent: bool = True) -> None:
        self.room = Room(new_id(), new_id(), "consent.0", HeldKeys())
        self.sent = Sent(self.room)
        self.lease = True
        if consent:
            self.room.learn(WHO, "composition_replay", ConsentValue(state="granted", epoch=1))
        hub = SimpleNamespace(
            rooms={self.room.id: self.room},
            requests=self.sent,
            address="gateway.1",
            lease_holds=lambda _: self.lease,
            session_queue=lambda _: "session.0",
        )
        self.keeping = Keeping(cast("Any", hub))
        self.rev = 0

    def type(self, draft: str, text: str, *, by: str = CONNECTION) -> None:
        """Append text, as `live.write` does."""
        known = self.room.live.drafts.get(draft)
        was = keeping.before(known)
        pos = 0 if known is None else len(known.text)
        self.room.live.drafts[draft] = Draft(draft, WHO, by, 1, ("" if known is None else known.text) + text)
        frame = client.LiveEdit(
            type="live.edit", conversation=self.room.id, draft=draft, rev=1, ops=[(5, "i", pos, text)]
        )
        who = cast("Connection", SimpleNamespace(id=by, participant=WHO))
        self.keeping.took(self.room, who, frame, was)

    def answer(self, refused: Refused | None = None) -> None:
        for command, waiter in self.sent.commands:
            waiter.answered(Done(causationid=command.id)) if refused is None else waiter.failed(refused)


async def test_a_part_grows_until_it_is_stored_whole() -> None:
    desk, draft = Desk(), new_id()
    desk.type(draft, "a")
    desk.keeping.flush()
    desk.type(draft, "b")
    desk.keeping.flush()  # one is under way
    assert desk.sent.texts() == ["a"]
    desk.answer()
    desk.keeping.flush()
    desk.answer()
    desk.keeping.flush()
    assert desk.sent.texts() == ["a", "ab"]
    first, second = (command for command, _ in desk.sent.commands)
    assert (first.run, first.number, first.ops) == (second.run, 0, 1)
    assert (second.number, second.ops) == (0, 2)


async def test_what_could_not_be_stored_is_sent_again() -> None:
    desk, draft = Desk(), new_id()
    desk.type(draft, "a")
    desk.keeping.flush()
    desk.answer(Unavailable("session"))
    desk.keeping.flush()
    assert desk.sent.texts() == ["a", "a"]


async def test_what_the_service_refuses_is_let_go() -> None:
    desk, draft = Desk(), new_id()
    desk.type(draft, "a")
    desk.keeping.flush()
    desk.answer(Refused(Code.CONFLICT))
    desk.type(draft, "b")
    desk.keeping.flush()
    assert desk.sent.texts() == ["a"]


@pytest.mark.parametrize("reason", ["withdrawn", "unkept", "lease", "room"])
async def test_what_is_in_memory_is_dropped_where_consent_is_not_known(reason: str) -> None:
    desk, draft = Desk(), new_id()
    desk.type(draft, "a")
    match reason:
        case "withdrawn":
            desk.room.learn(WHO, "composition_replay", ConsentValue(state="withdrawn", epoch=2))
        case "unkept":
            desk.room.unkept.add(WHO)
        case "lease":
            desk.lease = False
        case _:
            cast("Any", desk.keeping)._hub.rooms.clear()
    desk.keeping.flush()
    desk.room.learn(WHO, "composition_replay", ConsentValue(state="granted", epoch=3))
    desk.room.unkept.clear()
    desk.lease = True
    desk.type(draft, "b")  # it was open before it could be kept
    desk.keeping.flush()
    assert desk.sent.commands == []


async def test_nothing_is_kept_without_consent() -> None:
    desk = Desk(consent=False)
    desk.type(new_id(), "a")
    desk.keeping.flush()
    assert desk.sent.commands == []


async def test_a_full_part_is_sent_at_once_and_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PART_OPS", 2)
    desk, draft = Desk(), new_id()
    for letter in "abcde":
        desk.type(draft, letter)
    assert desk.sent.texts() == ["ab", "cd"]
    desk.answer()
    desk.keeping.flush()
    assert desk.sent.texts() == ["ab", "cd", "e"]
    assert [command.number for command, _ in desk.sent.commands] == [0, 1, 2]


async def test_a_draft_that_can_not_be_stored_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PART_OPS", 1)
    desk, draft = Desk(), new_id()
    for letter in "abcdefghi":
        desk.type(draft, letter)
    assert len(desk.sent.commands) == keeping.PARTS_WAITING
    desk.keeping.flush()
    assert len(desk.sent.commands) == keeping.PARTS_WAITING


async def test_too_many_drafts_at_once_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "HELD_OPS", 2)
    desk = Desk()
    for _ in range(4):
        desk.type(str(uuid.uuid4()), "a")
    desk.keeping.flush()
    assert desk.sent.texts() == ["a", "a"]


async def test_a_draft_that_ended_is_forgotten_once_it_is_stored() -> None:
    desk, draft = Desk(), new_id()
    desk.type(draft, "a")
    desk.room.live.drafts.clear()
    desk.keeping.flush()
    desk.answer()
    desk.type(draft, "b")  # begun anew under the same id: another run
    desk.keeping.flush()
    runs = [command.run for command, _ in desk.sent.commands]
    assert len(set(runs)) == len(runs) == 2


def test_before_a_first_frame_there_is_nothing() -> None:
    assert keeping.before(None) is None
    assert keeping.before(Draft("d", "a", "c", 3, "text")) == Before("c", "text")
