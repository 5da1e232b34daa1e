"""Live text between two gateways that lose and repeat what they tell each other: one resync mends it."""

import asyncio
import json
from collections import deque
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.egress import peers
from services.gateway.egress.peers import Peers
from services.gateway.handlers import live
from services.gateway.handlers.room import Room
from shared.contracts.events import PeerDrafts, PeerResync, PeerState
from shared.contracts.features.leaving import ConversationLeftFact
from shared.contracts.frames import client
from shared.contracts.frames.client import Op
from shared.contracts.frames.values import ConsentValue
from shared.contracts.ids import new_id
from shared.runtime.broker.topology import Destination, live_address
from tests.support.keys import SEALER, HeldKeys

C, TENANT, ANNA, BEN, DRAFT = (new_id() for _ in range(5))

characters = st.one_of(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    st.sampled_from(["a", " ", "\u0301", "\u200d", "👩", "🏽", "💻", "𝄞", "ß", "\u05d0", "\u202e", "\n"]),
)
edits = st.tuples(st.text(characters, max_size=6), st.floats(0, 1), st.floats(0, 1), st.integers(0, 60_000))
"""Text to put in, where, how much of what stands there it replaces, and the pause before."""
Told = PeerState | PeerDrafts | PeerResync
losses = st.sampled_from(["nothing", "loss", "repetition"])


class Reader:
    """A client that follows the protocol: it knows a draft's text, or waits for the whole of it."""

    def __init__(self) -> None:
        self.rev = 0
        self.text = ""
        self.ops: list[Op] = []
        self.astray = False

    def send(self, payload: bytes, _: object = None) -> None:
        frame = json.loads(payload)
        if frame["type"] == "live.reset":
            self.rev, self.text = frame["rev"], frame["text"]
        elif frame["type"] == "live.edit":
            self.astray |= frame["rev"] != self.rev + 1
            self.rev = frame["rev"]
            for wait, kind, pos, what in frame["ops"]:
                self.ops.append((wait, kind, pos, what))
                rest = self.text[pos:] if kind == "i" else self.text[pos + what :]
                self.text = self.text[:pos] + (what if kind == "i" else "") + rest

    def drop_live(self, *_: object) -> None:
        """Nothing waits here."""


class Gateway:
    """One gateway's side of one conversation, with everything real but the broker."""

    def __init__(self, wire: "Wire", name: str) -> None:
        self.address = name
        self.peers = Peers(wire, SEALER)  # type: ignore[arg-type]
        self.room = Room(C, TENANT, "consent.0", HeldKeys(), self.peers)
        self.room.roles = {ANNA: "client", BEN: "therapist"}
        self.room.holders = ["gateway.a", "gateway.b"]
        self.room.consents = {ANNA: {"live_text": ConsentValue(state="granted", epoch=1)}}
        self.peers.address = name
        self.hub: Any = SimpleNamespace(
            peers=self.peers,
            sealer=SEALER,
            rooms={C: self.room},
            lease_holds=lambda _: True,
            switches=SimpleNamespace(allow=lambda _: True),
        )
        wire.gateways[live_address(name)] = self

    def connect(self, participant: str) -> Reader:
        reader = Reader()
        claims = SimpleNamespace(sub=participant)
        connection: Any = SimpleNamespace(id=new_id(), claims=claims, participant=participant, outgoing=reader)
        self.room.connections[connection.id] = connection
        return reader

    def take(self, message: Told) -> None:
        match message:
            case PeerState():
                live.peer_state(self.hub, self.room, message)
            case PeerDrafts():
                live.peer_drafts(self.hub, message)
            case PeerResync():
                live.peer_resync(self.hub, self.room, message)


class Wire:
    """Stands in for the broker: in order, losing or repeating what the test says."""

    def __init__(self) -> None:
        self.gateways: dict[str, Gateway] = {}
        self.fate: deque[str] = deque()

    def begin(self, destination: Destination, envelopes: list[Told]) -> "asyncio.Future[None]":
        for envelope in envelopes:
            self.offer(destination, envelope)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def offer(self, destination: Destination, envelope: Told) -> bool:
        fate = self.fate.popleft() if self.fate and isinstance(envelope, PeerDrafts) else "nothing"
        for _ in range({"nothing": 1, "loss": 0, "repetition": 2}[fate]):
            self.gateways[destination.routing_key].take(envelope)
        return True


def ops_of(text: str, edit: tuple[str, float, float, int]) -> tuple[str, list[Op]]:
    put, where, much, wait = edit
    pos = int(where * len(text))
    count = int(much * (len(text) - pos))
    ops: list[Op] = []
    if count:
        ops.append((wait, "d", pos, count))
    if put:
        ops.append((0 if count else wait, "i", pos, put))
    return text[:pos] + put + text[pos + count :], ops


async def played(script: list[tuple[tuple[str, float, float, int], bool]], fates: list[str]) -> None:
    wire = Wire()
    near, far = Gateway(wire, "gateway.a"), Gateway(wire, "gateway.b")
    near.connect(ANNA)
    beside, across = near.connect(BEN), far.connect(BEN)
    author = next(iter(near.room.connections))
    near.room.show(shown := near.room.live.switch(author, ANNA, "letters"))
    near.peers.shown(near.room, shown)
    text, rev, made = "", 0, list[Op]()

    async def collected() -> None:
        for _ in range(4):  # a collection here, a question there, and the answer's collection
            await asyncio.sleep(0)

    def write(edit: tuple[str, float, float, int]) -> None:
        nonlocal text, rev
        text, ops = ops_of(text, edit)
        if ops:
            rev += 1
            made.extend(ops)
            frame = client.LiveEdit(type="live.edit", conversation=C, draft=DRAFT, rev=rev, ops=ops)
            near.room.show(shown := near.room.live.edit(author, ANNA, "letters", frame))
            near.peers.shown(near.room, shown)

    wire.fate.extend(fates)
    for edit, apart in script:
        write(edit)
        if apart:
            await collected()
    await collected()
    wire.fate.clear()
    write(("!", 1.0, 0.0, 0))  # whatever was lost shows by what comes next
    await collected()
    assert not across.astray, "a reader was sent an edit that doesn't follow"
    assert beside.text == across.text == text
    if "loss" not in fates:
        assert across.ops == made, "the frames aren't those that were made, waits included"


@given(st.lists(st.tuples(edits, st.booleans()), max_size=12), st.lists(losses, max_size=6))
def test_a_reader_at_another_gateway_has_the_authors_text_within_one_resync(
    script: list[tuple[tuple[str, float, float, int], bool]], fates: list[str]
) -> None:
    with patch.object(peers, "COLLECT_S", 0):
        asyncio.run(played(script, fates))


async def met(apart: str) -> Reader:
    """The author writes here; another gateway comes, and hears of one thing only after everything else."""
    wire = Wire()
    near, far = Gateway(wire, "gateway.a"), Gateway(wire, "gateway.b")
    near.room.holders = ["gateway.a"]
    near.connect(ANNA)
    author = next(iter(near.room.connections))
    near.room.show(shown := near.room.live.switch(author, ANNA, "letters"))
    near.peers.shown(near.room, shown)
    frame = client.LiveEdit(type="live.edit", conversation=C, draft=DRAFT, rev=1, ops=[(0, "i", 0, "a")])
    near.room.show(shown := near.room.live.edit(author, ANNA, "letters", frame))
    near.peers.shown(near.room, shown)
    grant = far.room.consents.pop(ANNA)["live_text"]

    def holds() -> None:
        far.peers.hold(far.room)

    def consents() -> None:
        assert far.room.learn(ANNA, "live_text", grant)
        live.learn_all(far.hub, far.room, [(ANNA, "live_text", grant)])

    def known() -> None:
        live.holders(near.hub, near.room, ["gateway.a", "gateway.b"])

    steps = [holds, consents, known]
    steps.sort(key=lambda step: step.__name__ == apart)
    for step in steps:
        step()
        for _ in range(6):  # what was asked, answered and collected
            await asyncio.sleep(0)
    across = Reader()
    connection: Any = SimpleNamespace(id=new_id(), participant=BEN, outgoing=across, epochs={})
    far.room.connections[connection.id] = connection
    far.room.show_drafts(connection)
    return across


@pytest.mark.parametrize("late", ["holds", "consents", "known"])
def test_a_gateway_that_comes_shows_what_is_being_written_whatever_it_hears_last(late: str) -> None:
    with patch.object(peers, "COLLECT_S", 0):
        assert asyncio.run(met(late)).text == "a"


async def heard() -> None:
    for _ in range(8):  # what is told, asked, answered and collected
        await asyncio.sleep(0)


def told(gateway: Gateway, kind: Any) -> None:
    fact = ConversationLeftFact(kind=kind, n=1, record=new_id(), sender=BEN, at="2026-03-02T09:15:00.000Z")
    gateway.room.apply_record(fact)


async def left_and_back(quick: str) -> None:
    """Somebody leaves and returns while the author writes; one of the gateways hears of both before the other does."""
    wire = Wire()
    near, far = Gateway(wire, "gateway.a"), Gateway(wire, "gateway.b")
    order = (near, far) if quick == "near" else (far, near)
    near.connect(ANNA)
    author = next(iter(near.room.connections))

    async def written(text: str) -> None:
        near.room.show(shown := near.room.live.switch(author, ANNA, "letters"))
        near.peers.shown(near.room, shown)
        frame = client.LiveReset(type="live.reset", conversation=C, draft=DRAFT, rev=1, text=text)
        near.room.show(shown := near.room.live.reset(author, ANNA, "letters", frame))
        near.peers.shown(near.room, shown)
        await heard()

    await written("before")
    assert far.room.live.drafts[DRAFT].text == "before"
    told(order[0], "conversation.left")
    assert order[0].room.live.drafts == {}
    if quick == "far":
        await written("while the author's gateway hasn't heard of it")
        near.peers.hold(near.room)
        await heard()
        assert far.room.live.drafts == {}
        assert not far.room.live.state(ANNA).on
    told(order[1], "conversation.left")
    await heard()
    assert near.room.live.drafts == far.room.live.drafts == {}
    assert not near.room.live.state(ANNA).on
    assert not far.room.live.state(ANNA).on
    told(order[0], "conversation.returned")
    if quick == "near":
        await written("after")
    told(order[1], "conversation.returned")
    await heard()
    if quick == "far":
        assert not far.room.live.state(ANNA).on
        await written("after")
    assert far.room.live.drafts[DRAFT].text == "after"


@pytest.mark.parametrize("quick", ["near", "far"])
def test_nothing_is_shown_while_somebody_has_left_whoever_hears_of_it_first(quick: str) -> None:
    with patch.object(peers, "COLLECT_S", 0):
        asyncio.run(left_and_back(quick))
