"""Erasing a conversation: at once for whoever asks, then its keys, then what is left of its contents and its people.

The command marks the conversation; from then on everything about it is refused as `erased`. `Eraser` does the rest in
the background, as often as it takes: each step can be repeated, by any instance.
"""

import asyncio
from datetime import timedelta

import asyncpg
import structlog

from services.session import errors, metrics
from services.session.config import Settings
from services.session.egress import registrations, to_holders
from services.session.handlers import features
from services.session.store import Store
from shared.contracts.commands import EraseConversation
from shared.contracts.errors import Unavailable
from shared.contracts.events import ConversationErased, ErasureBegun
from shared.contracts.ids import rfc3339
from shared.runtime import postgres, subscriptions, tenants
from shared.runtime.handler import Tell, answer
from shared.runtime.keys.ring import CACHED_S, LOOK_UP_S, Keyring
from shared.runtime.postgres import Connection, Pool

log = structlog.get_logger()

FORGOTTEN = timedelta(seconds=CACHED_S + LOOK_UP_S)
"""After this no process has a key that was destroyed: caches end 5 minutes after the look-up began."""
LOOK_S = 1.0
ACQUIRE_S = 3.0
SLICE = 1_000
AT_ONCE = 100


async def erase(tx: Connection, store: Store, settings: Settings, command: EraseConversation) -> list[Tell]:
    """Begin. Consent and notes hear of it before the asker does, and so does every gateway that holds it."""
    head = (await store.lock_heads([command.conversation])).get(command.conversation)
    if head is None or head.tenant != command.tenant:
        raise errors.not_found()
    if head.erasure is not None and head.erasure.by != command.id:
        raise head.erasure.refusal()
    if head.erasure is None:
        metrics.ERASURES.labels("begun").inc()
    begun = head.erasure.begun_at if head.erasure is not None else await store.begin_erasure(head.id, command.id)
    found = await store.conversation(head.id)
    assert found is not None
    holders = (await subscriptions.addresses(tx, [head.id])).get(head.id, [])
    event = ConversationErased(tenant=head.tenant, conversation=head.id, at=rfc3339(begun))
    reply = ErasureBegun(causationid=command.id, conversation=head.id, begun_at=rfc3339(begun))
    told = registrations(settings, found, command.traceparent, erased=True)
    return [*to_holders(holders, event), Tell(answer(command, reply).to, reply, told)]


class Eraser:
    """Carries out what was begun."""

    def __init__(self, pool: Pool, keys: Keyring) -> None:
        self._pool = pool
        self._keys = keys

    async def run(self) -> None:
        while True:
            try:
                await self._step()
            except (Unavailable, *postgres.AWAY, asyncpg.PostgresError) as error:
                log.warning("erasing_delayed", error=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def _step(self) -> None:
        async with self._pool.acquire(timeout=ACQUIRE_S) as db:
            to_destroy = await Store(db).keys_to_destroy(AT_ONCE)
            to_empty = await Store(db).contents_to_empty(FORGOTTEN, AT_ONCE)
        for conversation, tenant in to_destroy:
            await self._keys.destroy(tenant, conversation)
            async with tenants.transaction(self._pool, [tenant], ACQUIRE_S) as tx:
                await Store(tx).keys_destroyed(conversation)
            log.info("keys_destroyed", conversation=conversation)
        for conversation, tenant in to_empty:
            more = True
            while more:
                async with tenants.transaction(self._pool, [tenant], ACQUIRE_S) as tx:
                    more = await Store(tx).empty_contents(conversation, SLICE)
            async with tenants.transaction(self._pool, [tenant], ACQUIRE_S) as tx:
                await features.empty(tx, conversation)
                await Store(tx).empty_people(conversation)
                await Store(tx).erasure_done(conversation)
            metrics.ERASURES.labels("done").inc()
            log.info("erased", conversation=conversation)
