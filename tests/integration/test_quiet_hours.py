"""Quiet hours through the real gateway: a reminder that comes due in them waits until they end, and comes once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.test_protocol_agreements import agreed, listed
from tests.support.due import ZONE, due_rows, local, time_passes
from tests.support.exercising import new
from tests.support.instances import database, instance
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]
MINUTE = timedelta(minutes=1)


def whole_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def between(starts: datetime, ends: datetime, zone: str = ZONE) -> dict[str, str]:
    """Hours from one moment to another, by the clocks of a zone."""
    shown = [f"{moment.astimezone(ZoneInfo(zone)):%H:%M}" for moment in (starts, ends)]
    return {"starts": shown[0], "ends": shown[1], "zone": zone}


async def until_put_off(platform: Platform, talk: Conversation) -> datetime:
    """Until what was due waits again; when it comes."""
    async with asyncio.timeout(20):
        while True:
            rows = await due_rows(platform, talk)
            if rows and rows[0] > datetime.now(UTC):
                assert len(rows) == 1
                return rows[0]
            await asyncio.sleep(0.1)


async def reminded(who: Participant) -> int:
    await who.settled()
    return len([frame for frame in who.seen if frame["type"] == "agreement.reminded"])


async def test_a_reminder_waits_until_the_quiet_hours_end(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    ends = whole_minute() + 95 * MINUTE
    await client.ok("quiet.set", hours=between(ends - timedelta(hours=4), ends))
    agreement = await agreed(pair, remind=local())
    for _ in range(2):  # also where it is sent again much too early
        await time_passes(platform, talk)
        assert await until_put_off(platform, talk) == ends
    assert [await reminded(one) for one in pair] == [0, 0]
    assert (await listed(client, agreement))["will_remind"] is True
    await client.ok("quiet.set", hours=between(ends - timedelta(hours=4), whole_minute()))
    await time_passes(platform, talk)
    told = [await one.until_late("agreement.reminded") for one in pair]
    assert told[0] == told[1]
    assert told[0]["agreement"] == agreement
    assert [await reminded(one) for one in pair] == [1, 1]
    assert await due_rows(platform, talk) == []
    assert therapist is pair[1]


async def test_where_both_have_them_until_neither_is_quiet(platform: Platform, talk: Conversation, pair: Pair) -> None:
    now = whole_minute()
    hours = timedelta(hours=1)
    await pair[0].ok("quiet.set", hours=between(now - hours, now + 2 * hours))
    await pair[1].ok("quiet.set", hours=between(now + hours, now + 5 * hours, "Asia/Kathmandu"))
    await agreed(pair, remind=local())
    await time_passes(platform, talk)
    assert await until_put_off(platform, talk) == now + 5 * hours


async def test_where_one_is_always_quiet_it_comes_all_the_same(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    now, hours = whole_minute(), timedelta(hours=1)
    await pair[0].ok("quiet.set", hours=between(now - hours, now + 2 * hours))
    await pair[1].ok("quiet.set", hours=between(now + 2 * hours, now - hours))
    await agreed(pair, remind=local())
    await time_passes(platform, talk)
    assert await until_put_off(platform, talk) == now + 2 * hours
    assert await reminded(pair[0]) == 0
    await time_passes(platform, talk)
    for one in pair:
        await one.until_late("agreement.reminded")
        assert await reminded(one) == 1


async def test_what_waits_can_be_called_off(platform: Platform, talk: Conversation, pair: Pair) -> None:
    now = whole_minute()
    await pair[1].ok("quiet.set", hours=between(now - 60 * MINUTE, now + 60 * MINUTE))
    agreement = await agreed(pair, remind=local())
    await time_passes(platform, talk)
    await until_put_off(platform, talk)
    await pair[0].ok("agreement.close", agreement=agreement)
    assert await due_rows(platform, talk) == []


async def test_nothing_else_waits(platform: Platform, talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    now = whole_minute()
    for one in pair:
        await one.ok("quiet.set", hours=between(now - 60 * MINUTE, now + 60 * MINUTE))
    await client.ok("safety.raise", record=new())
    await therapist.until("safety.raised")
    await therapist.ok("agreement.propose", what="a walk", record=new())
    await client.until("agreement.proposed")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    await client.ok("message.later", message=new(), text="in the morning", at=later)
    await therapist.ok("away.set", until=later)
    await time_passes(platform, talk)
    await client.until_late("away.ended")
    await therapist.until_late("message.posted")


# --- whatever dies ----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
async def test_it_comes_once_as_they_end_whatever_dies(own: Platform) -> None:
    """Sent again and again while it waits, with a second instance beside; and killed as the hours really end."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        pair = await talk.both()
        ends = whole_minute() + (2 if datetime.now(UTC).second > 20 else 1) * MINUTE
        await pair[0].ok("quiet.set", hours=between(ends - timedelta(hours=3), ends))
        await agreed(pair, remind=local())
        session = await database(own, "session")
        row: Any = await session.fetchrow("select * from due where conversation = $1", talk.id)
        with instance(own, "session", "session-twin"):
            for _ in range(3):
                await session.execute(
                    "insert into due select ($1::due).* on conflict (conversation, record) do update set at = now()",
                    row,
                )
                await time_passes(own, talk)
                assert await until_put_off(own, talk) == ends
            assert [await reminded(one) for one in pair] == [0, 0]
            await asyncio.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds() - 0.5))
            pid = own.kill("session")
            await own.until_restarted("session", pid)
            for one in pair:
                told = await one.until_late("agreement.reminded")
                assert datetime.fromisoformat(told["at"]) >= ends
        await own.until_ready("session")
        await session.execute(
            "insert into due select ($1::due).* on conflict (conversation, record) do update set at = now()", row
        )
        await time_passes(own, talk)
        async with asyncio.timeout(20):
            while await due_rows(own, talk):  # noqa: ASYNC110 - another process takes it out
                await asyncio.sleep(0.1)
        for one in pair:
            assert await reminded(one) == 1
        await session.close()
        await talk.leave()
