"""Addresses of calendar feeds, by the hash of their secret part."""

from dataclasses import dataclass
from pathlib import Path

from shared.contracts.errors import Unavailable
from shared.runtime import tenants
from shared.runtime.postgres import AWAY, Pool, Queries

_sql = Queries(Path(__file__).parent / "sql" / "queries.sql")

NONE = b""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose appointments an address gives, and in which conversation."""

    tenant: str
    conversation: str
    participant: str


class Feeds:
    """Each method raises `Unavailable` where the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open_feed(self, digest: bytes, tenant: str, conversation: str, participant: str) -> bool:
        """Open one, in place of any other of theirs there. False: this very one was revoked."""
        try:
            async with tenants.transaction(self._pool, [tenant]) as tx:
                opened = await tx.fetchval(_sql["open_feed"], digest, tenant, conversation, participant)
                if opened is not None:
                    await tx.execute(_sql["revoke_feeds"], conversation, participant, digest)
        except AWAY:
            raise Unavailable("postgres") from None
        return opened is not None

    async def revoke_feeds(self, tenant: str, conversation: str, participant: str) -> None:
        try:
            async with tenants.transaction(self._pool, [tenant]) as tx:
                await tx.execute(_sql["revoke_feeds"], conversation, participant, NONE)
        except AWAY:
            raise Unavailable("postgres") from None

    async def feed(self, digest: bytes) -> Feed | None:
        try:
            row = await self._pool.fetchrow(_sql["feed"], digest)
        except AWAY:
            raise Unavailable("postgres") from None
        return None if row is None else Feed(str(row["tenant"]), str(row["conversation"]), str(row["participant"]))
