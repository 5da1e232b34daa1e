"""The safety plan: each saving is a new version of it, of the one that its author has seen."""

from services.session import errors
from services.session.domain.heads import Head
from services.session.handlers.records import Feature, Step
from services.session.store.safety import Safety
from shared.contracts.features import safety_plan as c
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection


async def save(step: Step, command: c.SavePlan) -> None:
    """Raises `Refused` (``wrong_state``, with the newest version): somebody was faster."""
    safety = Safety(step.tx)
    newest = await safety.newest_plan(step.head.id)
    if command.based_on != newest:
        raise errors.wrong_state({"version": newest})
    fact = step.record(c.PlanSavedFact, version=newest + 1, content=command.content)
    await safety.insert_plan(
        step.head.tenant, step.head.id, fact.version, fact.n, command.participant, step.head.last_at
    )


async def read(tx: Connection, head: Head, command: c.ReadPlan) -> c.PlanRead:
    """Raises `Refused` (``not_found``): there is no such version."""
    safety = Safety(tx)
    newest = await safety.newest_plan(head.id)
    if newest == 0 and command.version is None:
        return c.PlanRead(causationid=command.id, version=0, newest=0)
    found = await safety.plan(head.id, command.version or newest)
    if found is None:
        raise errors.not_found("version")
    return c.PlanRead(
        causationid=command.id,
        version=found.version,
        newest=newest,
        author=found.author,
        at=rfc3339(found.at),
        record=found.record,
        content=found.content,
    )


FEATURE = Feature(writes={c.SavePlan: save}, reads={c.ReadPlan: read})
