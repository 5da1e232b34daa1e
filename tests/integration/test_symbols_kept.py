"""What is kept of symbols: which tables say what, what taking back and erasing leave, what a death doesn't change."""

import asyncio
from typing import Any

import pytest

from shared.contracts.ids import derived_id
from tests.integration.test_protocol_symbols import MEANING, TURTLE, Pair, agreed, defined, lexicon, new, said, uses
from tests.support.erasure import caches_expired, erase
from tests.support.instances import database
from tests.support.participants import Conversation, Frame, Participant
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


async def happened_since(talk: Conversation, n: int) -> list[Frame]:
    """What a new connection of the client's hears that has everything up to an ``n``."""
    back = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": n}])
    found = [frame for frame in await back.settled() if "n" in frame]
    await back.leave()
    return found


async def test_which_emoji_a_message_had_goes_with_it(talk: Conversation, pair: Pair) -> None:
    """Also those it was answered with, and those that were taken back from it; their places stay."""
    client, therapist = pair
    symbol = await agreed(client, therapist)
    gone, kept = await said(client, "🐢"), await said(client, "🐢 kept")
    for message in (gone, kept):
        await therapist.ok("reaction.add", message=message, emoji=TURTLE)
        await therapist.ok("reaction.add", message=message, emoji="🐇")
        await therapist.ok("reaction.remove", message=message, emoji="🐇")
    before = await happened_since(talk, 2)
    await client.ok("message.delete", message=gone)
    after = await happened_since(talk, 2)
    assert [frame["n"] for frame in after] == list(range(3, 3 + len(after)))
    for told in (after, (await client.ok("record.list"))["records"]):
        about = [frame for frame in told if frame.get("message") == gone and frame["type"].startswith(("re", "sy"))]
        assert len(about) == 5
        assert all(frame["deleted"] is True and not {"emoji", "symbol"} & set(frame) for frame in about)
        assert symbol not in [frame.get("symbol") for frame in about]
    of_kept = [frame for frame in before if frame.get("message") == kept]
    assert [frame for frame in after if frame.get("message") == kept] == of_kept
    again = {"message": kept, "emoji": TURTLE, "record": new()}
    await client.ok("reaction.add", **again)
    await client.ok("message.delete", message=kept)
    await client.ok("reaction.add", **again)  # done before: answered as it was then
    records = (await therapist.ok("record.list"))["records"]
    assert not [one for one in records if "message" in one and {"emoji", "symbol"} & set(one)]


async def test_nothing_that_is_left_says_which_symbol_it_was(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    symbol = await agreed(client, therapist)
    gone = await said(client, "🐢")
    used = await therapist.until("symbol.used")
    assert used["record"] != derived_id(gone, symbol)  # which whoever knows the lexicon could try
    await therapist.ok("reaction.add", message=gone, emoji=TURTLE)
    await client.ok("message.delete", message=gone)
    session = await database(platform, "session")
    rows = await session.fetch("select e::text as row from event e where about = $1", gone)
    left = await session.fetchval(
        "select count(*) from event where about = $1 and (content is not null or data::text like '%' || $2 || '%')",
        gone,
        symbol,
    )
    await session.close()
    assert (len(rows), left) == (4, 0)
    assert symbol not in repr(rows)


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
