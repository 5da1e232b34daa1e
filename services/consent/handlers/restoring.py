"""A database that was restored from a backup revives nothing.

The backup may have forgotten withdrawals. So the generation rises, which makes every epoch from now on higher than any
that was forgotten, and whatever is granted of `REVOKED` is withdrawn: people are asked again.
"""

import structlog

from services.consent.store import Store
from shared.contracts.ids import REVOKED

log = structlog.get_logger()


async def look(store: Store) -> None:
    """Nothing, unless the tables are not where they were when they were last used: then `restored`."""
    if await store.is_restored():
        await store.lock_generation()
        if await store.is_restored():  # no other instance has done it meanwhile
            await restored(store)


async def restored(store: Store) -> int:
    """Begin a new generation; how many consents were withdrawn."""
    await store.lock_generation()
    generation, withdrawn = await store.begin_generation(REVOKED)
    log.warning("restored", generation=generation, withdrawn=withdrawn)
    return withdrawn
