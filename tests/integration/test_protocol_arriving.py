"""Arriving and being there: welcome, lists of conversations, typing, presence."""

import uuid

from tests.support.participants import Conversation, Participant, Partner

Pair = tuple[Participant, Participant]


async def test_a_welcome(talk: Conversation) -> None:
    client = await talk.join(talk.client, ref="h")
    welcome = client.welcome
    assert await client.until("ok") == {"type": "ok", "ref": "h"}
    assert list(welcome) == [
        "type", "participant", "expires_at", "heartbeat_s", "more", "limits", "obscure", "conversations"
    ]  # fmt: skip
    assert welcome["obscure"] is None
    assert welcome["participant"] == {"id": talk.client, "role": "client"}
    assert (welcome["heartbeat_s"], welcome["more"]) == (25, False)
    assert welcome["limits"] == {
        "frame_bytes": 65_536,
        "text": 8_000,
        "live_per_s": 300,
        "messages_per_s": 200,
        "others_per_s": 200,
    }
    (shown,) = welcome["conversations"]
    people = {p["id"]: p for p in shown.pop("participants")}
    assert people[talk.client] == {"id": talk.client, "role": "client", "display_name": "Client", "online": True}
    assert people[talk.therapist]["online"] is False
    off = {"on": False, "level": "letters"}
    assert shown == {
        "id": talk.id,
        "last_seq": 0,
        "last_n": 0,
        "consents": {},
        "reads": {},
        "live": {talk.client: off, talk.therapist: off},
        "session": None,
    }


async def test_the_limits_are_the_tenants(other_talk: Conversation) -> None:
    limits = (await other_talk.join(other_talk.client)).welcome["limits"]
    assert (limits["live_per_s"], limits["messages_per_s"], limits["others_per_s"]) == (30, 20, 20)


# --- lists -----------------------------------------------------------------------------------------------------------


async def test_all_conversations_of_a_participant(partner: Partner) -> None:
    """More than a welcome holds: the rest by pages, and all of them live."""
    person = str(uuid.uuid4())
    talks = [await partner.conversation_of(str(uuid.uuid4()), person) for _ in range(53)]
    newest_first = [talk.id for talk in reversed(talks)]
    last = talks[-1]
    therapist = await last.arrive(await last.token(last.therapist, scope="participant"))
    assert [c["id"] for c in therapist.welcome["conversations"]] == newest_first[:50]
    assert therapist.welcome["more"] is True
    rest = await therapist.ok("conversation.list", before=newest_first[49])
    assert ([c["id"] for c in rest["conversations"]], rest["more"]) == (newest_first[50:], False)
    again = await therapist.ok("conversation.list")
    assert ([c["id"] for c in again["conversations"]], again["more"]) == (newest_first[:50], True)
    assert again["conversations"][0] == therapist.welcome["conversations"][0]
    assert await therapist.refused("conversation.list", before=str(uuid.uuid4())) == "not_found"
    oldest = talks[0]
    client = await oldest.join(oldest.client)
    assert (await therapist.until("presence"))["conversation"] == oldest.id
    await client.post("a")
    assert (await therapist.until("message.posted"))["conversation"] == oldest.id
    await oldest.leave()
    await last.leave()


async def test_one_conversation_of_a_token_for_one(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    listed = await client.ok("conversation.list", before=None)
    assert ([c["id"] for c in listed["conversations"]], listed["more"]) == ([talk.id], False)
    rest = await client.ok("conversation.list", before=talk.id)
    assert (rest["conversations"], rest["more"]) == ([], False)


async def test_a_new_conversation_arrives(partner: Partner) -> None:
    person = str(uuid.uuid4())
    talk = await partner.conversation_of(person, str(uuid.uuid4()))
    everything = await talk.arrive(await talk.token(talk.client, scope="participant"))
    only_one = await talk.join(talk.client)
    new = await partner.conversation_of(person, str(uuid.uuid4()))
    added = await everything.until("conversation.added")
    assert (added["conversation"], added["id"]) == (new.id, new.id)
    assert set(added) - {"type", "conversation"} == set(talk.here[0].welcome["conversations"][0])
    therapist = await new.join(new.therapist)
    assert (await everything.until("presence"))["conversation"] == new.id
    await therapist.post("a")
    assert (await everything.until("message.posted"))["conversation"] == new.id
    assert [f["type"] for f in await only_one.settled()] == []
    await new.leave()
    await talk.leave()


# --- typing and presence ---------------------------------------------------------------------------------------------


async def test_typing_goes_to_the_others(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.client)
    for on in (True, False):
        assert await client.ok("typing", on=on)
        told = await therapist.until("typing")
        assert told == {"type": "typing", "conversation": talk.id, "on": on, "from": talk.client}
    for one in (client, tab):
        await one.untouched()


async def test_typing_ends_by_itself(pair: Pair) -> None:
    client, therapist = pair
    await client.say("typing", on=True)
    await therapist.until("typing", on=True)
    therapist_ends = await therapist.until_late("typing", on=False)
    assert therapist_ends["from"]
    await client.untouched()


async def test_typing_ends_with_the_last_connection(pair: Pair) -> None:
    client, therapist = pair
    await client.say("typing", on=True)
    await therapist.until("typing", on=True)
    await client.leave()
    await therapist.until("typing", on=False)


async def test_presence_after_a_grace(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.client)
    await client.leave()
    await tab.leave()
    back = await talk.join(talk.client)  # within the grace nobody notices
    await therapist.untouched()
    await back.leave()
    gone = await therapist.until("presence")
    assert gone == {"type": "presence", "conversation": talk.id, "participant": talk.client, "online": False}
    await talk.join(talk.client)
    assert (await therapist.until("presence"))["online"] is True
    await therapist.untouched()
