"""The gateways' audit trail of what was refused."""

import asyncio

from tests.support.instances import database
from tests.support.platform import Platform

WAIT_S = 30.0
ENTRY = """
select true from refusal
where conversation is not distinct from $1 and asked = $2 and code = $3 and field is not distinct from $4
limit 1
"""


async def until_audited(
    platform: Platform, conversation: str | None, asked: str, code: str, field: str | None = None
) -> None:
    """Until there is such an entry: a gateway writes what it has noted every two seconds."""
    trail = await database(platform, "gateway")
    try:
        async with asyncio.timeout(WAIT_S):
            while not await trail.fetchval(ENTRY, conversation, asked, code, field):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        there = await trail.fetch("select asked, code, field from refusal where conversation = $1", conversation)
        raise AssertionError(f"no entry {asked} {code} {field}; there are {[tuple(row) for row in there]}") from None
    finally:
        await trail.close()
