"""Forms as they are shown, and decisions."""

from datetime import datetime

from services.consent import errors, metrics
from services.consent.domain import decisions as domain
from services.consent.domain.decisions import Decision, Standing
from services.consent.domain.forms import named, shown_to
from services.consent.handlers import ending
from services.consent.store import Conversation, Store
from shared.contracts.consent_commands import Decide, ReadDecisions, ReadForms
from shared.contracts.consent_events import Decided, DecisionsRead, DecisionValue, FormsRead
from shared.contracts.envelope import ConversationCommand
from shared.contracts.frames.values import Consents, ConsentValue
from shared.contracts.ids import FIRST_OF_GENERATION, moment, rfc3339
from shared.runtime import subscriptions
from shared.runtime.broker.topology import to_gateway
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


async def conversation_of(store: Store, command: ConversationCommand) -> Conversation:
    """Raises `Refused` (``not_found``, ``erased``)."""
    found = await store.conversation(command.conversation)
    if found is None or found.tenant != command.tenant:
        raise errors.not_found()
    if found.erased:
        raise errors.erased()
    return found


def in_force(standing: list[tuple[Standing, datetime]]) -> Consents:
    """What is in force at the moment that goes with each decision that stood then."""
    found: Consents = {}
    for one, when in standing:
        found.setdefault(one.participant, {})[one.purpose] = ConsentValue(state=one.state_at(when), epoch=one.epoch)
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
        by=d.by,
        decided_at=None if d.decided_at is None else rfc3339(d.decided_at),
        expires_at=None if d.expires_at is None else rfc3339(d.expires_at),
    )


async def read_forms(store: Store, command: ReadForms) -> list[Tell]:
    found = await conversation_of(store, command)
    if command.participant not in found.locales:
        raise errors.not_found()
    shown = shown_to(await store.newest_forms(found.tenant), found.locales[command.participant])
    return [answer(command, FormsRead(causationid=command.id, forms=shown))]


async def read(tx: Connection, store: Store, command: ReadDecisions) -> list[Tell]:
    """Raises `Refused`: ``not_found``; ``bad_request``: nobody knows yet what will be in force."""
    found = await conversation_of(store, command)
    at = None if command.at is None else moment(command.at)
    if at is not None and at > await store.now():
        raise errors.bad_request("at")
    ended = await ending.settle(tx, store, [found.id], found.tenant)
    reply = DecisionsRead(
        causationid=command.id,
        decisions=[to_value(d) for d in await store.decisions(found.id)],
        in_force=in_force(await store.standing(found.tenant, found.id, at)),
    )
    return [*ended, answer(command, reply)]


async def decide(tx: Connection, store: Store, command: Decide) -> list[Tell]:
    """Record a decision, or find the one that is there. What is in force is told again: that may have been lost."""
    found = await conversation_of(store, command)
    domain.check_decider(command, found.locales)
    await store.hold_forms()
    ended = await ending.settle(tx, store, [found.id], found.tenant)
    now = await store.tick(found.id)
    known = await store.decision(found.id, command.decision)
    current = await store.current(found.id, command.participant, command.purpose)
    if known is not None and domain.is_repeat(known, command):
        decision, outcome = known, "repeated"
    else:
        form = named(await store.newest_forms(found.tenant), command)
        first_epoch = await store.hold_generation() * FIRST_OF_GENERATION + 1
        decision = domain.decide(current, form, command, first_epoch, now)
        outcome = "repeated"
        if decision is not current:
            await store.insert_decision(decision)
            await store.clear_due(found.id, decision.participant, decision.purpose)
            if decision.expires_at is not None:
                await store.set_due(decision, decision.expires_at)
            current, outcome = decision, decision.state
    metrics.DECISIONS.labels(command.purpose, outcome).inc()
    told = decision if current is None else current
    event = ending.changed(told, found.tenant)
    holders = (await subscriptions.addresses(tx, [found.id])).get(found.id, [])
    changed = [Tell(to_gateway(holder), event) for holder in holders]
    return [*ended, *changed, answer(command, Decided(causationid=command.id, decision=to_value(decision)))]
