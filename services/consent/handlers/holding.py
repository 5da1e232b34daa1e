"""Gateways that hold a conversation, and the probe that shows them that they would have heard."""

from services.consent.handlers.decisions import conversation_of, in_force
from services.consent.store import Store
from shared.contracts.commands import AttachConsents, DetachConsents, Probe
from shared.contracts.events import ConsentsAttached, Done, Probed
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


async def attach(tx: Connection, store: Store, command: AttachConsents) -> list[Tell]:
    """Answer with what is in force; every later decision follows on the same queue."""
    found = await conversation_of(store, command)
    await subscriptions.subscribe(tx, found.id, command.replyto)
    consents = in_force(await store.in_force(found.id))
    return [answer(command, ConsentsAttached(causationid=command.id, conversation=found.id, consents=consents))]


async def detach(tx: Connection, command: DetachConsents) -> list[Tell]:
    await subscriptions.unsubscribe(tx, command.conversation, command.replyto)
    return [answer(command, Done(causationid=command.id))]


async def probe(tx: Connection, command: Probe) -> list[Tell]:
    """Behind this answer nothing older can come from this queue."""
    kept = await subscriptions.renew(tx, command.replyto, command.holding) if command.holding else set()
    ended = [conversation for conversation in command.holding if conversation not in kept]
    return [answer(command, Probed(causationid=command.id, ended=ended))]
