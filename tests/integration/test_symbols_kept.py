"""What is kept of symbols: which tables say what, what erasing leaves, and what a service's death doesn't change."""

import asyncio
from typing import Any

import pytest

from tests.integration.test_protocol_symbols import MEANING, TURTLE, Pair, agreed, defined, lexicon, new, said, uses
from tests.support.erasure import caches_expired, erase
from tests.support.instances import database
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform


async def test_no_table_says_which_emoji_it_was(platform: Platform, partner: Any, pair: Pair) -> None:
    """The same emoji has the same tag in its conversation, and another one in any other."""
    client, therapist = pair
    symbol = await agreed(client, therapist)
    await said(client, "🐢")
    await said(client, "and 🐢")
    other = await partner.conversation()
    elsewhere = await other.join(other.client)
    await said(elsewhere, "🐢")
    admin = await database(platform, "session")
    try:
        rows = await admin.fetch("select conversation, emoji from emoji_use")
        tags = {str(row["conversation"]): row["emoji"] for row in rows}
        assert len({row["emoji"] for row in rows if str(row["conversation"]) == client.conversation}) == 1
        assert tags[client.conversation] != tags[other.id]
        assert len(tags[other.id]) == 16
        tagged = await admin.fetchval("select emoji from symbol where symbol = $1", symbol)
        assert tagged == tags[client.conversation]
        for table in ("event", "symbol", "symbol_wording", "emoji_use"):
            dump = await admin.fetch(
                f"select t::text as row from {table} t where conversation = $1", client.conversation
            )
            assert dump
            for row in dump:
                for secret in (TURTLE, TURTLE.encode().hex(), MEANING, MEANING.encode().hex()):
                    assert secret not in row["row"]
    finally:
        await admin.close()
        await other.leave()


async def test_nothing_says_which_emoji_were_the_same_after_erasure(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    await agreed(client, therapist)
    message = await said(client, "🐢")
    await therapist.ok("reaction.add", message=message, emoji=TURTLE)
    await erase(talk)
    await caches_expired(platform, talk)
    session = await database(platform, "session")
    for table in ("emoji_use", "symbol", "symbol_wording"):
        assert await session.fetchval(f"select count(*) from {table} where conversation = $1", talk.id) == 0, table
    await session.close()


@pytest.mark.timeout(120)
async def test_a_session_service_that_dies_in_between_loses_and_doubles_nothing(platform: Platform, pair: Pair) -> None:
    client, therapist = pair
    symbol = await defined(client)
    old = platform.kill("session")
    frames: list[tuple[Participant, str, dict[str, object]]] = [
        (therapist, "symbol.agree", {"record": new(), "symbol": symbol, "revision": 1}),
        (client, "message.send", {"message": new(), "text": "the 🐢 again"}),
        (therapist, "reaction.add", {"record": new(), "message": None, "emoji": TURTLE}),
        (client, "symbol.revise", {"record": new(), "symbol": symbol, "meaning": "slow"}),
    ]
    frames[2][2]["message"] = frames[1][2]["message"]
    for who, kind, fields in frames:
        async with asyncio.timeout(60):
            while (answer := await who.ask(kind, **fields))["type"] == "error":
                assert answer["code"] == "unavailable", answer
                await asyncio.sleep(answer["details"]["retry_ms"] / 1000)
        assert (await who.ok(kind, **fields))["n"] == answer["n"]
        if kind == "message.send":
            platform.kill("session")
    await platform.until_restarted("session", old)
    await platform.until_ready("session")
    [found] = await lexicon(therapist)
    assert (found["state"], found["meaning"]["meaning"], found["proposed"]["meaning"]) == ("revised", MEANING, "slow")
    assert [one["how"] for one in await uses(client)] == ["message", "reaction"]
    told = [frame for frame in therapist.seen if "n" in frame and frame["type"] != "ok"]
    assert [frame["type"] for frame in told] == [
        "symbol.defined",
        "symbol.agreed",
        "message.posted",
        "symbol.used",
        "reaction.added",
        "symbol.used",
        "symbol.revised",
    ]
    assert [frame["n"] for frame in told] == list(range(1, 8))
