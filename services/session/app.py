"""The session service, wired together."""

from pathlib import Path

from pydantic import TypeAdapter

from services.session.config import Settings
from services.session.handlers import Handlers
from services.session.ingress import Reader
from shared.contracts.commands import SessionCommand
from shared.runtime import service
from shared.runtime.ownership import Ownership
from shared.runtime.service import Parts
from shared.runtime.worker import Worker

batches: TypeAdapter[list[SessionCommand]] = TypeAdapter(list[SessionCommand])


async def build(settings: Settings, parts: Parts) -> Worker[SessionCommand]:
    queues = [f"session.{i}" for i in range(settings.session_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    parts.reads.serve(Reader(parts.pool).answer)
    handlers = Handlers(settings, parts.sealer)
    return Worker("session", batches, handlers, parts, ownership)


def main() -> None:
    service.main("session", Settings, Path(__file__).parent, build)
