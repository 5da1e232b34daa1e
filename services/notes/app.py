"""The notes service, wired together."""

from pathlib import Path

from pydantic import TypeAdapter

from services.notes.config import Settings
from services.notes.handlers import Handlers
from shared.contracts.commands import NotesCommand, RegisterConversation
from shared.runtime import service
from shared.runtime.ownership import Ownership
from shared.runtime.service import Parts
from shared.runtime.worker import Worker

batches: TypeAdapter[list[NotesCommand]] = TypeAdapter(list[NotesCommand])


async def build(settings: Settings, parts: Parts) -> Worker[NotesCommand]:
    queues = [f"notes.{i}" for i in range(settings.notes_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    return Worker("notes", batches, Handlers(), parts, ownership, RegisterConversation)


def main() -> None:
    service.main("notes", Settings, Path(__file__).parent, build)
