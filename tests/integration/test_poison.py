"""A command that can't be handled goes aside, it alone; one that kills its process takes no innocent one along."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.instances import database
from tests.support.participants import Partner
from tests.support.platform import Platform
from tests.support.writer import Writer, history

# Test and product have nothing in common but the database: the trigger makes one message id impossible, or slow.
RAISING = "raise exception 'poison'"
TOO_LONG = "raise exception using errcode = 'query_canceled'"
SLOW = "perform pg_sleep(4)"


@asynccontextmanager
async def poisoned(platform: Platform, message: str, does: str) -> AsyncIterator[None]:
    admin = await database(platform, "session")
    await admin.execute(f"""
create function poison() returns trigger language plpgsql as $$
begin
    if new.message = '{message}' then {does}; end if;
    return new;
end $$;
create trigger poison before insert on event for each row execute function poison();
""")
    try:
        yield
    finally:
        await admin.execute("drop trigger poison on event; drop function poison")
        await admin.close()


@pytest.mark.parametrize("does", [RAISING, TOO_LONG])
async def test_it_alone_of_its_batch_goes_aside(platform: Platform, partner: Partner, does: str) -> None:
    talk = await partner.conversation()
    client, _ = await talk.both()
    poison, said = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(20)]
    async with poisoned(platform, poison, does):
        for index, message in enumerate(said):
            if index == 10:
                await client.say("message.send", message=poison, text="bad", ref="poison")
            await client.say("message.send", message=message, text=f"{index}", ref=message)
        error = await client.until("error", ref="poison")
        assert (error["code"], error["details"]["part"]) == ("unavailable", "dead_letter")
        oks = [await client.until("ok", ref=message) for message in said]
        assert [ok["seq"] for ok in oks] == list(range(1, 21))
    assert [m["message"] for m in await history(partner, talk.id)] == said
    # Once the fault is mended, the same message is accepted: its sender still has it.
    assert (await client.ok("message.send", message=poison, text="bad"))["seq"] == 21
    await talk.leave()


@pytest.mark.timeout(180)
async def test_what_kills_its_process_again_and_again_goes_aside(platform: Platform, partner: Partner) -> None:
    """The test is the bug: each time a transaction comes to the poison it kills the service."""
    talk = await partner.conversation()
    writer = Writer(talk, await talk.token(talk.therapist))
    client = await talk.join(talk.client)
    poison = str(uuid.uuid4())
    behind: list[str] = []
    admin = await database(platform, "session")
    deaths = 0

    async def kill() -> None:
        nonlocal deaths
        while True:
            asleep = "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = 'session'"
            if (backend := await admin.fetchval(asleep)) is not None:
                old = platform.kill("session", signal.SIGKILL)
                await admin.execute("select pg_terminate_backend($1)", backend)  # it would sleep on, and count again
                deaths += 1
                await platform.until_restarted("session", old)
            await asyncio.sleep(0.02)

    async def talk_on() -> None:
        for number in range(10):
            behind.append(f"{number}")
            await writer.write(f"{number}")

    async with poisoned(platform, poison, SLOW):
        killing = asyncio.create_task(kill())
        await client.say("message.send", message=poison, text="deadly", ref="poison")
        await talk_on()
        await _until_no_suspects(platform)
        killing.cancel()
    texts = [m["text"] for m in await history(partner, talk.id)]
    assert texts == behind
    assert deaths == 5  # with its batch, with its batch noted, and three times alone
    await admin.close()
    await writer.leave()
    await talk.leave()


async def _until_no_suspects(platform: Platform) -> None:
    admin = await database(platform, "session")
    try:
        async with asyncio.timeout(60):
            while await admin.fetchval("select count(*) from suspect"):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
