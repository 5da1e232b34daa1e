"""The consent service, wired together."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from services.consent.config import Settings
from services.consent.domain.forms import BadForms, Form
from services.consent.domain.log import Logs
from services.consent.handlers import Handlers, forms, restoring
from services.consent.ingress import read_forms
from services.consent.store import Store
from shared.contracts.commands import RegisterConversation
from shared.contracts.consent_commands import ConsentCommand
from shared.runtime import service
from shared.runtime.ownership import Ownership
from shared.runtime.postgres import Pool, when_there
from shared.runtime.service import CannotRun, Parts
from shared.runtime.worker import Worker

batches: TypeAdapter[list[ConsentCommand]] = TypeAdapter(list[ConsentCommand])


async def build(settings: Settings, parts: Parts) -> Worker[ConsentCommand]:
    """Raises `CannotRun`: a form can't be read, or is another one than was published."""
    queues = [f"consent.{i}" for i in range(settings.consent_queues)]
    ownership = Ownership(parts.pool, settings.instance, queues)
    await ownership.prepare()
    try:
        await _publish_files(parts.pool, read_forms())
    except BadForms as bad:
        raise CannotRun(str(bad)) from None
    handlers = Handlers(Logs(settings.consent_log_name, settings.consent_log_key))
    return Worker("consent", batches, handlers, parts, ownership, RegisterConversation)


@when_there
async def _publish_files(pool: Pool, files: list[Form]) -> None:
    """Raises `BadForms`. Waits for those who decide, or publish, in this very moment."""
    async with pool.acquire() as db, db.transaction():
        await restoring.look(Store(db))
        await forms.publish_files(db, Store(db), files)


async def restored(pool: Pool) -> None:
    """The operator says that the database was restored from a backup, where that can't be seen."""
    async with pool.acquire() as db, db.transaction():
        print(json.dumps({"withdrawn": await restoring.restored(Store(db))}))


def main() -> None:
    service.main("consent", Settings, Path(__file__).parent, build, {"restored": restored})
