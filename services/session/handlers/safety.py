"""Safety: what was raised, that it was seen, and, where nobody has, that the partner's side is to be told; once."""

from hashlib import sha256

from services.session import errors
from services.session.domain import safety as domain
from services.session.domain.heads import Head
from services.session.domain.safety import Raise
from services.session.handlers.records import Feature, Step
from services.session.store.due import Due
from services.session.store.safety import Safety
from shared.contracts.features import safety as c
from shared.contracts.ids import derived_id, moment, rfc3339
from shared.runtime.postgres import Connection


async def raise_(step: Step, command: c.RaiseSafety) -> None:
    """Raises `Refused` (``wrong_state``): as many of this person's as can be wait to be seen already."""
    domain.require_few(await Safety(step.tx).count_open(step.head.id, command.participant))
    at = domain.raised_at(moment(command.raised_at), step.head.now)
    made = Raise(command.record, command.participant, at, derived_id(command.record, "escalation"))
    fact = step.record(c.SafetyRaisedFact, raised_at=rfc3339(at), content=command.content)
    await Safety(step.tx).insert_raise(step.head.tenant, step.head.id, fact.n, made)
    due = c.EscalateSafety(
        tenant=step.head.tenant,
        replyto="",
        conversation=step.head.id,
        participant=command.participant,
        record=made.escalation,
        fingerprint=sha256(made.id.encode()).hexdigest(),
        raised=made.id,
    )
    await Due(step.tx).put(domain.escalates_at(at, command.escalate_after_s), due)


async def _found(step: Step, raised: str) -> Raise:
    found = await Safety(step.tx).raise_(step.head.id, raised)
    if found is None:
        raise errors.not_found("raised")
    return found


async def acknowledge(step: Step, command: c.AcknowledgeSafety) -> None:
    """The therapist has seen it. Raises `Refused`: ``forbidden``, ``not_found``, ``wrong_state``."""
    step.require("therapist")
    found = await _found(step, command.raised)
    domain.require_open(found)
    step.record(c.SafetyChangedFact, kind="safety.acknowledged", raised=found.id)
    await Safety(step.tx).acknowledge(step.head.id, found.id, step.head.last_at, command.participant)
    await Due(step.tx).take_out(step.head.id, found.escalation)


async def escalate(step: Step, command: c.EscalateSafety) -> None:
    """Nobody has seen it in time. Raises `Refused` (``wrong_state``): somebody has, while this was on its way."""
    found = await _found(step, command.raised)
    domain.require_due(found, command.record)
    step.record(c.SafetyChangedFact, kind="safety.escalated", raised=found.id)
    await Safety(step.tx).escalate(step.head.id, found.id, step.head.last_at)


async def listed(tx: Connection, head: Head, command: c.ListRaises) -> c.RaisesListed:
    found, more = await Safety(tx).raises(head.id, command.before, command.limit, only_open=command.open)
    return c.RaisesListed(causationid=command.id, raises=found, more=more)


async def of_tenant(tx: Connection, command: c.ListTenantRaises) -> c.TenantRaisesListed:
    """Raises `Refused` (``not_found``): ``after`` is none of the tenant's."""
    if command.after is not None and not await Safety(tx).has_tenant_raise(command.tenant, command.after):
        raise errors.not_found("after")
    found, more = await Safety(tx).tenant_raises(command.tenant, command.after, command.limit, only_open=command.open)
    return c.TenantRaisesListed(causationid=command.id, raises=found, more=more)


async def empty(tx: Connection, conversation: str) -> None:
    await Due(tx).empty(conversation)
    await Safety(tx).empty(conversation)


FEATURE = Feature(
    writes={c.RaiseSafety: raise_, c.AcknowledgeSafety: acknowledge, c.EscalateSafety: escalate},
    reads={c.ListRaises: listed},
    of_tenant={c.ListTenantRaises: of_tenant},
    empty=empty,
)
