"""The tenants that this gateway knows: their origins and limits."""

import asyncio

import structlog

from services.gateway.store import Store, Tenant
from shared.contracts.errors import Unavailable

log = structlog.get_logger()

EVERY_S = 5.0
LOOK_S = 1.0


class Tenants:
    """All tenants, read again now and then; and at once, though not often, where one isn't known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Tenant] = {}
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def keep(self) -> None:
        """Read them again, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.load()

    async def load(self) -> None:
        self._looked = asyncio.get_running_loop().time()
        try:
            self._known = {tenant.id: tenant for tenant in await self._store.tenants()}
        except Unavailable:
            log.warning("tenants_kept")  # those that are known go on

    async def find(self, tenant: str) -> Tenant | None:
        """A tenant, also one made a moment ago through another gateway: who asks waits for the next look."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        if tenant not in self._known:
            async with self._looking:
                if self._looked < asked:  # else somebody has looked since
                    await asyncio.sleep(max(0.0, self._looked + LOOK_S - loop.time()))
                    await self.load()
        return self._known.get(tenant)

    def any_has_origin(self, origin: str) -> bool:
        return any(origin in tenant.origins for tenant in self._known.values())
