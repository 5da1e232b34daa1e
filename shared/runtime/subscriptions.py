"""Who wants to hear of what: topics (ids) and addresses (queues), each with a lease, in the service's own database."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from shared.runtime.postgres import Connection, Queries

LEASE = timedelta(seconds=60)

_sql = Queries(Path(__file__).parent / "sql" / "subscriptions.sql")


async def subscribe(tx: Connection, topic: str, address: str) -> bool:
    """Begin or prolong a subscription. Returns whether it is new."""
    return bool(await tx.fetchval(_sql["subscribe"], topic, address, LEASE))


async def unsubscribe(tx: Connection, topic: str, address: str) -> bool:
    """Returns whether there was one."""
    return await tx.fetchval(_sql["unsubscribe"], topic, address) is not None


async def renew(tx: Connection, address: str, topics: Sequence[str]) -> set[str]:
    """Prolong those that are still in force, and say which they are."""
    return {str(row["topic"]) for row in await tx.fetch(_sql["renew"], address, topics, LEASE)}


async def addresses(tx: Connection, topics: Sequence[str]) -> dict[str, list[str]]:
    """The addresses of each topic that has any."""
    found: dict[str, list[str]] = {}
    for row in await tx.fetch(_sql["addresses"], topics):
        found.setdefault(str(row["topic"]), []).append(row["address"])
    return found


async def drop_address(tx: Connection, address: str) -> list[str]:
    """End all of an address's subscriptions; returns their topics."""
    return [str(row["topic"]) for row in await tx.fetch(_sql["drop_address"], address)]


async def drop_expired(tx: Connection) -> None:
    await tx.execute(_sql["drop_expired"])
