"""The session service, wired together."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field, TypeAdapter

from services.session.config import Settings
from services.session.handlers import Handlers, defining
from services.session.handlers.coming_due import Clock
from services.session.handlers.erasing import Eraser
from services.session.handlers.pacer import Pacer
from services.session.ingress import Reader
from services.session.store.exercises import EVERYBODY, Exercises
from services.session.store.pacing import PacingStore
from shared.contracts.commands import SessionCommand
from shared.contracts.frames.values import Value
from shared.contracts.ids import Id
from shared.exercises import library
from shared.runtime import service, tenants
from shared.runtime.keys.ring import Keyring, make_keyring
from shared.runtime.ownership import Ownership
from shared.runtime.postgres import Pool
from shared.runtime.sealing import Sealer
from shared.runtime.service import CannotRun, Parts
from shared.runtime.stray import lasting
from shared.runtime.worker import Worker

log = structlog.get_logger()

EXERCISES = Path(__file__).parent / "exercises"

batches: TypeAdapter[list[SessionCommand]] = TypeAdapter(list[SessionCommand])


class Session:
    """The session service's `shared.runtime.service.Work`: what the queues bring, what comes due, erasures, pacing."""

    def __init__(
        self, worker: Worker[SessionCommand], clock: Clock, eraser: Eraser, pacer: Pacer | None, keys: Keyring
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._eraser = eraser
        self._pacer = pacer
        self._keys = keys

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self._worker, self._clock, self._eraser, self._pacer):
                if work is not None:
                    group.create_task(lasting(work.run()))

    async def stop(self) -> None:
        await self._worker.stop()
        await self._keys.close()


async def _offer_exercises(settings: Settings, parts: Parts) -> None:
    """Raises `CannotRun`: one of the platform's own is broken. A tenant's that is broken is left out and logged."""
    own = library.shelf(EXERCISES)
    try:
        theirs = {} if settings.exercises is None else library.tenants(settings.exercises, own.definitions)
    except OSError as error:
        raise CannotRun(f"UNSAID_EXERCISES can't be read: {error.strerror}") from None
    async with parts.pool.acquire() as tx, tx.transaction():
        exercises = Exercises(tx)
        await tenants.become(tx, {EVERYBODY, *theirs, *await exercises.tenants()})
        refused = await defining.offer(exercises, {EVERYBODY: own, **theirs})
        ours = [one for one in refused if EXERCISES in Path(one.file).parents]
        if ours:
            raise CannotRun("; ".join(str(one) for one in ours))
    for one in refused:
        log.error("exercise_refused", file=one.file, line=one.line, reason=one.reason)


async def build(settings: Settings, parts: Parts) -> Session:
    """Raises `CannotRun`."""
    queues = [f"session.{i}" for i in range(settings.session_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    await _offer_exercises(settings, parts)
    sealer = Sealer(settings.content_key)
    parts.reads.serve(sealer, Reader(parts.pool).answer)
    keys = make_keyring(settings, sealer)
    handlers = Handlers(settings, keys)
    worker = Worker("session", batches, handlers, parts, ownership)
    pacer = None if settings.plain else Pacer(parts.pool, parts.publisher, handlers.appender)
    clock = Clock(parts.pool, parts.publisher, settings.session_queues)
    return Session(worker, clock, Eraser(parts.pool, keys), pacer, keys)


class OfferShare(Value):
    """Above which share of the last words a tenant's therapists are offered prompts."""

    tenant: Id
    share: Annotated[float, Field(ge=0, le=1)]


async def offer_share(pool: Pool) -> None:
    """Told on standard input. Raises ValidationError."""
    told = OfferShare.model_validate_json(sys.stdin.read())
    async with tenants.transaction(pool, [told.tenant]) as tx:
        await PacingStore(tx).set_share(told.tenant, told.share)


def main() -> None:
    service.main("session", Settings, Path(__file__).parent, build, {"offer-share": offer_share})
