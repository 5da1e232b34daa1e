"""Live text between two people: only with consent, only as followed, and gone at once."""

import uuid

import pytest_asyncio

from tests.support.participants import Conversation, Frame, Participant

Pair = tuple[Participant, Participant]
BULLET = "\u2022"


def new() -> str:
    return str(uuid.uuid4())


def insert(text: str, pos: int = 0) -> list[list[object]]:
    return [[0, "i", pos, text]]


@pytest_asyncio.fixture
async def live(pair: Pair) -> Pair:
    """The client has consented and switched on; the therapist has heard so."""
    client = pair[0]
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    for one in pair:
        await one.settled()
    return pair


async def refused(who: Participant, kind: str, **fields: object) -> tuple[str, Frame]:
    answer = await who.ask(kind, **fields)
    assert answer["type"] == "error", answer
    return answer["code"], answer.get("details", {})


async def test_each_keystroke_is_shown(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    draft = new()
    about = {"conversation": talk.id, "draft": draft, "from": talk.client}
    ops = [[120, "i", 0, "I 𝄞"], [90, "d", 2, 1]]
    await client.ok("live.edit", draft=draft, rev=1, ops=ops)
    assert await therapist.until("live.edit") == {"type": "live.edit", "rev": 1, "ops": ops, **about}
    await client.say("live.reset", draft=draft, rev=9, text="I wanted")
    assert await therapist.until("live.reset") == {"type": "live.reset", "rev": 9, "text": "I wanted", **about}
    await client.say("live.clear", draft=draft)
    assert await therapist.until("live.clear") == {"type": "live.clear", **about}
    await client.untouched()


async def test_switching_on_is_told_to_all(talk: Conversation, pair: Pair) -> None:
    client = pair[0]
    await client.consent("live_text")
    await client.ok("live.toggle", on=True, level="rhythm")
    told = {"type": "live.changed", "conversation": talk.id, "from": talk.client, "on": True, "level": "rhythm"}
    for one in pair:
        assert await one.until("live.changed") == told
    late = await talk.join(talk.therapist)
    assert late.welcome["conversations"][0]["live"][talk.client] == {"on": True, "level": "rhythm"}


async def test_checks_come_in_their_order(talk: Conversation, pair: Pair) -> None:
    """Each frame breaks every rule from its own on; none is forwarded."""
    client, therapist = pair
    draft = new()
    bad = {"draft": draft, "rev": 7, "ops": [*insert("x" * 9_000), [0, "d", 50_000, 1]]}
    assert (await refused(client, "live.edit", **{**bad, "rev": 0, "conversation": new()}))[0] == "bad_frame"
    assert (await refused(client, "live.edit", **{**bad, "conversation": new()}))[0] == "not_found"
    assert (await refused(client, "live.edit", **bad))[0] == "consent_required"
    assert (await refused(client, "live.toggle", on=True))[0] == "consent_required"
    await client.consent("live_text")
    assert (await refused(client, "live.edit", **bad))[0] == "live_off"
    await client.ok("live.toggle", on=True)
    posted = new()
    await client.ok("message.send", message=posted, text="said")
    await therapist.settled()
    assert (await refused(client, "live.edit", **{**bad, "draft": posted}))[0] == "conflict"
    assert (await refused(client, "live.edit", **bad))[0] == "too_long"
    bad["ops"] = [[0, "d", 50_000, 1]]
    assert await refused(client, "live.edit", **bad) == ("bad_rev", {"expected": 1})
    assert (await refused(client, "live.edit", **{**bad, "rev": 1}))[0] == "bad_op"
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("a"))
    assert [f["type"] for f in await therapist.settled()] == ["live.edit"]


async def test_the_others_draft_is_not_ones_own(live: Pair) -> None:
    client, therapist = live
    await therapist.consent("live_text")
    await therapist.ok("live.toggle", on=True)
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("mine"))
    for kind, fields in (
        ("live.edit", {"rev": 2, "ops": insert("x")}),
        ("live.reset", {"rev": 1, "text": "x"}),
        ("live.clear", {}),
    ):
        assert (await refused(therapist, kind, draft=draft, **fields))[0] == "conflict"
    assert await therapist.refused("message.send", message=draft, text="x") == "conflict"


async def test_at_rhythm_the_words_stay_at_home(live: Pair) -> None:
    client, therapist = live
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("secret"))
    await client.ok("live.toggle", on=True, level="rhythm")
    kinds = [f["type"] for f in await therapist.settled()]
    assert kinds == ["live.edit", "live.clear", "live.changed"]
    assert (await refused(client, "live.edit", draft=draft, rev=1, ops=insert("s")))[0] == "bad_op"
    assert (await refused(client, "live.reset", draft=draft, rev=1, text="s"))[0] == "bad_op"
    await client.ok("live.edit", draft=draft, rev=1, ops=insert(BULLET * 3))
    assert [f["type"] for f in await therapist.settled()] == ["live.edit"]


async def test_whoever_comes_gets_the_open_draft(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("I "))
    await client.ok("live.edit", draft=draft, rev=2, ops=insert("am", 2))
    late = await talk.join(talk.therapist)
    reset = await late.until("live.reset")
    assert (reset["draft"], reset["rev"], reset["text"]) == (draft, 2, "I am")
    await therapist.ok("live.resync", draft=draft)
    assert (await therapist.until("live.reset"))["text"] == "I am"
    assert (await refused(therapist, "live.resync", draft=new()))[0] == "not_found"


async def test_the_message_ends_its_draft(live: Pair) -> None:
    client, therapist = live
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("said"))
    await client.ok("message.send", message=draft, text="said")
    assert [f["type"] for f in await therapist.settled()] == ["live.edit", "message.posted"]
    assert (await refused(therapist, "live.resync", draft=draft))[0] == "not_found"


async def test_another_connection_takes_a_draft_over(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    tab = await talk.join(talk.client)
    await tab.ok("live.toggle", on=True)
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("here"))
    assert (await refused(tab, "live.edit", draft=draft, rev=2, ops=insert("x")))[1] == {"expected": 1}
    await tab.ok("live.edit", draft=draft, rev=1, ops=insert("there"))
    assert [f["type"] for f in await therapist.settled()] == ["live.edit", "live.reset"]
    assert (await refused(client, "live.edit", draft=draft, rev=2, ops=insert("x")))[0] == "bad_rev"


async def test_switching_off_and_leaving(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    draft = new()
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("a"))
    await client.ok("live.toggle", on=False)
    frames = await therapist.settled()
    assert [f["type"] for f in frames] == ["live.edit", "live.clear", "live.changed"]
    assert frames[-1]["on"] is False
    assert (await refused(client, "live.edit", draft=draft, rev=1, ops=insert("a")))[0] == "live_off"
    await client.ok("live.toggle", on=True)
    await client.ok("live.edit", draft=draft, rev=1, ops=insert("a"))
    await therapist.settled()
    await client.leave()
    await therapist.until("live.clear", draft=draft)
    assert (await therapist.until("live.changed"))["on"] is False
    back = await talk.join(talk.client)  # off at every connect
    assert (await refused(back, "live.edit", draft=draft, rev=1, ops=insert("a")))[0] == "live_off"


async def test_withdrawing_stops_every_connection_at_once(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    tab = await talk.join(talk.client)
    await tab.ok("live.toggle", on=True)
    one, other = new(), new()
    await client.ok("live.edit", draft=one, rev=1, ops=insert("a"))
    await tab.ok("live.edit", draft=other, rev=1, ops=insert("b"))
    await therapist.settled()
    await tab.ok("consent.withdraw", purpose="live_text")
    frames = await therapist.settled()
    assert [f["type"] for f in frames] == ["live.clear", "live.clear", "live.changed", "consent.changed"]
    for who in (client, tab):
        assert (await refused(who, "live.edit", draft=one, rev=1, ops=insert("a")))[0] == "consent_required"
    await client.consent("live_text")  # a new grant switches nothing on
    assert (await refused(client, "live.edit", draft=one, rev=1, ops=insert("a")))[0] == "live_off"


async def test_a_withdrawal_by_the_partner_arrives(talk: Conversation, live: Pair) -> None:
    client, therapist = live
    await client.ok("live.edit", draft=(draft := new()), rev=1, ops=insert("a"))
    await therapist.settled()
    body = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
    status, _ = await talk.partner.ask("POST", f"/v1/conversations/{talk.id}/consents", body)
    assert status == 201
    frames = await therapist.settled()
    assert [f["type"] for f in frames] == ["live.clear", "live.changed", "consent.changed"]
    assert (await refused(client, "live.edit", draft=draft, rev=2, ops=insert("a")))[0] == "consent_required"


async def test_too_much_live_text(other_talk: Conversation) -> None:
    client, therapist = await other_talk.both()
    await client.consent("live_text")
    await client.ok("live.toggle", on=True)
    await therapist.settled()
    draft = new()
    await client.ok("live.reset", draft=draft, rev=1, text="")
    for number in range(120):
        await client.say("live.reset", ref=str(number), draft=draft, rev=number + 2, text=str(number))
    answers = [await client.where(lambda f, ref=str(n): f.get("ref") == ref) for n in range(120)]  # type: ignore[misc]
    errors = [a for a in answers if a["type"] == "error"]
    assert errors
    assert all(e["code"] == "rate_limited" and e["details"]["retry_ms"] >= 1 for e in errors)
    shown = [f for f in await therapist.settled() if f["type"] == "live.reset"]
    assert len(shown) == 1 + 120 - len(errors)
