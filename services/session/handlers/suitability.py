"""What was answered at intake; its content, and the advice in it, are the gateway's to seal and to open."""

from services.session.domain.heads import Head
from services.session.handlers.records import Feature, Step
from services.session.store.safety import Safety
from shared.contracts.features import suitability as c
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection


async def answer(step: Step, command: c.AnswerSuitability) -> None:
    """Raises `Refused` (``forbidden``): the client answers."""
    step.require("client")
    fact = step.record(c.SuitabilityAnsweredFact, version=command.version, content=command.content)
    await Safety(step.tx).put_suitability(step.head.tenant, step.head.id, command.version, fact.n, step.head.last_at)


async def read(tx: Connection, head: Head, command: c.ReadSuitability) -> c.SuitabilityRead:
    found = await Safety(tx).suitability(head.id)
    if found is None:
        return c.SuitabilityRead(causationid=command.id)
    return c.SuitabilityRead(
        causationid=command.id,
        version=found.version,
        at=rfc3339(found.at),
        record=found.record,
        content=found.content,
    )


FEATURE = Feature(writes={c.AnswerSuitability: answer}, reads={c.ReadSuitability: read})
