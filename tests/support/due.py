"""What waits for its time in a conversation, and its time coming."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.instances import database
from tests.support.participants import Conversation
from tests.support.platform import Platform

ZONE = "America/St_Johns"
"""Half an hour off the others, and it changes its clocks."""


def local(days: float = 3) -> dict[str, str]:
    """A time in that zone."""
    then = datetime.now(ZoneInfo(ZONE)) + timedelta(days=days)
    return {"at": then.strftime("%Y-%m-%dT%H:%M"), "zone": ZONE}


async def due_rows(platform: Platform, talk: Conversation) -> list[datetime]:
    session = await database(platform, "session")
    rows = await session.fetch("select at from due where conversation = $1 order by at", talk.id)
    await session.close()
    return [row["at"] for row in rows]


async def time_passes(platform: Platform, talk: Conversation) -> None:
    """As if the time had come, a while ago."""
    session = await database(platform, "session")
    await session.execute("update due set at = now() - interval '1 minute' where conversation = $1", talk.id)
    await session.close()
