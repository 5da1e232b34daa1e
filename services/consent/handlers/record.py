"""People's records: their decisions, and what was let through and blocked under each. Counts and times, no content."""

from services.consent import errors
from services.consent.handlers.decisions import conversation_of
from services.consent.store import Recorded, Store
from shared.contracts.consent_commands import CountUses, DecisionPlace, ReadRecord
from shared.contracts.consent_events import RecordRead
from shared.contracts.events import Done
from shared.contracts.frames.values import RecordValue
from shared.contracts.ids import rfc3339
from shared.runtime.handler import Tell, answer


async def read(store: Store, command: ReadRecord) -> list[Tell]:
    """Raises `Refused` (``not_found``, naming ``before``)."""
    places, more = await _places(store, command)
    found = [_value(one) for one in await store.record(command.tenant, places)]
    own = [one for one in found if command.participant in (None, one.participant)]
    return [answer(command, RecordRead(causationid=command.id, decisions=own, more=more))]


async def _places(store: Store, command: ReadRecord) -> tuple[list[DecisionPlace], bool]:
    """Which decisions are asked for, and whether there are older ones."""
    if command.decision is not None and command.conversation is not None:
        return [DecisionPlace(conversation=command.conversation, decision=command.decision)], False
    if command.participant is None:
        return [], False
    before = command.before
    if before is not None and not await store.record(command.tenant, [before]):
        raise errors.not_found("before")
    limit = command.limit
    found = await store.page(command.tenant, command.participant, command.conversation, before, limit + 1)
    return found[:limit], len(found) > limit


def _value(one: Recorded) -> RecordValue:
    d = one.decision
    ends = [moment for moment in (one.ends_at if d.grant else None, one.next_at) if moment is not None]
    return RecordValue(
        id=d.id,
        conversation=d.conversation,
        participant=d.participant,
        role=one.role,
        purpose=d.purpose,
        decision="grant" if d.grant else "withdraw",
        version=d.version,
        sha256=d.sha256,
        locale=d.locale,
        title=one.title,
        epoch=d.epoch,
        at=rfc3339(d.at),
        via=d.via,
        by=d.by,
        decided_at=None if d.decided_at is None else rfc3339(d.decided_at),
        expires_at=None if d.expires_at is None else rfc3339(d.expires_at),
        ended_at=rfc3339(min(ends)) if ends else None,
        let_through=one.let_through,
        blocked=one.blocked,
    )


async def count(store: Store, command: CountUses) -> list[Tell]:
    """What a gateway counted, all in all. Raises `Refused` (``not_found``)."""
    found = await conversation_of(store, command)
    for use in command.uses:
        if use.participant in found.locales:
            await store.count_use(found.id, command.run, use)
    return [answer(command, Done(causationid=command.id))]
