"""Emoji and symbols over the protocol: reactions, a pair's lexicon, where its symbols were used, and tone."""

import asyncio
import uuid
from typing import Any

from tests.support.instances import database
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
TURTLE, MEANING = "🐢", "an automatic negative thought"


def new() -> str:
    return str(uuid.uuid4())


async def said(who: Participant, text: str, **fields: object) -> str:
    """A message's id."""
    message = new()
    await who.ok("message.send", message=message, text=text, **fields)
    return message


async def defined(who: Participant, emoji: str = TURTLE, meaning: str = MEANING) -> str:
    symbol = new()
    await who.ok("symbol.define", symbol=symbol, emoji=emoji, meaning=meaning)
    return symbol


async def agreed(by: Participant, other: Participant, emoji: str = TURTLE) -> str:
    symbol = await defined(by, emoji)
    await other.ok("symbol.agree", symbol=symbol, revision=1)
    return symbol


async def lexicon(who: Participant) -> list[Frame]:
    listed = await who.ok("symbol.list")
    assert listed["more"] is False
    symbols: list[Frame] = listed["symbols"]
    return symbols


async def uses(who: Participant, emoji: str = TURTLE, **fields: object) -> list[Frame]:
    found: list[Frame] = (await who.ok("symbol.timeline", emoji=emoji, **fields))["uses"]
    return found


async def refusal(who: Participant, kind: str, **fields: object) -> tuple[str, Any]:
    frame = await who.ask(kind, **fields)
    assert frame["type"] == "error", frame
    return frame["code"], frame.get("details")


# --- reactions -------------------------------------------------------------------------------------------------------


async def test_a_reaction_is_seen_by_both_and_taken_back(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message = await said(client, "I went out.")
    ok = await therapist.ok("reaction.add", record=(record := new()), message=message, emoji="👍🏽")
    for one in pair:
        got = await one.until("reaction.added")
        assert (got["n"], got["record"], got["message"], got["emoji"]) == (2, record, message, "👍🏽")
        assert (got["from"], got["at"], ok["n"]) == (talk.therapist, ok["at"], 2)
    await therapist.ok("reaction.remove", message=message, emoji="👍")  # whatever its skin tone
    assert (await client.until("reaction.removed"))["emoji"] == "👍"
    again = await therapist.ok("reaction.add", message=message, emoji="👍")
    assert again["n"] == 4


async def test_a_reaction_happens_once(pair: Pair) -> None:
    client, therapist = pair
    message, record = await said(client, "I went out."), new()
    frame = {"record": record, "message": message, "emoji": "❤️"}
    first = await therapist.ok("reaction.add", **frame)
    again = await therapist.ok("reaction.add", **frame)
    assert {**again, "ref": ""} == {**first, "ref": ""}
    assert await refusal(therapist, "reaction.add", **{**frame, "emoji": "🐢"}) == ("conflict", None)
    assert await refusal(client, "reaction.add", **frame) == ("conflict", None)
    assert await refusal(therapist, "reaction.add", message=message, emoji="❤") == ("wrong_state", {"state": "added"})
    await client.ok("reaction.add", message=message, emoji="❤️")  # each their own
    assert [f["type"] for f in await client.settled()] == ["reaction.added", "reaction.added"]


NOT_ONE = ["", "a", "1", "🐢🐢", "🐢 ", "🇽🇽", "🏽", "🐢🏽", "👍\u200d", "turtle", "😀\u0301", "\ufe0f", "🐢" * 40]


async def test_what_is_not_one_emoji_is_refused_and_changes_nothing(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client, "I went out.")
    await therapist.settled()
    for emoji in NOT_ONE:
        for kind, fields in (
            ("reaction.add", {"message": message}),
            ("reaction.remove", {"message": message}),
            ("symbol.define", {"symbol": new(), "meaning": "x"}),
            ("symbol.timeline", {}),
        ):
            refused = await refusal(therapist, kind, emoji=emoji, **fields)
            assert refused == ("bad_emoji", {"field": "emoji"}), (kind, emoji)
    await client.untouched()
    await therapist.untouched()


async def test_a_reaction_to_nothing(pair: Pair) -> None:
    client, therapist = pair
    message = await said(client, "I went out.")
    assert await refusal(therapist, "reaction.add", message=new(), emoji=TURTLE) == ("not_found", {"field": "message"})
    removed = await refusal(therapist, "reaction.remove", message=message, emoji=TURTLE)
    assert removed == ("wrong_state", {"state": "removed"})
    await client.ok("message.delete", message=message)
    assert await refusal(therapist, "reaction.add", message=message, emoji=TURTLE) == (
        "wrong_state",
        {"state": "deleted"},
    )


# --- the lexicon -----------------------------------------------------------------------------------------------------


async def test_a_symbol_is_ones_own_until_the_other_agrees(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    symbol = new()
    ok = await client.ok("symbol.define", symbol=symbol, emoji=TURTLE, meaning=MEANING)
    assert (ok["record"], ok["n"]) == (symbol, 1)
    got = await therapist.until("symbol.defined")
    assert (got["symbol"], got["emoji"], got["meaning"], got["from"]) == (symbol, TURTLE, MEANING, talk.client)
    [mine] = await lexicon(therapist)
    wording = {"revision": 1, "from": talk.client, "meaning": MEANING, "at": ok["at"]}
    assert mine == {"symbol": symbol, "emoji": TURTLE, "state": "proposed", "meaning": wording}
    assert await refusal(client, "symbol.agree", symbol=symbol) == ("forbidden", None)
    for kind, fields in (("symbol.revise", {"meaning": "x"}), ("symbol.retire", {})):
        assert await refusal(therapist, kind, symbol=symbol, **fields) == ("forbidden", None)
    agreed_at = (await therapist.ok("symbol.agree", symbol=symbol, revision=1))["at"]
    assert (await client.until("symbol.agreed"))["revision"] == 1
    [shared] = await lexicon(client)
    assert (shared["state"], shared["meaning"]) == ("agreed", {**wording, "agreed_at": agreed_at})


async def test_an_agreed_meaning_stays_until_another_is_agreed(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    symbol = await agreed(client, therapist)
    await therapist.ok("symbol.revise", symbol=symbol, meaning="a slow thought")
    [revised] = await lexicon(client)
    assert (revised["state"], revised["meaning"]["meaning"]) == ("revised", MEANING)
    assert (revised["proposed"]["meaning"], revised["proposed"]["from"]) == ("a slow thought", talk.therapist)
    state = {"state": "revised", "symbol": symbol, "revision": 2}
    assert await refusal(client, "symbol.revise", symbol=symbol, meaning="mine") == ("wrong_state", state)
    assert await refusal(client, "symbol.agree", symbol=symbol, revision=1) == ("wrong_state", state)
    await client.ok("symbol.agree", symbol=symbol, revision=2)
    [found] = await lexicon(therapist)
    assert (found["state"], found["meaning"]["meaning"], "proposed" in found) == ("agreed", "a slow thought", False)


async def test_an_emoji_has_one_meaning_at_a_time_and_history_stays(pair: Pair) -> None:
    client, therapist = pair
    first = await agreed(client, therapist)
    taken = await refusal(therapist, "symbol.define", symbol=new(), emoji="🐢\ufe0f", meaning="another")
    assert taken == ("emoji_taken", {"state": "agreed", "symbol": first, "revision": 1})
    await therapist.ok("symbol.retire", symbol=first)
    for kind, fields in (("symbol.revise", {"meaning": "x"}), ("symbol.retire", {}), ("symbol.agree", {})):
        code, details = await refusal(client, kind, symbol=first, **fields)
        assert (code, details["state"]) == ("wrong_state", "retired")
    second = await defined(therapist, meaning="another")
    found = await lexicon(client)
    assert [(one["symbol"], one["state"], one["meaning"]["meaning"]) for one in found] == [
        (first, "retired", MEANING),
        (second, "proposed", "another"),
    ]
    assert found[0]["retired_at"] > found[0]["meaning"]["agreed_at"]


async def test_a_definition_happens_once(pair: Pair) -> None:
    client, therapist = pair
    frame = {"symbol": new(), "emoji": TURTLE, "meaning": MEANING}
    first = await client.ok("symbol.define", **frame)
    assert (await client.ok("symbol.define", **frame))["n"] == first["n"]
    assert (await refusal(client, "symbol.define", **{**frame, "meaning": "other"}))[0] == "conflict"
    assert (await refusal(therapist, "symbol.define", **frame))[0] == "conflict"
    revision = {"record": new(), "symbol": frame["symbol"], "meaning": "slow"}
    revised = await client.ok("symbol.revise", **revision)
    assert (await client.ok("symbol.revise", **revision))["n"] == revised["n"]
    [found] = await lexicon(therapist)
    assert (found["meaning"]["revision"], found["meaning"]["meaning"]) == (2, "slow")


async def test_meanings_have_bounds(pair: Pair) -> None:
    client, therapist = pair
    bad = {"": "bad_text", "  \n": "bad_text", "a\0b": "bad_text", "é" * 501: "too_long"}
    symbol = await defined(client, "🐇")
    await therapist.settled()
    for meaning, code in bad.items():
        refused = await refusal(client, "symbol.define", symbol=new(), emoji=TURTLE, meaning=meaning)
        assert (refused[0], refused[1]["field"]) == (code, "meaning")
        assert (await refusal(client, "symbol.revise", symbol=symbol, meaning=meaning))[0] == code
    await therapist.untouched()
    await defined(client, TURTLE, "𝄞" * 500)


async def test_unknown_symbols(pair: Pair) -> None:
    client, _ = pair
    for kind, fields in (("symbol.revise", {"meaning": "x"}), ("symbol.agree", {}), ("symbol.retire", {})):
        assert await refusal(client, kind, symbol=new(), **fields) == ("not_found", {"field": "symbol"})


async def test_a_pair_has_200_symbols_at_most(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    first = await agreed(client, therapist)
    session = await database(platform, "session")
    await session.execute(
        "insert into symbol (tenant, conversation, symbol, emoji, n, proposer, revision)"
        " select tenant, id, gen_random_uuid(), decode(md5(i::text), 'hex'), 1, client, 1"
        " from conversation, generate_series(1, 199) as i where id = $1",
        talk.id,
    )
    await session.close()
    for one in pair:
        await one.settled()
    assert await refusal(client, "symbol.define", symbol=new(), emoji="🐇", meaning="x") == ("too_many", {"most": 200})
    await therapist.untouched()
    await client.ok("symbol.retire", symbol=first)
    await defined(client, "🐇")


async def test_of_two_in_the_same_instant_one_wins(pair: Pair) -> None:
    client, therapist = pair
    mine, theirs = new(), new()
    answers = await asyncio.gather(
        client.ask("symbol.define", symbol=mine, emoji=TURTLE, meaning="mine"),
        therapist.ask("symbol.define", symbol=theirs, emoji=TURTLE, meaning="theirs"),
    )
    assert sorted(answer["type"] for answer in answers) == ["error", "ok"]
    [won] = await lexicon(client)
    assert won["symbol"] == (mine if answers[0]["type"] == "ok" else theirs)
    lost = next(answer for answer in answers if answer["type"] == "error")
    assert lost["code"] == "emoji_taken"
    assert lost["details"] == {"state": "proposed", "symbol": won["symbol"], "revision": 1}


# --- uses ------------------------------------------------------------------------------------------------------------


async def test_a_symbol_is_noticed_as_it_is_used(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    symbol = await agreed(client, therapist)
    for one in pair:
        await one.settled()
    message = await said(client, "The 🐢 again, and 🐢.")
    for one in pair:
        got = await one.until("symbol.used")
        assert (got["n"], got["symbol"], got["message"], got["from"], got["how"]) == (
            4,
            symbol,
            message,
            talk.client,
            "message",
        )
    await therapist.ok("reaction.add", message=message, emoji=TURTLE)
    got = await client.until("symbol.used")
    assert (got["n"], got["from"], got["how"]) == (6, talk.therapist, "reaction")
    await said(therapist, "Not a turtle 🐇")
    toned = await said(therapist, "This one is.", tone=TURTLE)
    assert (await client.until("symbol.used"))["message"] == toned
    await therapist.ok("symbol.retire", symbol=symbol)
    await said(client, "🐢")
    assert "symbol.used" not in [frame["type"] for frame in await client.settled()]


async def test_one_message_may_use_several(pair: Pair) -> None:
    client, therapist = pair
    symbols = [await agreed(client, therapist, emoji) for emoji in (TURTLE, "🐇", "🇩🇪")]
    await therapist.settled()
    answers = await asyncio.gather(
        client.post("🇩🇪🐇 and 🐢"), client.post("nothing"), client.post("🐇"), therapist.post("🐢")
    )
    assert sorted(answer["seq"] for answer in answers) == [1, 2, 3, 4]
    frames = await therapist.settled()
    used = [frame["symbol"] for frame in frames if frame["type"] == "symbol.used"]
    assert sorted(used) == sorted([*symbols, symbols[1], symbols[0]])
    ns = [frame["n"] for frame in frames if "n" in frame] + [answers[3]["n"]]
    assert sorted(ns) == list(range(7, 7 + 4 + 5))


async def test_uses_are_found_again_across_sessions(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")
    before = await said(client, "a 🐢 before it meant anything")
    first = (await therapist.ok("session.start"))["session"]
    within = await said(client, "🐢")
    await therapist.ok("session.end")
    between = await said(therapist, "no turtle")
    await client.ok("reaction.add", message=between, emoji=TURTLE)
    second = (await therapist.ok("session.start"))["session"]
    last = await said(therapist, "🐢 and 🐢\ufe0f", tone=TURTLE)
    found = await uses(client)
    assert [(one["message"], one["session"], one["from"], one["how"], one["seq"]) for one in found] == [
        (before, None, talk.client, "message", 1),
        (within, first, talk.client, "message", 2),
        (between, None, talk.client, "reaction", 3),
        (last, second, talk.therapist, "message", 4),
    ]
    assert [one["n"] for one in found] == sorted(one["n"] for one in found)
    page = await client.ok("symbol.timeline", emoji=TURTLE, limit=3)
    assert ([one["message"] for one in page["uses"]], page["more"]) == ([within, between, last], True)
    rest = await client.ok("symbol.timeline", emoji=TURTLE, limit=3, before=page["uses"][0]["n"])
    assert ([one["message"] for one in rest["uses"]], rest["more"]) == ([before], False)
    assert await uses(client, "🐇") == []


async def test_an_emoji_without_a_meaning_is_noticed_too(pair: Pair) -> None:
    """One message after the other, each of which may go the quick way; then it gets a meaning."""
    client, therapist = pair
    before = [await said(client, f"{n} {TURTLE} 👍🏽 {TURTLE}") for n in range(3)]
    answers = await asyncio.gather(
        *(client.post(TURTLE) for _ in range(20)), *(therapist.post("none") for _ in range(5))
    )
    assert len({answer["n"] for answer in answers}) == 25
    assert [one["message"] for one in await uses(therapist, "👍")] == before
    found = await uses(therapist)
    assert [one["message"] for one in found[:3]] == before
    assert [one["n"] for one in found[3:]] == sorted(answer["n"] for answer in answers[:20])
    await defined(client)
    after = await said(client, TURTLE)
    assert [one["message"] for one in await uses(therapist)][-1] == after
    assert (await therapist.until("symbol.used"))["message"] == after


async def test_what_is_taken_back_is_no_use(pair: Pair) -> None:
    client, therapist = pair
    kept, gone = await said(client, "🐢 kept"), await said(client, "🐢 gone")
    await therapist.ok("reaction.add", message=gone, emoji=TURTLE)
    await therapist.ok("reaction.add", message=kept, emoji=TURTLE)
    assert len(await uses(client)) == 4
    await therapist.ok("reaction.remove", message=kept, emoji=TURTLE)
    await client.ok("message.delete", message=gone)
    assert [one["message"] for one in await uses(client)] == [kept]


async def test_who_was_away_hears_of_it_once_and_in_order(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    symbol = await agreed(client, therapist)
    await client.leave()
    message = await said(therapist, "🐢")
    await therapist.ok("reaction.add", message=message, emoji="👍")
    back = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": 2}])
    frames = [frame for frame in await back.settled() if "n" in frame]
    assert [(frame["n"], frame["type"]) for frame in frames] == [
        (3, "message.posted"),
        (4, "symbol.used"),
        (5, "reaction.added"),
    ]
    assert (frames[1]["symbol"], frames[2]["emoji"]) == (symbol, "👍")
    listed = await back.ok("record.list")
    assert [one["type"] for one in listed["records"]] == [
        "symbol.defined",
        "symbol.agreed",
        "symbol.used",
        "reaction.added",
    ]


# --- tone ------------------------------------------------------------------------------------------------------------


async def test_tones(pair: Pair) -> None:
    client, therapist = pair
    for tone in ("calm", "joking", "🙂", "👍🏽"):
        await client.post("so", tone=tone)
        assert (await therapist.until("message.posted"))["tone"] == tone
    for tone in ("Calm", "🙂🙂", "whatever", "calm ", "\0"):
        assert await refusal(client, "message.send", message=new(), text="so", tone=tone) == (
            "bad_tone",
            {"field": "tone"},
        )
    await therapist.untouched()
