"""Compositions: kept only under consent, read by who may, opened, let go and marked."""

import asyncio
import uuid

import pytest_asyncio

from services.gateway.handlers.keeping import SEND_S
from tests.support.instances import database
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
TYPED = [
    [0, "i", 0, "I"],
    [240, "i", 1, " "],
    [310, "i", 2, "h"],
    [95, "i", 3, "🐢"],
    [1_900, "d", 2, 2],
    [70, "i", 2, "x"],
]


def new() -> str:
    return str(uuid.uuid4())


@pytest_asyncio.fixture
async def kept(pair: Pair) -> Pair:
    """The client shows what they write and has it kept."""
    client = pair[0]
    await client.consent("live_text", "composition_replay")
    await client.ok("live.toggle", on=True)
    for one in pair:
        await one.settled()
    return pair


async def typed(client: Participant, draft: str) -> None:
    for rev, op in enumerate(TYPED, start=1):
        await client.ok("live.edit", draft=draft, rev=rev, ops=[op])


async def said(client: Participant) -> str:
    """A message that was written in sight; its id. What was kept of it is stored before it."""
    draft = new()
    await typed(client, draft)
    await client.ok("message.send", message=draft, text="I x")
    return draft


async def composition(who: Participant, draft: str) -> Frame:
    answer = await who.ok("composition.get", draft=draft)
    assert answer["more"] is False
    found: Frame = answer["composition"]
    return found


async def until_kept(who: Participant, draft: str, ops: int) -> Frame:
    """The composition, once it has so many operations; a gateway sends what it has every few seconds."""
    async with asyncio.timeout(5 * SEND_S):
        while True:
            answer = await who.ask("composition.get", draft=draft)
            if answer["type"] == "ok" and len(answer["composition"]["ops"]) >= ops:
                found: Frame = answer["composition"]
                return found
            await asyncio.sleep(0.1)


async def rows(platform: Platform, draft: str) -> int:
    connection = await database(platform, "session")
    try:
        found: int = await connection.fetchval("select count(*) from composition_part where draft = $1", draft)
    finally:
        await connection.close()
    return found


async def test_how_a_message_was_written_is_kept_exactly(talk: Conversation, kept: Pair) -> None:
    client, therapist = kept
    draft = await said(client)
    sent = (await therapist.until("message.posted"))["seq"]
    found = await composition(client, draft)
    begun = found.pop("begun_at")
    assert begun.endswith("Z")
    assert found == {
        "draft": draft,
        "author": talk.client,
        "message_sent": True,
        "seq": sent,
        "opened": False,
        "ops": TYPED,
        "marks": [],
    }
    assert (await composition(therapist, draft))["ops"] == TYPED  # all of it was shown live


async def test_a_draft_never_sent_is_kept_too_and_listed(kept: Pair) -> None:
    client, therapist = kept
    first, second = new(), new()
    await typed(client, first)
    await client.ok("live.clear", draft=first)
    await typed(client, second)
    await until_kept(client, second, len(TYPED))
    assert (await until_kept(client, first, len(TYPED)))["message_sent"] is False
    listed = await therapist.ok("composition.list", limit=1)
    assert ([one["draft"] for one in listed["compositions"]], listed["more"]) == ([second], True)
    listed = await therapist.ok("composition.list", before=second)
    assert ([one["draft"] for one in listed["compositions"]], listed["more"]) == ([first], False)
    assert (listed["compositions"][0]["ops"], listed["compositions"][0]["opened"]) == (len(TYPED), False)


async def test_a_reset_is_kept_as_what_it_changed(kept: Pair) -> None:
    client, _ = kept
    draft = new()
    await typed(client, draft)
    await client.ok("live.reset", draft=draft, rev=9, text="I y")
    found = await until_kept(client, draft, len(TYPED) + 2)
    assert found["ops"][: len(TYPED)] == TYPED
    assert [op[1:] for op in found["ops"][len(TYPED) :]] == [["d", 2, 1], ["i", 2, "y"]]


async def test_another_tab_goes_on_with_the_same_composition(talk: Conversation, kept: Pair) -> None:
    client, _ = kept
    draft = new()
    await typed(client, draft)
    tab = await talk.join(talk.client)
    await tab.ok("live.toggle", on=True)
    await tab.ok("live.reset", draft=draft, rev=20, text="I xy")
    found = await until_kept(client, draft, len(TYPED) + 1)
    assert found["ops"] == [*TYPED, [0, "i", 3, "y"]]


async def test_without_consent_nothing_is_kept(platform: Platform, pair: Pair) -> None:
    """Neither before it, nor of a draft that was open when it was given; the next one is."""
    client, therapist = pair
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    before = await said(client)
    opened = new()
    await typed(client, opened)
    await client.consent("composition_replay")
    await client.ok("live.edit", draft=opened, rev=len(TYPED) + 1, ops=[[0, "i", 0, "later"]])
    await client.ok("live.reset", draft=opened, rev=30, text="all of it")
    after = await said(client)
    assert (await composition(client, after))["ops"] == TYPED
    for draft in (before, opened):
        assert await client.refused("composition.get", draft=draft) == "not_found"
        assert await rows(platform, draft) == 0
    await therapist.consent("live_text")
    await therapist.ok("live.toggle", on=True)  # the client's consent isn't the therapist's
    theirs = await said(therapist)
    assert await client.refused("composition.get", draft=theirs) == "not_found"


async def test_at_rhythm_only_dots_are_kept(kept: Pair) -> None:
    client, _ = kept
    await client.ok("live.toggle", on=True, level="rhythm")
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "•"], [120, "i", 1, "•"]])
    found = await until_kept(client, draft, 2)
    assert found["ops"] == [[0, "i", 0, "•"], [120, "i", 1, "•"]]


async def test_opening_is_the_authors_and_told_to_all(talk: Conversation, kept: Pair) -> None:
    client, therapist = kept
    draft = await said(client)
    assert await therapist.refused("composition.open", draft=draft) == "forbidden"
    assert await client.refused("composition.open", draft=new()) == "not_found"
    for _ in range(2):
        await client.ok("composition.open", draft=draft)
        told = {"type": "composition.opened", "conversation": talk.id, "draft": draft, "from": talk.client}
        for one in kept:
            assert await one.until("composition.opened") == told
    assert (await composition(therapist, draft))["opened"] is True


async def test_letting_one_go_destroys_it(platform: Platform, talk: Conversation, kept: Pair) -> None:
    client, therapist = kept
    draft, other = await said(client), await said(client)
    await therapist.ok("composition.mark", draft=draft, mark=new(), at_op=3, text="What was here?")
    assert await therapist.refused("composition.delete", draft=draft) == "forbidden"
    for _ in range(2):
        await client.ok("composition.delete", draft=draft)
    for one in kept:
        told = {"type": "composition.deleted", "conversation": talk.id, "draft": draft, "from": talk.client}
        assert await one.until("composition.deleted") == told
        assert await one.refused("composition.get", draft=draft) == "not_found"
        assert (await composition(one, other))["ops"] == TYPED
    assert await rows(platform, draft) == 0
    connection = await database(platform, "session")
    try:
        assert await connection.fetchval("select count(*) from composition_mark where draft = $1", draft) == 0
    finally:
        await connection.close()
    await client.ok("composition.delete", all=True)
    assert (await client.ok("composition.list"))["compositions"] == []
    assert await client.refused("composition.get", draft=other) == "not_found"


async def test_what_is_let_go_while_it_is_written_does_not_come_back(platform: Platform, kept: Pair) -> None:
    client, therapist = kept
    draft = new()
    await typed(client, draft)
    await therapist.settled()
    assert await therapist.refused("composition.delete", draft=draft) == "forbidden"
    await client.ok("composition.delete", draft=draft)
    await client.ok("live.edit", draft=draft, rev=len(TYPED) + 1, ops=[[0, "i", 0, "more"]])
    await client.ok("message.send", message=draft, text="more I x")
    assert await client.refused("composition.get", draft=draft) == "not_found"
    assert await rows(platform, draft) == 0


async def test_withdrawing_stops_keeping_at_once(platform: Platform, kept: Pair) -> None:
    """What is in the gateway's memory is dropped; what was kept stays, until its author lets it go."""
    client, therapist = kept
    stored, open_one = await said(client), new()
    await typed(client, open_one)
    await client.ok("consent.withdraw", purpose="composition_replay")
    await client.ok("live.edit", draft=open_one, rev=len(TYPED) + 1, ops=[[0, "i", 0, "a"]])  # live text goes on
    await client.ok("message.send", message=open_one, text="aI x")
    later = await said(client)
    await therapist.until("message.posted", message=later)
    for draft in (open_one, later):
        assert await client.refused("composition.get", draft=draft) == "not_found"
        assert await rows(platform, draft) == 0
    assert (await composition(client, stored))["ops"] == TYPED
    # it is the author's alone now; with a new consent it is as it was
    assert await therapist.refused("composition.get", draft=stored) == "consent_required"
    await client.consent("composition_replay")
    await therapist.until("consent.changed", state="granted")
    await composition(therapist, stored)
    await client.ok("composition.delete", all=True)
    assert await rows(platform, stored) == 0


async def test_a_withdrawal_by_the_partner_stops_keeping_too(
    platform: Platform, talk: Conversation, kept: Pair
) -> None:
    client, _ = kept
    draft = new()
    await typed(client, draft)
    body = {"participant": talk.client, "purpose": "composition_replay", "decision": "withdraw"}
    status, _ = await talk.partner.ask("POST", f"/v1/conversations/{talk.id}/consents", body)
    assert status == 201
    await client.until("consent.changed")
    await client.ok("message.send", message=draft, text="I x")
    assert await rows(platform, draft) == 0


async def test_a_mark_is_the_therapists_own(kept: Pair) -> None:
    client, therapist = kept
    draft, mark = await said(client), new()
    fields = {"draft": draft, "mark": mark, "at_op": 4, "text": "What was the turtle?"}
    assert await client.refused("composition.mark", **fields) == "forbidden"
    assert await therapist.refused("composition.mark", **{**fields, "draft": new()}) == "not_found"
    assert await therapist.refused("composition.mark", **{**fields, "text": " "}) == "bad_text"
    assert await therapist.refused("composition.mark", **{**fields, "at_op": len(TYPED) + 1}) == "bad_frame"
    for _ in range(2):
        await therapist.ok("composition.mark", **fields)
    assert await therapist.refused("composition.mark", **{**fields, "text": "Another"}) == "conflict"
    (seen,) = (await composition(therapist, draft))["marks"]
    assert (seen["mark"], seen["at_op"], seen["text"]) == (mark, 4, "What was the turtle?")
    assert (await composition(client, draft))["marks"] == []


async def test_a_stranger_finds_nothing(kept: Pair, talk: Conversation) -> None:
    client, _ = kept
    draft = await said(client)
    stranger = await talk.partner.conversation()
    someone = await stranger.join(stranger.client)
    assert await someone.refused("composition.get", draft=draft) == "not_found"
    assert await someone.refused("composition.get", draft=draft, conversation=talk.id) == "not_found"
    await stranger.leave()


async def test_a_long_composition_comes_in_pages(kept: Pair) -> None:
    client, _ = kept
    draft, revs = new(), 40
    await client.ok("live.reset", draft=draft, rev=1, text="")
    for rev in range(2, revs + 2):
        ops = [[rev, "i", 0, "é" * 30], [0, "d", 0, 30]] * 100
        await client.ok("live.edit", draft=draft, rev=rev, ops=ops)
    await client.ok("message.send", message=draft, text="short")
    ops = []
    while True:
        answer = await client.ok("composition.get", draft=draft, after_op=len(ops))
        ops += answer["composition"]["ops"]
        if not answer["more"]:
            break
    assert len(ops) == revs * 200
    assert [op[0] for op in ops[::200]] == list(range(2, revs + 2))


async def test_what_was_sent_before_the_gateway_died_is_there_and_reads_well(
    platform: Platform, talk: Conversation, kept: Pair
) -> None:
    client, _ = kept
    draft = new()
    await typed(client, draft)
    await until_kept(client, draft, len(TYPED))
    await client.ok("live.edit", draft=draft, rev=len(TYPED) + 1, ops=[[10, "i", 3, "lost"]])
    old = platform.kill("gateway")
    await platform.until_restarted("gateway", old)
    await platform.until_ready("gateway")
    back = await talk.join(talk.client)
    await back.ok("live.toggle", on=True)
    await back.ok("live.reset", draft=draft, rev=1, text="I xlost")
    await back.ok("live.edit", draft=draft, rev=2, ops=[[90, "i", 7, "!"]])
    found = await until_kept(back, draft, len(TYPED) + 2)
    assert found["ops"] == [*TYPED, [0, "i", 3, "lost"], [90, "i", 7, "!"]]
