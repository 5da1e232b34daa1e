"""Tells both how they share the conversation, within a second of a message; and offers the therapist prompts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog

from services.session import metrics
from services.session.domain import pacing as domain
from services.session.domain.prompts import Prompts, load
from services.session.handlers import pacing
from services.session.handlers.appending import Appender
from services.session.store.pacing import PacingStore, State, Whole
from shared.contracts.envelope import Envelope
from shared.contracts.errors import Unavailable
from shared.contracts.features.pacing import PacingOffered
from shared.runtime import postgres, subscriptions, tenants
from shared.runtime.broker.publisher import Publisher
from shared.runtime.broker.topology import to_gateway
from shared.runtime.postgres import Connection, Pool

log = structlog.get_logger()

EVERY_S = 0.8
ACQUIRE_S = 3.0
AT_ONCE = 200
OFFER_EVERY_MS = 5 * 60 * 1_000
PROMPTS = Path(__file__).parent.parent / "prompts" / "socratic.json"


def is_due(state: State, above: float, now_ms: int) -> float | None:
    """The therapist's share of the last words, if it is time to offer something.

    It is time as the therapist has just spoken: so they are there, as this service can't know otherwise, and an offer
    isn't made to nobody. The share has risen then as well; what a client says never raises it.
    """
    share = domain.held(state.recent)
    if state.muted or share is None or share <= above or state.recent[-1][0] != "therapist":
        return None
    recently = state.offered_ms is not None and now_ms - state.offered_ms < OFFER_EVERY_MS
    return None if recently else share


class Pacer:
    """Rolls up, now and then, the conversations that have grown here."""

    def __init__(self, pool: Pool, publisher: Publisher, appender: Appender) -> None:
        self._pool = pool
        self._publisher = publisher
        self._appender = appender
        self._prompts: Prompts = load(PROMPTS)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            while grown := self._appender.take_grown(AT_ONCE):
                if not await self._roll_up(grown) or len(grown) < AT_ONCE:
                    break

    async def _roll_up(self, grown: Mapping[str, str]) -> bool:
        """Roll these up, and tell. False: the database is away, and what is left of them waits for the next time."""
        try:
            async with tenants.transaction(self._pool, grown.values(), ACQUIRE_S) as tx:
                told = await self._step(tx, grown)
        except (Unavailable, *postgres.AWAY) as error:
            log.warning("pacing_delayed", error=type(error).__name__)
            self._appender.grown.update(grown)
            return False
        except Exception as error:  # what is wrong with a tally must not keep messages from being appended
            if len(grown) > 1:
                return await self._one_by_one(grown)
            log.error("pacing_failed", conversation=next(iter(grown)), exc_info=error)
            return True
        for address, envelope in told:
            self._publisher.offer(to_gateway(address), envelope)
        return True

    async def _one_by_one(self, grown: Mapping[str, str]) -> bool:
        """One of them has a tally that can't be rolled up: it alone is left out."""
        left = dict(grown)
        for conversation, tenant in grown.items():
            del left[conversation]
            if not await self._roll_up({conversation: tenant}):
                self._appender.grown.update(left)
                return False
        return True

    async def _step(self, tx: Connection, grown: Mapping[str, str]) -> list[tuple[str, Envelope]]:
        """What to tell to whom. A conversation that somebody else is at waits for the next time."""
        wholes = await pacing.roll_up(tx, list(grown), wait=False)
        self._appender.grown.update({c: tenant for c, tenant in grown.items() if c not in wholes})
        if not wholes:
            return []
        holders = await subscriptions.addresses(tx, list(wholes))
        held = [whole for whole in wholes.values() if holders.get(whole.conversation) and not whole.erased]
        told: list[Envelope] = [*await pacing.notices(tx, held), *await self._offers(tx, held)]
        return [(address, envelope) for envelope in told for address in holders[getattr(envelope, "conversation", "")]]

    async def _offers(self, tx: Connection, wholes: list[Whole]) -> list[PacingOffered]:
        offers = []
        for whole in wholes:
            share = is_due(whole.state, whole.offer_share, whole.now_ms)
            if share is None:
                continue
            state = whole.state
            offers.append(
                PacingOffered(
                    tenant=whole.tenant,
                    conversation=whole.conversation,
                    audience="therapist",
                    share=share,
                    version=self._prompts.version,
                    prompts=self._prompts.choose(state.offers, whole.locale),
                )
            )
            state.offered_ms, state.offers = whole.now_ms, state.offers + 1
            await PacingStore(tx).keep_states([(whole, whole.conversation, state)])
            metrics.OFFERS.inc()
        return offers
