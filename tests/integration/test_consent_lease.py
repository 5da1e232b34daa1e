"""What a gateway shows under a consent it shows only while it would have heard of a withdrawal, whatever has failed.

The only instance stopped: see `test_protocol_away.py`; a database that was restored: see `test_consent_restored.py`.
"""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from deploy.local import rabbitmq
from deploy.local.home import REPO, Home
from deploy.local.supervision import Supervisor
from services.gateway.ingress.broker import PROBE_S
from tests.chaos.proxy import Proxy, Then, Way, Wire, anything, delivered
from tests.chaos.stage import through
from tests.support.erasure import until
from tests.support.instances import Instance, database, gateway, instance, ready, until_owned
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

LEASE_S = 5.0
"""As promised; after the last answered probe was sent."""
LATE_S = 10.0
SLOW_S = 3.0
"""How much later than promised a busy machine may be seen to do it."""
FRAMES_OF_A_DELIVERY = 3
OWNED_S = 40.0
FAILED_OVER_S = 60.0


async def until_off(reader: Participant, since: float, within_s: float) -> Frame:
    """The end of an author's live text, at most so long after a moment."""
    frame = await reader.where(lambda f: f["type"] == "live.changed" and not f["on"], within_s + SLOW_S)
    assert time.monotonic() - since < within_s + SLOW_S
    return frame


async def showing(author: Participant, *readers: Participant) -> str:
    """The author's live text is on, and the readers see a draft; its id."""
    await author.consent("live_text")
    await author.ok("live.toggle", on=True)
    draft = str(uuid.uuid4())
    await author.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "a"]])
    for one in readers:
        await one.where(lambda f: f["type"] in ("live.edit", "live.reset") and f["draft"] == draft)
        await one.settled()
    return draft


async def withdrawals(platform: Platform, talk: Conversation) -> int:
    connection = await database(platform, "consent")
    try:
        found: int = await connection.fetchval(
            "select count(*) from decision where conversation = $1 and not is_grant", talk.id
        )
        return found
    finally:
        await connection.close()


async def until_waiting(watcher: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Until a transaction of the consent service waits for a row that we have locked."""
    await until(watcher, "select count(*) from pg_stat_activity where datname = 'consent' and wait_event_type = 'Lock'")


@asynccontextmanager
async def in_hand(platform: Platform, talk: Conversation) -> AsyncIterator[None]:
    """What is decided here gets into the middle of the consent service's transaction, and no further, until the end.

    The instance that has it in hand is to be stopped meanwhile.
    """
    holder, watcher = await database(platform, "consent"), await database(platform, "consent")
    try:
        async with holder.transaction():
            await holder.fetchval("select 1 from conversation where id = $1 for update", talk.id)
            yield
            await until_waiting(watcher)
            platform.kill("consent", signal.SIGSTOP)
    finally:
        await holder.close()
        await watcher.close()


@asynccontextmanager
async def two_instances(platform: Platform) -> AsyncIterator[Instance]:
    """A second instance of the consent service, which has nothing to do; the first goes on in the end."""
    await until_owned(platform, "consent", OWNED_S, "consent-1")
    with instance(platform, "consent", "spare") as spare:
        watcher = await database(platform, "consent")
        await until(watcher, "select count(*) from instance where name = 'spare' and expires > now()")
        await watcher.close()
        pid = platform.pid("consent")
        try:
            yield spare
        finally:
            platform.signal(pid, signal.SIGCONT)


async def woken(platform: Platform, talk: Conversation, pid: int, spare: Instance) -> None:
    """The stopped instance goes on, and gets the queue back; nothing is recorded for that."""
    platform.signal(pid, signal.SIGCONT)
    spare.send(signal.SIGTERM)
    await spare.ended()
    await until_owned(platform, "consent", OWNED_S, "consent-1")
    status, _ = await talk.partner.ask_on("GET", f"/v1/conversations/{talk.id}/consents")  # all before it is handled
    assert status == 200
    assert await withdrawals(platform, talk) == 1


@pytest.mark.timeout(240)
async def test_stopped_with_the_authors_withdrawal_in_hand(own: Platform) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        with gateway(own, "elsewhere") as (address, _):
            await ready(address)
            author, near = await talk.both()
            far = await talk.arrive(await talk.token(talk.therapist), address)
            draft = await showing(author, near, far)
            async with two_instances(own) as spare:
                pid = own.pid("consent")
                async with in_hand(own, talk):
                    began = time.monotonic()
                    await author.say("consent.withdraw", purpose="live_text", ref="w")
                    await near.until("live.clear", draft=draft)
                    await until_off(near, began, 0)
                    await until_off(far, began, LEASE_S)
                    assert await withdrawals(own, talk) == 0
                refused = await author.where(lambda f: f.get("ref") == "w")
                assert refused["code"] == "unavailable"
                assert await author.refused("live.toggle", on=True) in ("consent_required", "live_off")
                for one in (author, near, far):  # the second instance has taken over
                    await one.where(
                        lambda f: (f["type"], f.get("state")) == ("consent.changed", "withdrawn"), FAILED_OVER_S
                    )
                assert await withdrawals(own, talk) == 1
                await woken(own, talk, pid, spare)
            assert await author.refused("live.toggle", on=True) == "consent_required"
            await talk.leave()


@pytest.mark.timeout(240)
async def test_stopped_with_a_withdrawal_in_hand_that_no_gateway_of_theirs_has_seen(own: Platform) -> None:
    """The partner relayed it through a gateway that doesn't hold the conversation: the lease alone protects."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        with gateway(own, "unconcerned") as (address, _):
            await ready(address)
            author, reader = await talk.both()
            draft = await showing(author, reader)
            async with two_instances(own) as spare, Partner(address, own.client_id, own.client_secret) as other:
                pid = own.pid("consent")
                relayed = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
                path, once = f"/v1/conversations/{talk.id}/consents", {"Idempotency-Key": str(uuid.uuid4())}
                async with in_hand(own, talk):
                    asking = asyncio.create_task(other.ask("POST", path, relayed, once))
                stopped = time.monotonic()
                assert (await until_off(reader, stopped, LEASE_S))["reason"] == "suspended"
                await reader.until("live.clear", draft=draft)
                assert await author.refused("live.reset", draft=draft, rev=2, text="b") == "live_off"
                assert (await asking)[0] == 503
                status, first = await other.ask_on("POST", path, relayed, once)
                assert status == 201
                await author.where(
                    lambda f: (f["type"], f.get("state")) == ("consent.changed", "withdrawn"), FAILED_OVER_S
                )
                assert await withdrawals(own, talk) == 1
                await woken(own, talk, pid, spare)
                assert await other.ask_on("POST", path, relayed, once) == (201, first)
            assert await author.refused("live.toggle", on=True) == "consent_required"
            assert not any(frame["type"] == "live.changed" and frame["on"] for frame in reader.frames)
            await talk.leave()


async def until_back(author: Participant, reader: Participant) -> None:
    """Live text goes on by itself, and has been off until now."""
    assert not any(f["type"] == "live.changed" for f in reader.frames)
    assert (await reader.where(lambda f: f["type"] == "live.changed", FAILED_OVER_S))["on"] is True
    draft = str(uuid.uuid4())
    await author.ok("live.reset", draft=draft, rev=1, text="b")
    await reader.until("live.reset", draft=draft)


@asynccontextmanager
async def relay(platform: Platform) -> AsyncIterator[tuple[Proxy, str]]:
    """A relay to the broker, and the broker's address through it."""
    proxy = Proxy(Wire.AMQP, platform.state.ports.rabbitmq)
    await proxy.start()
    try:
        yield proxy, through(rabbitmq.url(platform.state), proxy)
    finally:
        await proxy.stop()


@asynccontextmanager
async def in_its_place(platform: Platform, name: str, **told: str) -> AsyncIterator[Instance]:
    """The only instance of the consent service, instead of the platform's own."""
    supervisor = Supervisor(Home(platform.home))
    await asyncio.to_thread(supervisor.stop_parts, ["consent"])
    try:
        with instance(platform, "consent", name, module="", folder=REPO, **told) as process:
            await until_owned(platform, "consent", OWNED_S, name)
            yield process
    finally:
        await asyncio.to_thread(supervisor.start_part, "consent")
        await platform.until_ready("consent")


@pytest.mark.timeout(240)
async def test_answers_that_come_10_s_late_hold_no_lease(own: Platform) -> None:
    """They keep coming, each too late: what counts is when it was asked."""
    async with (
        relay(own) as (proxy, amqp),
        in_its_place(own, "slow", UNSAID_AMQP_URL=amqp),
        Partner(own.gateway, own.client_id, own.client_secret) as partner,
    ):
        talk = await partner.conversation()
        author, reader = await talk.both()
        draft = await showing(author, reader)
        began = time.monotonic()
        rule = proxy.add(Way.TO_CLIENT, delivered, Then.LATE, late_s=10)
        assert (await until_off(reader, began, LEASE_S))["reason"] == "suspended"
        await reader.until("live.clear", draft=draft)
        async with asyncio.timeout(10 + 3 * PROBE_S + LATE_S):
            for _ in range(3 * FRAMES_OF_A_DELIVERY):
                await rule.came.acquire()
        assert await author.refused("live.reset", draft=draft, rev=2, text="b") == "live_off"
        await author.post("messages go on")
        proxy.heal()
        await until_back(author, reader)
        await talk.leave()


@pytest.mark.timeout(240)
async def test_killed_and_away(own: Platform) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        author, reader = await talk.both()
        async with in_its_place(own, "mortal") as mortal:
            await showing(author, reader)
            began = time.monotonic()
            mortal.send(signal.SIGKILL)
            assert (await until_off(reader, began, LEASE_S))["reason"] == "suspended"
        await until_back(author, reader)
        await talk.leave()


@pytest.mark.timeout(240)
async def test_a_gateway_that_is_cut_off_from_the_broker(own: Platform) -> None:
    """It shows nothing more, not even between two people who are both connected to it."""
    async with relay(own) as (proxy, amqp), Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        with gateway(own, "island", UNSAID_AMQP_URL=amqp) as (address, _):
            await ready(address)
            author = await talk.arrive(await talk.token(talk.client), address)
            reader = await talk.arrive(await talk.token(talk.therapist), address)
            draft = await showing(author, reader)
            began = time.monotonic()
            for way in Way:
                proxy.add(way, anything, Then.HOLD)
            assert (await until_off(reader, began, LEASE_S))["reason"] == "suspended"
            await reader.until("live.clear", draft=draft)
            assert await author.refused("live.reset", draft=draft, rev=2, text="b") == "live_off"
            proxy.heal()
            await until_back(author, reader)
            await talk.leave()
