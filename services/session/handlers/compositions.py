"""Compositions: kept part by part, read, opened, destroyed and marked."""

from services.session import errors, metrics
from services.session.domain import compositions as domain
from services.session.domain.compositions import Composition
from services.session.domain.heads import Head
from services.session.egress import to_holders
from services.session.store import Store
from shared.contracts import keys as records
from shared.contracts.commands import (
    DeleteCompositions,
    KeepComposition,
    ListCompositions,
    MarkComposition,
    OpenComposition,
    ReadComposition,
)
from shared.contracts.contents import MarkContent
from shared.contracts.events import CompositionChanged, CompositionRead, CompositionsListed, CompositionSummary, Done
from shared.contracts.ids import rfc3339
from shared.contracts.keys import conversation_key
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.keys.ring import Keyring
from shared.runtime.postgres import Connection

Any = KeepComposition | ReadComposition | ListCompositions | OpenComposition | DeleteCompositions | MarkComposition

PARTS_MOST = 100
"""Parts of one composition, each of about a thousand operations; what is typed beyond isn't kept."""

MARKS_MOST = 200


async def _head(store: Store, command: Any) -> Head:
    head = (await store.read_heads([command.conversation])).get(command.conversation)
    if head is None or head.tenant != command.tenant or not head.has(command.participant):
        raise errors.not_found()
    if head.erasure is not None:
        raise head.erasure.refusal()
    return head


async def handle(tx: Connection, store: Store, keys: Keyring, command: Any) -> list[Tell]:
    head = await _head(store, command)
    match command:
        case KeepComposition():
            return await _keep(store, command)
        case ReadComposition():
            return await _read(store, command)
        case ListCompositions():
            return await _list(store, command)
        case OpenComposition():
            return await _open(tx, store, head, command)
        case DeleteCompositions():
            return await _delete(tx, store, head, command)
        case MarkComposition():
            return await _mark(store, keys, head, command)


async def _keep(store: Store, command: KeepComposition) -> list[Tell]:
    """Keep a part; of a composition that was destroyed nothing comes back."""
    await store.begin_composition(command.conversation, command.draft, command.participant, command.age_ms)
    found = await store.composition(command.conversation, command.draft, command.participant)
    if found is not None and found.author != command.participant:
        raise errors.conflict()
    if found is not None and not found.deleted:
        await store.keep_part(command, PARTS_MOST)
        metrics.COMPOSITIONS.labels("kept").inc()
    return [answer(command, Done(causationid=command.id))]


def _summary(found: Composition) -> CompositionSummary:
    return CompositionSummary(
        draft=found.draft,
        author=found.author,
        begun_at=rfc3339(found.begun_at),
        seq=found.seq,
        opened=found.opened,
        ops=found.ops,
        marks=found.marks,
    )


async def _read(store: Store, command: ReadComposition) -> list[Tell]:
    found = domain.there(await store.composition(command.conversation, command.draft, command.participant))
    reply = CompositionRead(
        causationid=command.id,
        composition=_summary(found),
        parts=await store.parts(command.conversation, command.draft),
        marks=await store.marks(command.conversation, command.draft, command.participant, MARKS_MOST),
    )
    return [answer(command, reply)]


async def _list(store: Store, command: ListCompositions) -> list[Tell]:
    found = await store.list_compositions(command.conversation, command.participant, command.before, command.limit + 1)
    page = [_summary(one) for one in found[: command.limit]]
    return [answer(command, CompositionsListed(causationid=command.id, compositions=page, more=len(found) > len(page)))]


async def _open(tx: Connection, store: Store, head: Head, command: OpenComposition) -> list[Tell]:
    found = domain.there(await store.composition(head.id, command.draft, command.participant))
    domain.require_author(found, command.participant)
    await store.open_composition(head.id, command.draft)
    metrics.COMPOSITIONS.labels("opened").inc()
    event = CompositionChanged(
        tenant=head.tenant, conversation=head.id, author=command.participant, draft=command.draft, change="opened"
    )
    return await _told(tx, command, event)


async def _delete(tx: Connection, store: Store, head: Head, command: DeleteCompositions) -> list[Tell]:
    """Also what a gateway hasn't sent yet: the id is remembered as deleted before the first part comes."""
    if command.draft is not None:
        await store.begin_composition(head.id, command.draft, command.participant, 0)
        found = await store.composition(head.id, command.draft, command.participant)
        if found is not None:
            domain.require_author(found, command.participant)
    await store.delete_compositions(head.id, command.participant, command.draft)
    metrics.COMPOSITIONS.labels("deleted").inc()
    event = CompositionChanged(
        tenant=head.tenant, conversation=head.id, author=command.participant, draft=command.draft, change="deleted"
    )
    return await _told(tx, command, event)


async def _marked_before(store: Store, keys: Keyring, command: MarkComposition) -> str | None:
    """The fingerprint of a mark that is there; of a mark of before there were data keys, as it would be now."""
    before = await store.mark(command.conversation, command.mark)
    if before not in (None, command.fingerprint):
        key = await keys.of(conversation_key(command.tenant, command.conversation))
        text = MarkContent.model_validate_json(key.open(records.mark(command.mark), command.content)).text
        if key.same(before, command.participant, command.draft, command.mark, str(command.at_op), text):
            return command.fingerprint
    return before


async def _mark(store: Store, keys: Keyring, head: Head, command: MarkComposition) -> list[Tell]:
    if command.participant != head.therapist:
        raise errors.forbidden()
    found = domain.there(await store.composition(head.id, command.draft, command.participant))
    if not domain.already_marked(await _marked_before(store, keys, command), command.fingerprint):
        if command.at_op > found.ops:
            raise errors.bad_frame("at_op")
        if found.marks >= MARKS_MOST:
            raise errors.conflict()
        await store.insert_mark(command)
        metrics.COMPOSITIONS.labels("marked").inc()
    return [answer(command, Done(causationid=command.id))]


async def _told(tx: Connection, command: OpenComposition | DeleteCompositions, event: CompositionChanged) -> list[Tell]:
    holders = (await subscriptions.addresses(tx, [command.conversation])).get(command.conversation, [])
    return [*to_holders(holders, event), answer(command, Done(causationid=command.id))]
