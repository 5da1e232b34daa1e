"""Grants that end by themselves: they expire, or a new version of their form says that they lapse.

Whoever asks about a conversation, and every probe of a gateway that holds it, first has the withdrawals recorded that
are due; and each probe's answer comes behind all that ended not long ago, told again. So a gateway's lease isn't
renewed past a grant's end before it was told on the same queue, also where an instance died between recording and
telling: should this part fail, the lease ends, and live text with it. What is in force is told from decisions and forms
alone, and is right even where nobody has asked yet.
"""

from collections.abc import Collection
from dataclasses import replace

from services.consent import metrics
from services.consent.domain.decisions import Decision
from services.consent.store import Due, Store
from shared.contracts.consent_events import ConsentChanged
from shared.contracts.ids import FIRST_OF_GENERATION, new_id
from shared.runtime import subscriptions, tenants
from shared.runtime.broker.topology import to_gateway
from shared.runtime.handler import Tell
from shared.runtime.postgres import Connection

TOLD_AGAIN = 10 * subscriptions.LEASE
"""A gateway that wasn't heard of for longer attaches anew, and reads what is in force then."""


async def settle(tx: Connection, store: Store, conversations: Collection[str], tenant: str) -> list[Tell]:
    """Record what has ended in these conversations, as withdrawals by the system; whom to tell."""
    ended = [await _withdraw(store, due) for due in await store.due(conversations)]
    if not ended:
        return []
    holders = await subscriptions.addresses(tx, sorted({d.conversation for d in ended}))
    return [Tell(to_gateway(holder), changed(d, tenant)) for d in ended for holder in holders.get(d.conversation, [])]


async def settle_held(tx: Connection, store: Store, address: str) -> list[Tell]:
    """Before a probe is answered: `settle` what this gateway holds, and tell it again what ended not long ago.

    A gateway's probe is about conversations of many tenants; they are taken one tenant after the other.
    """
    told: list[Tell] = []
    for tenant, held in (await store.due_held(address)).items():
        await tenants.become(tx, [tenant])
        told += [Tell(to_gateway(address), changed(d, tenant)) for d in await store.settled(held)]
        await store.forget_settled(TOLD_AGAIN)
        told += await settle(tx, store, held, tenant)
    return told


async def _withdraw(store: Store, due: Due) -> Decision:
    now = await store.tick(due.conversation)
    current = await store.current(due.conversation, due.participant, due.purpose)
    assert current is not None  # it was due
    if not current.grant or current.epoch != due.epoch:  # somebody was quicker
        await store.clear_due(due.conversation, due.participant, due.purpose)
        return current
    withdrawn = replace(
        current,
        id=new_id(),
        grant=False,
        version=None,
        sha256=None,
        locale=None,
        epoch=max(current.epoch, await store.hold_generation() * FIRST_OF_GENERATION) + 1,
        at=now,
        via="system: expired" if due.expired else "system: lapsed",
        device=None,
        by=None,
        expires_at=None,
        decided_at=None,
    )
    await store.insert_decision(withdrawn)
    await store.settle(withdrawn)
    metrics.DECISIONS.labels(due.purpose, "ended").inc()
    return withdrawn


def changed(d: Decision, tenant: str) -> ConsentChanged:
    return ConsentChanged(
        tenant=tenant,
        conversation=d.conversation,
        participant=d.participant,
        purpose=d.purpose,
        state=d.state,
        epoch=d.epoch,
    )
