"""Taking a message back: what it said is destroyed, and how it was written; a tombstone stays."""

from services.session import errors
from services.session.handlers import attunement, pacing, symbols
from services.session.handlers.records import Feature, Step
from services.session.store import Store
from services.session.store.records import Records
from shared.contracts.events import CompositionChanged
from shared.contracts.features.taking_back import DeleteMessage, MessageDeletedFact


async def delete(step: Step, command: DeleteMessage) -> None:
    """Raises `Refused`: ``not_found``, ``forbidden`` (somebody else's), ``wrong_state`` (deleted before)."""
    records, head = Records(step.tx), step.head
    found = await records.message(head.id, command.message)
    if found is None:
        raise errors.not_found("message")
    if found.sender != command.participant:
        raise errors.forbidden()
    if found.deleted:
        raise errors.wrong_state("deleted")
    await pacing.taken_back(step.tx, head.id, command.message)
    await records.take_back(head.id, command.message)
    await symbols.taken_back(step.tx, head.id, command.message)
    await attunement.taken_back(step.tx, head.id, command.message)
    step.record(MessageDeletedFact, message=command.message)
    # How it was written says what it said; the id stays, so that no part that comes late revives it.
    store = Store(step.tx)
    await store.begin_composition(head.id, command.message, command.participant, 0)
    await store.delete_compositions(head.id, command.participant, command.message)
    step.events.append(
        CompositionChanged(
            tenant=head.tenant,
            conversation=head.id,
            author=command.participant,
            draft=command.message,
            change="deleted",
        )
    )
    step.events.append(await pacing.emptied(step.tx, head.id))


FEATURE = Feature(writes={DeleteMessage: delete})
