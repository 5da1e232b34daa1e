"""Pacing as both see it: figures after messages, deletions and marks, whole and by session; offers to the therapist."""

import asyncio
import random
import uuid
from typing import Any, get_args

import pytest

from deploy.local import services
from deploy.local.home import State
from shared.contracts.ids import Intervention
from tests.support.erasure import caches_expired, erase, tenant_of
from tests.support.instances import database
from tests.support.pacing import figures, words
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
LONG = " ".join(["word"] * 50)


async def history(who: Participant, after_n: int = 0, before_n: int = 2**53) -> list[Frame]:
    """All that was said between two events, with its words counted by somebody else."""
    found: list[Frame] = []
    after = 0
    while True:
        page = await who.ok("history", after=after, limit=200)
        found += page["messages"]
        if not page["more"]:
            break
        after = found[-1]["seq"]
    for message, own in zip(found, words([m["text"] for m in found]), strict=True):
        message["words"] = len(own)
    return [m for m in found if after_n < m["n"] < before_n]


def shown(frame: Frame) -> dict[str, Any]:
    return {"participants": frame["participants"], "ratios": frame["ratios"]}


async def test_nothing_was_said(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    figure = await client.ok("pacing.get")
    nothing = {"messages": 0, "words": 0, "share": None, "turns": 0, "longest_run": 0, "median_reply_s": None}
    assert figure["participants"] == {who: {**nothing, "interventions": {}} for who in (talk.client, talk.therapist)}
    assert set(figure["ratios"].values()) == {None}
    assert "muted" not in figure
    assert (await therapist.ok("pacing.get"))["muted"] is False


async def test_both_are_told_soon_after_a_message(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.post("I don't know 🐢 where to begin")
    for one in pair:
        told = await one.until("pacing.updated")
        assert told["participants"][talk.client] == {
            "messages": 1,
            "words": 6,
            "share": 1.0,
            "turns": 1,
            "longest_run": 6,
            "median_reply_s": None,
            "interventions": {},
        }
        assert told["running"] is None
    await therapist.post("Take your time")
    assert (await client.until("pacing.updated"))["participants"][talk.client]["share"] == 6 / 9


async def happen(pair: Pair, chance: random.Random) -> list[tuple[str, int, int]]:
    """Messages, marks, deletions and sessions at random; the sessions, each with the events that bound it."""
    client, therapist = pair
    sent: list[tuple[Participant, str]] = []
    bounds: list[tuple[str, int, int]] = []
    running: tuple[str, int] | None = None
    for _ in range(60):
        match chance.choice(["say"] * 8 + ["delete"] * 3 + ["mark"] * 3 + ["session"]):
            case "say":
                who, message = chance.choice(pair), str(uuid.uuid4())
                text = chance.choice(["yes", "🐢", "I can't, 3.14 times: no", "What else?", LONG])
                await who.ok("message.send", message=message, text=text)
                sent.append((who, message))
            case "delete" if sent:
                who, message = sent.pop(chance.randrange(len(sent)))
                await who.ok("message.delete", message=message)
            case "mark" if own := [m for who, m in sent if who is therapist]:
                kind = chance.choice(get_args(Intervention))
                await therapist.ok("message.mark", message=chance.choice(own), intervention=kind)
            case "session" if running is None:
                started = await therapist.ok("session.start")
                running = started["session"], started["n"]
            case "session" if running is not None:
                ended = await client.ok("session.end")
                bounds.append((*running, ended["n"]))
                running = None
    return bounds if running is None else [*bounds, (*running, 2**53)]


@pytest.mark.parametrize("seed", range(3))
async def test_figures_are_those_of_what_is_left(talk: Conversation, pair: Pair, seed: int) -> None:
    """Whatever happened, figures are as somebody else counts what is left; whole and by session."""
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")
    bounds = await happen(pair, random.Random(seed))
    said = await history(client)
    assert shown(await client.ok("pacing.get")) == figures(said, talk.client, talk.therapist)
    series = (await therapist.ok("pacing.series"))["sessions"]
    assert [one["session"] for one in series] == [session for session, _, _ in reversed(bounds)]
    for (session, begin, end), one in zip(reversed(bounds), series, strict=True):
        wanted = figures([m for m in said if begin < m["n"] < end], talk.client, talk.therapist)
        assert shown(one) == shown(await client.ok("pacing.get", session=session)) == wanted


async def test_a_deletion_and_a_mark_are_told_at_once(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message = str(uuid.uuid4())
    await therapist.ok("message.send", message=message, text="What do you make of it?")
    await client.until("pacing.updated")
    await therapist.ok("message.mark", message=message, intervention="open_question")
    told = await client.until("pacing.updated")
    assert told["participants"][talk.therapist]["interventions"] == {"open_question": 1}
    assert told["ratios"]["open_to_all_questions"] == 1.0
    await therapist.ok("message.delete", message=message)
    told = await client.where(
        lambda f: f["type"] == "pacing.updated" and not f["participants"][talk.therapist]["words"]
    )
    assert told["participants"][talk.therapist]["interventions"] == {}


async def test_sessions_are_told_while_they_run(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.post("before")
    for one in pair:
        await one.consent("informed_consent")
    session = (await therapist.ok("session.start"))["session"]
    await client.post("now it begins")
    told = await therapist.where(lambda f: f["type"] == "pacing.updated" and f["running"] is not None)
    assert told["running"]["session"] == session
    assert told["running"]["participants"][talk.client]["words"] == 3
    assert told["participants"][talk.client]["words"] == 4
    assert await client.refused("pacing.get", session=str(uuid.uuid4())) == "not_found"


async def held_long(therapist: Participant) -> Frame:
    """The therapist says 250 words; the figures of all of them."""
    for _ in range(5):
        await therapist.post(LONG)
    return await therapist.where(
        lambda f: f["type"] == "pacing.updated" and any(p["words"] >= 250 for p in f["participants"].values())
    )


async def test_a_therapist_who_held_the_stage_is_offered_prompts_once(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await held_long(therapist)
    offer = await therapist.until("pacing.offer")
    assert (offer["conversation"], offer["share"], offer["version"]) == (talk.id, 1.0, 1)
    assert len({prompt["theme"] for prompt in offer["prompts"]}) == len(offer["prompts"]) == 3
    await therapist.post(LONG)
    await therapist.where(lambda f: f["type"] == "pacing.updated" and f["participants"][talk.therapist]["words"] == 300)
    await therapist.settled()
    await client.settled()
    assert [f["type"] for f in therapist.seen].count("pacing.offer") == 1
    assert "pacing.offer" not in [f["type"] for f in client.seen]


async def offer_above(platform: Platform, state: State, talk: Conversation, share: float) -> str:
    """Another threshold for a conversation's tenant, which is given."""
    tenant = await tenant_of(platform, talk)
    told = {"tenant": tenant, "share": share}
    done = await asyncio.to_thread(services.run_verb, "session", "offer-share", told, state)
    done.check_returncode()
    return tenant


async def forget_threshold(platform: Platform, tenant: str) -> None:
    session = await database(platform, "session")
    await session.execute("delete from pacing_setting where tenant = $1", tenant)
    await session.close()


async def test_exactly_at_the_threshold_is_not_above_it(
    platform: Platform, state: State, other_talk: Conversation
) -> None:
    tenant = await offer_above(platform, state, other_talk, 0.7)
    client, therapist = await other_talk.both()
    await client.post(" ".join(["word"] * 60))
    await therapist.post(" ".join(["word"] * 140))
    told = await therapist.where(
        lambda f: f["type"] == "pacing.updated" and f["participants"][other_talk.therapist]["words"] == 140
    )
    assert told["participants"][other_talk.therapist]["share"] == 0.7
    await therapist.settled()
    assert "pacing.offer" not in [f["type"] for f in therapist.seen]
    await therapist.post("more")
    await therapist.until("pacing.offer")
    await forget_threshold(platform, tenant)


async def test_no_offer_while_muted_nor_below_the_threshold(
    platform: Platform, state: State, other_talk: Conversation, talk: Conversation, pair: Pair
) -> None:
    client, therapist = pair
    assert await client.refused("pacing.mute", muted=True) == "forbidden"
    await therapist.ok("pacing.mute", muted=True)
    assert (await therapist.ok("pacing.get"))["muted"] is True
    await held_long(therapist)
    tenant = await offer_above(platform, state, other_talk, 1.0)
    others = await other_talk.both()
    await held_long(others[1])
    for one in (therapist, others[1]):
        await one.settled()
        assert "pacing.offer" not in [f["type"] for f in one.seen]
    await forget_threshold(platform, tenant)


async def test_a_mark_and_the_tally_do_not_wait_for_each_other(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    """As the pacer does: it holds a tally, and inserts a turn, while a mark, with the head, wants the tally."""
    _, therapist = pair
    message = str(uuid.uuid4())
    await therapist.ok("message.send", message=message, text="What now?")
    await therapist.ok("pacing.get")
    session, watching = [await database(platform, "session") for _ in range(2)]
    async with session.transaction():
        await session.execute("set local lock_timeout = '500ms'")
        tenant = await session.fetchval(
            "select tenant from pacing where conversation = $1 and scope = conversation for update", talk.id
        )
        pid = await session.fetchval("select pg_backend_pid()")
        mark = asyncio.create_task(therapist.ok("message.mark", message=message, intervention="open_question"))
        async with asyncio.timeout(5):
            while not await watching.fetchval(  # noqa: ASYNC110 - it can only be asked
                "select count(*) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))", pid
            ):
                await asyncio.sleep(0.02)
        await session.execute(
            "insert into turn (tenant, conversation, scope, seq, client, at_ms, messages, words)"
            " values ($1, $2, $3, 1, false, 0, 1, 1)",
            tenant,
            talk.id,
            str(uuid.uuid4()),
        )
    await mark
    for one in (session, watching):
        await one.close()


async def test_figures_go_on_after_the_service_was_killed(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    await client.post("before it dies")
    await client.ok("pacing.get")
    await client.post("and this isn't counted yet")
    old = platform.kill("session")
    await platform.until_restarted("session", old)
    await platform.until_ready("session")
    async with asyncio.timeout(30):  # what isn't known to be done is sent again
        while (await therapist.ask("message.send", message=str(uuid.uuid4()), text="after"))["type"] != "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    told = await client.where(
        lambda f: f["type"] == "pacing.updated" and f["participants"][talk.therapist]["words"] > 0
    )
    assert shown(told) == shown(await client.ok("pacing.get"))
    assert shown(told) == figures(await history(client), talk.client, talk.therapist)


async def test_nothing_of_it_is_left_after_erasure(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    message = str(uuid.uuid4())
    await therapist.ok("message.send", message=message, text="What now?")
    await therapist.ok("message.mark", message=message, intervention="open_question")
    await client.ok("pacing.get")
    await erase(talk)
    await caches_expired(platform, talk)
    session = await database(platform, "session")
    for query in (
        "select count(*) from pacing where conversation = $1",
        "select count(*) from turn where conversation = $1",
        "select count(*) from event where conversation = $1 and coalesce(intervention, words::text, data::text) <> ''",
    ):
        assert await session.fetchval(query, talk.id) == 0, query
    await session.close()
