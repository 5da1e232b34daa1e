"""The consent service, wired together."""

from pathlib import Path

from pydantic import TypeAdapter

from services.consent.config import Settings
from services.consent.handlers import Handlers
from services.consent.ingress import read_forms
from shared.contracts.commands import ConsentCommand
from shared.runtime import service
from shared.runtime.ownership import Ownership
from shared.runtime.service import Parts
from shared.runtime.worker import Worker

batches: TypeAdapter[list[ConsentCommand]] = TypeAdapter(list[ConsentCommand])


async def build(settings: Settings, parts: Parts) -> Worker[ConsentCommand]:
    queues = [f"consent.{i}" for i in range(settings.consent_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    handlers = Handlers(read_forms())
    return Worker("consent", batches, handlers, parts, ownership)


def main() -> None:
    service.main("consent", Settings, Path(__file__).parent, build)
