"""Interventions: the therapist says of a message of their own what it was meant to do."""

from services.session import errors
from services.session.handlers import pacing
from services.session.handlers.records import Feature, Step
from services.session.store.records import Records
from shared.contracts.features.interventions import MarkMessage, MessageMarkedFact


async def mark(step: Step, command: MarkMessage) -> None:
    """Raises `Refused`: ``forbidden`` (the client, or on the client's), ``not_found``, ``wrong_state`` (deleted)."""
    step.require("therapist")
    records = Records(step.tx)
    found = await records.message(step.head.id, command.message)
    if found is None:
        raise errors.not_found("message")
    if found.sender != command.participant:
        raise errors.forbidden()
    if found.deleted:
        raise errors.wrong_state("deleted")
    step.events.append(await pacing.marked(step.tx, step.head.id, command.message, command.intervention))
    await records.set_intervention(step.head.id, command.message, command.intervention)
    step.record(MessageMarkedFact, message=command.message, intervention=command.intervention)


FEATURE = Feature(writes={MarkMessage: mark})
