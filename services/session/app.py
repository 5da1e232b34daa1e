"""The session service, wired together."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from services.session.config import Settings
from services.session.handlers import Handlers
from services.session.handlers.erasing import Eraser
from services.session.handlers.pacer import Pacer
from services.session.ingress import Reader
from services.session.store.pacing import PacingStore
from shared.contracts.commands import SessionCommand
from shared.contracts.frames.values import Value
from shared.contracts.ids import Id
from shared.runtime import service
from shared.runtime.keys.ring import Keyring, make_keyring
from shared.runtime.ownership import Ownership
from shared.runtime.service import Parts
from shared.runtime.stray import lasting
from shared.runtime.worker import Worker

batches: TypeAdapter[list[SessionCommand]] = TypeAdapter(list[SessionCommand])


class Session:
    """The session service's `shared.runtime.service.Work`: what the queues bring; erasures and pacing behind it."""

    def __init__(self, worker: Worker[SessionCommand], eraser: Eraser, pacer: Pacer | None, keys: Keyring) -> None:
        self._worker = worker
        self._eraser = eraser
        self._pacer = pacer
        self._keys = keys

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self._worker, self._eraser, self._pacer):
                if work is not None:
                    group.create_task(lasting(work.run()))

    async def stop(self) -> None:
        await self._worker.stop()
        await self._keys.close()


async def build(settings: Settings, parts: Parts) -> Session:
    queues = [f"session.{i}" for i in range(settings.session_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    parts.reads.serve(Reader(parts.pool).answer)
    keys = make_keyring(settings, parts.sealer)
    handlers = Handlers(settings, keys)
    worker = Worker("session", batches, handlers, parts, ownership)
    pacer = None if settings.plain else Pacer(parts.pool, parts.publisher, handlers.appender)
    return Session(worker, Eraser(parts.pool, keys), pacer, keys)


class OfferShare(Value):
    """Above which share of the last words a tenant's therapists are offered prompts."""

    tenant: Id
    share: Annotated[float, Field(ge=0, le=1)]


async def offer_share(_: Settings, parts: Parts) -> None:
    """Told on standard input. Raises ValidationError."""
    told = OfferShare.model_validate_json(sys.stdin.read())
    async with parts.pool.acquire() as db:
        await PacingStore(db).set_share(told.tenant, told.share)


def main() -> None:
    service.main("session", Settings, Path(__file__).parent, build, {"offer-share": offer_share})
