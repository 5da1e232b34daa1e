"""What features record: once, in the one order, to everybody, in resume and lists. By deleting and marking messages."""

import asyncio
import uuid

import pytest

from tests.integration.test_protocol_compositions import composition, kept, rows, said
from tests.support.erasure import erase
from tests.support.instances import database
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
__all__ = ["kept"]  # a fixture


def new() -> str:
    return str(uuid.uuid4())


async def posted(who: Participant, text: str) -> tuple[str, Frame]:
    """A new message's id, and its ``ok``."""
    message = new()
    return message, await who.ok("message.send", message=message, text=text)


async def state_of(who: Participant, kind: str, **fields: object) -> object:
    """The state that an error ``wrong_state`` tells."""
    frame = await who.ask(kind, **fields)
    assert (frame["type"], frame["code"]) == ("error", "wrong_state"), frame
    return frame["details"]["state"]


async def test_a_deleted_message_leaves_a_tombstone(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message, sent = await posted(client, "what I regret")
    _, after = await posted(client, "what I don't")
    record = new()
    ok = await client.ok("message.delete", message=message, record=record)
    assert (ok["record"], ok["n"]) == (record, after["n"] + 1)
    event = {
        "type": "message.deleted",
        "conversation": talk.id,
        "n": ok["n"],
        "record": record,
        "from": talk.client,
        "at": ok["at"],
        "message": message,
    }
    assert await client.until("message.deleted") == await therapist.until("message.deleted") == event
    tombstone = (await therapist.ok("history", after=sent["seq"] - 1, limit=1))["messages"][0]
    assert (tombstone["message"], tombstone["text"], tombstone["deleted"]) == (message, "", True)
    assert (tombstone["seq"], tombstone["n"], tombstone["at"]) == (sent["seq"], sent["n"], sent["at"])
    session = await database(platform, "session")
    stored = await session.fetch("select octet_length(content) as size from event where message = $1", message)
    await session.close()
    assert [row["size"] for row in stored] == [0]


async def test_who_was_away_hears_of_it_in_order(talk: Conversation, pair: Pair) -> None:
    therapist = pair[1]
    message, sent = await posted(therapist, "how are you?")
    await therapist.ok("message.mark", message=message, intervention="open_question")
    deleted, _ = await posted(therapist, "a slip")
    await therapist.ok("message.delete", message=deleted)
    late = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": sent["n"] - 1}])
    told = [await late.where(lambda f: "n" in f) for _ in range(4)]
    assert [(f["type"], f["n"]) for f in told] == [
        ("message.posted", sent["n"]),
        ("message.marked", sent["n"] + 1),
        ("message.posted", sent["n"] + 2),
        ("message.deleted", sent["n"] + 3),
    ]
    assert (told[0]["intervention"], told[2]["text"], told[2]["deleted"]) == ("open_question", "", True)


async def test_a_request_has_the_effect_of_once(pair: Pair) -> None:
    client, therapist = pair
    message, _ = await posted(therapist, "tell me more")
    other, _ = await posted(therapist, "why?")
    record = new()
    first = await therapist.ok("message.mark", message=message, intervention="open_question", record=record)
    second = await therapist.ok("message.mark", message=message, intervention="open_question", record=record)
    assert {**first, "ref": ""} == {**second, "ref": ""}
    for changed in ({"message": other}, {"intervention": "advice"}):
        frame = {"message": message, "intervention": "open_question", **changed}
        assert await therapist.refused("message.mark", record=record, **frame) == "conflict"
    assert await therapist.refused("message.delete", record=record, message=message) == "conflict"
    assert await client.refused("message.delete", record=record, message=message) == "conflict"
    await client.settled()
    assert [f["record"] for f in client.seen if f["type"] == "message.marked"] == [record]


async def test_nobody_deletes_what_isnt_theirs_or_isnt_there(pair: Pair) -> None:
    client, therapist = pair
    message, _ = await posted(client, "mine")
    await therapist.until("message.posted")
    assert await therapist.refused("message.delete", message=message) == "forbidden"
    answer = await client.ask("message.delete", message=new())
    assert (answer["code"], answer["details"]) == ("not_found", {"field": "message"})
    assert await client.refused("message.delete", message="that one") == "bad_frame"
    assert await client.refused("message.delete", message=message, record="this") == "bad_frame"
    await therapist.untouched()
    await client.ok("message.delete", message=message)
    assert await state_of(client, "message.delete", message=message) == "deleted"
    assert await client.refused("message.delete", message=message, conversation=new()) == "not_found"


async def test_of_two_that_delete_one_wins_and_the_other_hears_so(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.client)
    message, _ = await posted(client, "twice")
    answers = await asyncio.gather(*(who.ask("message.delete", message=message) for who in (client, tab)))
    assert sorted(a["type"] for a in answers) == ["error", "ok"]
    refused = next(a for a in answers if a["type"] == "error")
    assert (refused["code"], refused["details"]) == ("wrong_state", {"state": "deleted"})
    await therapist.settled()
    assert len([f for f in therapist.seen if f["type"] == "message.deleted"]) == 1


async def test_a_deleted_message_sent_again_stays_deleted(pair: Pair) -> None:
    client, therapist = pair
    message, sent = await posted(client, "gone")
    await client.ok("message.delete", message=message)
    again = await client.ok("message.send", message=message, text="gone")
    assert (again["seq"], again["n"]) == (sent["seq"], sent["n"])
    assert await client.refused("message.send", message=message, text="other") == "conflict"
    assert (await therapist.ok("history", limit=1))["messages"][0]["deleted"] is True


async def test_how_it_was_written_goes_with_it(platform: Platform, kept: Pair) -> None:
    client, therapist = kept
    draft = await said(client)
    assert (await composition(client, draft))["ops"]
    await client.ok("message.delete", message=draft)
    await therapist.until("composition.deleted", draft=draft)
    assert await client.refused("composition.get", draft=draft) == "not_found"
    assert await rows(platform, draft) == 0


async def test_marks_are_the_therapists_on_their_own(pair: Pair) -> None:
    client, therapist = pair
    mine, _ = await posted(therapist, "what brings you here?")
    theirs, _ = await posted(client, "hm")
    assert await client.refused("message.mark", message=theirs, intervention="other") == "forbidden"
    assert await therapist.refused("message.mark", message=theirs, intervention="other") == "forbidden"
    assert await therapist.refused("message.mark", message=new(), intervention="other") == "not_found"
    answer = await therapist.ask("message.mark", message=mine, intervention="sermon")
    assert (answer["code"], answer["details"]["field"]) == ("bad_frame", "intervention")
    for intervention in ("open_question", "socratic_question"):
        await therapist.ok("message.mark", message=mine, intervention=intervention)
    history = (await client.ok("history"))["messages"]
    assert [m.get("intervention") for m in history] == ["socratic_question", None]
    await therapist.ok("message.delete", message=mine)
    assert await state_of(therapist, "message.mark", message=mine, intervention="advice") == "deleted"


async def test_records_are_listed_page_by_page(pair: Pair) -> None:
    client, therapist = pair
    message, sent = await posted(therapist, "and now?")
    kinds = ["open_question", "advice", "check_in", "other", "information"]
    for kind in kinds:
        await therapist.ok("message.mark", message=message, intervention=kind)
    newest = await client.ok("record.list", limit=2)
    assert ([r["intervention"] for r in newest["records"]], newest["more"]) == (kinds[3:], True)
    before = await client.ok("record.list", before=newest["records"][0]["n"], limit=3)
    assert ([r["intervention"] for r in before["records"]], before["more"]) == (kinds[:3], False)
    after = await client.ok("record.list", after=sent["n"] + 1, limit=2)
    assert ([r["intervention"] for r in after["records"]], after["more"]) == (kinds[1:3], True)
    assert await client.refused("record.list", after=1, before=9) == "bad_frame"


@pytest.mark.parametrize("kind", ["message.delete", "message.mark"])
async def test_of_an_erased_conversation_nothing_is_changed(talk: Conversation, kind: str) -> None:
    """Asked by somebody who is connected with all their conversations, so that the connection stays."""
    therapist = await talk.arrive(await talk.token(talk.therapist, scope="participant"))
    message, _ = await posted(therapist, "to be erased")
    await erase(talk)
    await therapist.until("conversation.erased")
    fields = {"message": message} | ({"intervention": "other"} if kind == "message.mark" else {})
    assert await therapist.refused(kind, **fields) == "erased"
