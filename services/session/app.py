"""The session service, wired together."""

import asyncio
from pathlib import Path

from pydantic import TypeAdapter

from services.session.config import Settings
from services.session.handlers import Handlers
from services.session.handlers.erasing import Eraser
from services.session.ingress import Reader
from shared.contracts.commands import SessionCommand
from shared.runtime import service
from shared.runtime.keys.ring import Keyring, make_keyring
from shared.runtime.ownership import Ownership
from shared.runtime.service import Parts
from shared.runtime.stray import lasting
from shared.runtime.worker import Worker

batches: TypeAdapter[list[SessionCommand]] = TypeAdapter(list[SessionCommand])


class Session:
    """The session service's `shared.runtime.service.Work`: what the queues bring, and erasures in the background."""

    def __init__(self, worker: Worker[SessionCommand], eraser: Eraser, keys: Keyring) -> None:
        self._worker = worker
        self._eraser = eraser
        self._keys = keys

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for work in (self._worker.run(), self._eraser.run()):
                group.create_task(lasting(work))

    async def stop(self) -> None:
        await self._worker.stop()
        await self._keys.close()


async def build(settings: Settings, parts: Parts) -> Session:
    queues = [f"session.{i}" for i in range(settings.session_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    parts.reads.serve(Reader(parts.pool).answer)
    keys = make_keyring(settings, parts.sealer)
    worker = Worker("session", batches, Handlers(settings, keys), parts, ownership)
    return Session(worker, Eraser(parts.pool, keys), keys)


def main() -> None:
    service.main("session", Settings, Path(__file__).parent, build)
