"""Forms and decisions."""

from services.consent import errors, metrics
from services.consent.domain import decisions as domain
from services.consent.domain.decisions import Decision
from services.consent.domain.forms import Forms
from services.consent.store import Conversation, Store
from shared.contracts.commands import Decide, ReadDecisions, ReadForms
from shared.contracts.envelope import ConversationCommand
from shared.contracts.events import ConsentChanged, Decided, DecisionsRead, DecisionValue, FormsRead
from shared.contracts.frames.values import Consents, ConsentValue
from shared.contracts.ids import rfc3339
from shared.runtime import subscriptions
from shared.runtime.broker.topology import to_gateway
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection

GENERATION = 2**32


async def conversation_of(store: Store, command: ConversationCommand) -> Conversation:
    """Raises `Refused` (``not_found``)."""
    found = await store.conversation(command.conversation)
    if found is None or found.tenant != command.tenant:
        raise errors.not_found()
    return found


def in_force(decisions: list[Decision]) -> Consents:
    found: Consents = {}
    for d in decisions:
        found.setdefault(d.participant, {})[d.purpose] = ConsentValue(state=d.state, epoch=d.epoch)
    return found


def to_value(d: Decision) -> DecisionValue:
    return DecisionValue(
        id=d.id,
        participant=d.participant,
        purpose=d.purpose,
        decision="grant" if d.grant else "withdraw",
        version=d.version,
        sha256=d.sha256,
        epoch=d.epoch,
        at=rfc3339(d.at),
    )


async def read_forms(store: Store, forms: Forms, command: ReadForms) -> list[Tell]:
    found = await conversation_of(store, command)
    if command.participant not in found.locales:
        raise errors.not_found()
    shown = forms.shown_to(found.locales[command.participant])
    return [answer(command, FormsRead(causationid=command.id, forms=shown))]


async def read(store: Store, command: ReadDecisions) -> list[Tell]:
    found = await conversation_of(store, command)
    reply = DecisionsRead(
        causationid=command.id,
        decisions=[to_value(d) for d in await store.decisions(found.id)],
        in_force=in_force(await store.in_force(found.id)),
    )
    return [answer(command, reply)]


async def decide(tx: Connection, store: Store, forms: Forms, command: Decide) -> list[Tell]:
    """Record a decision, or find the one that is there. What is in force is told again: that may have been lost."""
    found = await conversation_of(store, command)
    if command.participant not in found.locales:
        raise errors.not_found()
    now = await store.tick(found.id)
    known = await store.decision(found.id, command.decision)
    current = await store.current(found.id, command.participant, command.purpose)
    if known is not None and domain.is_repeat(known, command):
        decision, outcome = known, "repeated"
    else:
        form = None
        if command.grant and command.version is not None and command.sha256 is not None:
            form = forms.find(command.purpose, command.version, command.sha256)
        first_epoch = await store.generation() * GENERATION + 1
        decision = domain.decide(current, form, command, first_epoch, now)
        outcome = "repeated"
        if decision is not current:
            await store.insert_decision(decision)
            current, outcome = decision, decision.state
    metrics.DECISIONS.labels(command.purpose, outcome).inc()
    told = decision if current is None else current
    event = ConsentChanged(
        tenant=found.tenant,
        conversation=found.id,
        participant=told.participant,
        purpose=told.purpose,
        state=told.state,
        epoch=told.epoch,
    )
    holders = (await subscriptions.addresses(tx, [found.id])).get(found.id, [])
    changed = [Tell(to_gateway(holder), event) for holder in holders]
    return [*changed, answer(command, Decided(causationid=command.id, decision=to_value(decision)))]
