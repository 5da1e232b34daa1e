"""Reading what was said, and marking how far it was read."""

from services.session import errors
from services.session.domain.heads import Head
from services.session.egress import to_holders
from services.session.store import Page, Store
from services.session.store.records import Records
from shared.contracts.commands import MarkRead, ReadFacts, ReadHistory, ReadRecords
from shared.contracts.envelope import ConversationCommand
from shared.contracts.events import Done, FactsRead, HistoryRead, MessageFact, ReadMarked, RecordsRead
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection

HIGHEST = 2**53


async def _head(store: Store, command: ConversationCommand) -> Head:
    head = (await store.read_heads([command.conversation])).get(command.conversation)
    if head is None or head.tenant != command.tenant:
        raise errors.not_found()
    if head.erasure is not None:
        raise head.erasure.refusal()
    return head


async def facts(store: Store, command: ReadFacts) -> FactsRead:
    """A page of what a client or a gateway missed. A position above the head can't be told from a lost one."""
    head = await _head(store, command)
    page, known = Page([], more=False), False
    if command.after_n is not None:
        known = command.after_n <= head.last_n
        if known:
            page = await store.facts_after_n(head.id, command.after_n, command.up_to_n)
    elif command.after_seq is not None:
        known = command.after_seq <= head.last_seq
        if known:
            page = await store.facts_after_seq(head.id, command.after_seq, command.up_to_n)
    return FactsRead(
        causationid=command.id,
        known=known,
        facts=page.facts,
        more=page.more,
        last_seq=head.last_seq,
        last_n=head.last_n,
    )


async def history(store: Store, command: ReadHistory) -> HistoryRead:
    """A page of messages, ascending."""
    head = await _head(store, command)
    if command.after is not None:
        page = await store.history_after(head.id, command.after, command.limit)
    else:
        before = HIGHEST if command.before is None else command.before
        page = await store.history_before(head.id, before, command.limit)
    messages = [fact for fact in page.facts if isinstance(fact, MessageFact)]
    return HistoryRead(causationid=command.id, messages=messages, more=page.more)


async def records(tx: Connection, store: Store, command: ReadRecords) -> RecordsRead:
    """A page of what features recorded, ascending."""
    head = await _head(store, command)
    if command.after is not None:
        page, more = await Records(tx).after(head.id, command.after, command.limit)
    else:
        before = HIGHEST if command.before is None else command.before
        page, more = await Records(tx).before(head.id, before, command.limit)
    return RecordsRead(causationid=command.id, records=page, more=more)


async def mark(tx: Connection, store: Store, command: MarkRead) -> list[Tell]:
    """Raise a read mark; a lower one than there is changes nothing."""
    head = await _head(store, command)
    if not head.has(command.participant):
        raise errors.not_found()
    if command.seq > head.last_seq:
        raise errors.bad_frame("seq")
    tells: list[Tell] = []
    if command.seq > 0 and await store.raise_read(head.id, command.participant, command.seq):
        event = ReadMarked(
            tenant=head.tenant,
            conversation=head.id,
            causationid=command.id,
            participant=command.participant,
            seq=command.seq,
        )
        holders = (await subscriptions.addresses(tx, [head.id])).get(head.id, [])
        tells = to_holders(holders, event)
    return [*tells, answer(command, Done(causationid=command.id))]
