"""Gateways that hold a conversation, and the probe that shows them that they would have heard."""

from services.consent.handlers import ending
from services.consent.handlers.decisions import conversation_of, in_force
from services.consent.store import Store
from shared.contracts.consent_commands import AttachConsents, DetachConsents, Probe
from shared.contracts.consent_events import ConsentsAttached, Probed
from shared.contracts.events import Done
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


async def attach(tx: Connection, store: Store, command: AttachConsents) -> list[Tell]:
    """Answer with what is in force; every later decision follows on the same queue."""
    found = await conversation_of(store, command)
    ended = await ending.settle(tx, store, [found.id], found.tenant)
    await subscriptions.subscribe(tx, found.tenant, found.id, command.replyto)
    consents = in_force(await store.standing(found.tenant, found.id))
    return [*ended, answer(command, ConsentsAttached(causationid=command.id, conversation=found.id, consents=consents))]


async def detach(tx: Connection, command: DetachConsents) -> list[Tell]:
    await subscriptions.unsubscribe(tx, command.tenant, command.conversation, command.replyto)
    return [answer(command, Done(causationid=command.id))]


async def probe(tx: Connection, store: Store, command: Probe) -> list[Tell]:
    """Behind this answer nothing older can come from this queue, and no grant that has ended meanwhile is in force."""
    settled = await ending.settle_held(tx, store, command.replyto)
    kept = await subscriptions.renew(tx, command.replyto, command.holding) if command.holding else {}
    ended = [conversation for conversation in command.holding if conversation not in kept]
    reply = Probed(causationid=command.id, ended=ended, generation=await store.generation())
    return [*settled, answer(command, reply)]
