"""What the gateway keeps: tenants, their API clients, and partners' repeatable requests."""

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from shared.contracts.errors import Unavailable
from shared.contracts.ids import new_id
from shared.runtime import tenants
from shared.runtime.postgres import AWAY, Connection, Pool, Queries

_sql = Queries(Path(__file__).parent / "sql" / "queries.sql")

LIVE_PER_S = 30
MESSAGES_PER_S = 20
OTHERS_PER_S = 20
MISSED_MIN = 15
"""Minutes after which a session that nobody started is missed, where the tenant says nothing else."""

EVERYWHERE = "*"
SWITCHED = "live_switched"
"""What Postgres notifies gateways of."""
ACQUIRE_S = 3.0


Obscure = Literal["offered", "required", "forbidden"]
"""What a tenant wants of obscured connections."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast one connection may ask, in frames a second."""

    live_per_s: int
    messages_per_s: int
    others_per_s: int


@dataclass(frozen=True, slots=True)
class Tenant:
    id: str
    name: str
    origins: frozenset[str]
    limits: Limits
    obscure: Obscure
    missed_min: int = MISSED_MIN
    away: Mapping[str, str] = field(default_factory=dict)
    """By language: what is shown to who writes to a therapist who is away."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of a request under an idempotency key: answered already, if ``status`` is there."""

    path: str
    body_hmac: str
    status: int | None
    answer: str | None


class Asked(NamedTuple):
    """Who asked for what, and why it was refused. ``participant`` None: a partner's back end."""

    tenant: str
    conversation: str | None
    participant: str | None
    what: str
    code: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry of the audit trail."""

    asked: Asked
    times: int
    first: datetime
    last: datetime


def _hash(secret: str, salt: bytes) -> bytes:
    """Scrypt (RFC 7914) with 16 MiB, since partners may choose their secrets."""
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1)


class Store:
    """The gateway's own database. Each method raises `Unavailable` where the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def _of(self, wanted: Iterable[str]) -> AbstractAsyncContextManager[Connection]:
        return tenants.transaction(self._pool, wanted)

    async def tenants(self) -> list[Tenant]:
        try:
            rows = await self._pool.fetch(_sql["tenants"])
        except AWAY:
            raise Unavailable("postgres") from None
        return [
            Tenant(
                str(row["id"]),
                row["name"],
                frozenset(row["origins"]),
                Limits(
                    LIVE_PER_S * row["rate_factor"],
                    MESSAGES_PER_S * row["rate_factor"],
                    OTHERS_PER_S * row["rate_factor"],
                ),
                row["obscure"],
                row["missed_min"],
                json.loads(row["away"]),
            )
            for row in rows
        ]

    async def authenticate(self, client_id: str, secret: str) -> str | None:
        """The tenant of an API client; None: no such client, or another secret. Takes as long in both cases."""
        try:
            row = await self._pool.fetchrow(_sql["api_client"], client_id)
        except AWAY:
            raise Unavailable("postgres") from None
        salt = bytes(16) if row is None else row["salt"]
        found = await asyncio.to_thread(_hash, secret, salt)
        if row is None or not hmac.compare_digest(found, row["secret_hash"]):
            return None
        return str(row["tenant"])

    async def ensure_tenant(
        self,
        name: str,
        origins: Iterable[str],
        rate_factor: int,
        obscure: Obscure,
        client_id: str,
        secret: str,
        missed_min: int = MISSED_MIN,
        away: Mapping[str, str] | None = None,
    ) -> str | None:
        """Create or update a tenant with one API client; returns its id. None: the client id is another tenant's."""
        salt = os.urandom(16)
        async with self._pool.acquire() as tx, tx.transaction():
            told = new_id(), name, list(origins), rate_factor, obscure, missed_min, json.dumps(dict(away or {}))
            tenant = await tx.fetchval(_sql["ensure_tenant"], *told)
            await tenants.become(tx, [str(tenant)])
            done = await tx.fetchval(_sql["ensure_api_client"], client_id, tenant, salt, _hash(secret, salt))
        return str(tenant) if done is not None else None

    async def live_off(self) -> frozenset[str]:
        """Where an operator has switched live text off: ids of tenants, `EVERYWHERE`."""
        try:
            return frozenset(row["scope"] for row in await self._pool.fetch(_sql["live_off"]))
        except AWAY:
            raise Unavailable("postgres") from None

    async def switch_live(self, tenant: str | None, *, on: bool) -> bool:
        """Switch live text on or off for a tenant, by name, or everywhere (None). False: there is no such tenant."""
        async with self._pool.acquire() as tx, tx.transaction():
            scope = EVERYWHERE if tenant is None else await tx.fetchval(_sql["tenant_named"], tenant)
            if scope is None:
                return False
            await tx.execute(_sql["switch_live_on" if on else "switch_live_off"], str(scope))
            await tx.execute(f"notify {SWITCHED}")
        return True

    @asynccontextmanager
    async def hearing_of_switches(self, changed: Callable[[], None]) -> AsyncIterator[None]:
        """Call ``changed`` whenever the switch is moved, in any process, for as long as this lasts."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_S) as listening:

                def heard(*_: object) -> None:
                    changed()

                await listening.add_listener(SWITCHED, heard)
                try:
                    yield
                finally:
                    with suppress(*AWAY):
                        await listening.remove_listener(SWITCHED, heard)
        except AWAY:
            raise Unavailable("postgres") from None

    async def add_refusals(self, several: Sequence[Refusal]) -> None:
        asked = [one.asked for one in several]
        try:
            async with self._of({a.tenant for a in asked}) as tx:
                await tx.execute(
                    _sql["add_refusals"],
                    [a.tenant for a in asked],
                    [a.conversation for a in asked],
                    [a.participant for a in asked],
                    [a.what for a in asked],
                    [a.code for a in asked],
                    [a.field for a in asked],
                    [one.times for one in several],
                    [one.first for one in several],
                    [one.last for one in several],
                )
        except AWAY:
            raise Unavailable("postgres") from None

    async def begin_request(self, tenant: str, template: str, key: str, path: str, body_hmac: str) -> Begun:
        try:
            async with self._of({tenant}) as tx:
                row = await tx.fetchrow(_sql["begin_request"], tenant, template, key, path, body_hmac)
        except AWAY:
            raise Unavailable("postgres") from None
        return Begun(row["path"], row["body_hmac"], row["status"], row["answer"])

    async def finish_request(
        self, tenant: str, template: str, key: str, status: int, answer: str, conversation: str | None
    ) -> None:
        try:
            async with self._of({tenant}) as tx:
                await tx.execute(_sql["finish_request"], tenant, template, key, status, answer, conversation)
        except AWAY:
            raise Unavailable("postgres") from None

    async def forget_answers(self, tenant: str, conversation: str) -> None:
        """Answers about this conversation, which hold its people's names."""
        try:
            async with self._of({tenant}) as tx:
                await tx.execute(_sql["forget_answers"], tenant, conversation)
        except AWAY:
            raise Unavailable("postgres") from None

    async def forget_request(self, tenant: str, template: str, key: str) -> None:
        try:
            async with self._of({tenant}) as tx:
                await tx.execute(_sql["forget_request"], tenant, template, key)
        except AWAY:
            raise Unavailable("postgres") from None
