"""The session service, wired together."""

import asyncio
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from services.session.config import Settings
from services.session.handlers import Handlers, defining
from services.session.handlers.coming_due import Clock
from services.session.handlers.erasing import Eraser
from services.session.ingress import Reader
from services.session.store.exercises import EVERYBODY, Exercises
from shared.contracts.commands import SessionCommand
from shared.exercises import library
from shared.runtime import service
from shared.runtime.keys.ring import Keyring, make_keyring
from shared.runtime.ownership import Ownership
from shared.runtime.service import CannotRun, Parts
from shared.runtime.stray import lasting
from shared.runtime.worker import Worker

log = structlog.get_logger()

EXERCISES = Path(__file__).parent / "exercises"

batches: TypeAdapter[list[SessionCommand]] = TypeAdapter(list[SessionCommand])


class Session:
    """The session service's `shared.runtime.service.Work`: what the queues bring, what comes due, and erasures."""

    def __init__(self, worker: Worker[SessionCommand], clock: Clock, eraser: Eraser, keys: Keyring) -> None:
        self._worker = worker
        self._clock = clock
        self._eraser = eraser
        self._keys = keys

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self._worker.run(), self._clock.run(), self._eraser.run()):
                group.create_task(lasting(work))

    async def stop(self) -> None:
        await self._worker.stop()
        await self._keys.close()


async def _offer_exercises(settings: Settings, parts: Parts) -> None:
    """Raises `CannotRun`: one of the platform's own is broken. A tenant's that is broken is left out and logged."""
    own = library.shelf(EXERCISES)
    try:
        tenants = {} if settings.exercises is None else library.tenants(settings.exercises, own.definitions)
    except OSError as error:
        raise CannotRun(f"UNSAID_EXERCISES can't be read: {error.strerror}") from None
    async with parts.pool.acquire() as db, db.transaction():
        refused = await defining.offer(Exercises(db), {EVERYBODY: own, **tenants})
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
    parts.reads.serve(Reader(parts.pool).answer)
    keys = make_keyring(settings, parts.sealer)
    worker = Worker("session", batches, Handlers(settings, keys), parts, ownership)
    clock = Clock(parts.pool, parts.publisher, settings.session_queues)
    return Session(worker, clock, Eraser(parts.pool, keys), keys)


def main() -> None:
    service.main("session", Settings, Path(__file__).parent, build)
