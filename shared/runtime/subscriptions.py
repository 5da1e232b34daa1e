"""Who wants to hear of what: topics (ids) and addresses (queues), each with a lease, in the service's own database.

A gateway holds topics of many tenants and renews them together, so these rows are the gateway's own, and have no
row-level security. Each says whose its topic is, as was checked when it was made.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from shared.runtime.postgres import Connection, Queries

LEASE = timedelta(seconds=60)

_sql = Queries(Path(__file__).parent / "sql" / "subscriptions.sql")


async def subscribe(tx: Connection, tenant: str, topic: str, address: str) -> bool:
    """Begin or prolong a subscription. Returns whether it is new."""
    return bool(await tx.fetchval(_sql["subscribe"], topic, address, LEASE, tenant))


async def unsubscribe(tx: Connection, tenant: str, topic: str, address: str) -> bool:
    """Returns whether there was one."""
    return await tx.fetchval(_sql["unsubscribe"], topic, address, tenant) is not None


async def renew(tx: Connection, address: str, topics: Sequence[str]) -> dict[str, str]:
    """Prolong those that are still in force, and say which they are, with their tenants."""
    return {str(row["topic"]): str(row["tenant"]) for row in await tx.fetch(_sql["renew"], address, topics, LEASE)}


async def addresses(tx: Connection, topics: Sequence[str]) -> dict[str, list[str]]:
    """The addresses of each topic that has any."""
    found: dict[str, list[str]] = {}
    for row in await tx.fetch(_sql["addresses"], topics):
        found.setdefault(str(row["topic"]), []).append(row["address"])
    return found


async def drop_address(tx: Connection, address: str) -> dict[str, str]:
    """End all of an address's subscriptions; returns their topics, with their tenants."""
    return {str(row["topic"]): str(row["tenant"]) for row in await tx.fetch(_sql["drop_address"], address)}


async def drop_expired(tx: Connection) -> None:
    await tx.execute(_sql["drop_expired"])
