"""The features of this service: one line for each. ARCHITECTURE.md, "Adding a feature"."""

from services.session.handlers import (
    absence,
    agreements,
    attunement,
    exercises,
    interventions,
    later,
    leaving,
    pacing,
    safety,
    safety_plan,
    scheduling,
    suitability,
    summaries,
    symbols,
    taking_back,
)
from services.session.handlers.records import Feature, carry_out, carry_out_own, look_up
from shared.contracts.records import OwnCommand, Question, RecordCommand, TenantQuestion
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection

_PARTS: tuple[Feature, ...] = (
    taking_back.FEATURE,
    interventions.FEATURE,
    exercises.FEATURE,
    agreements.FEATURE,
    scheduling.FEATURE,
    later.FEATURE,
    leaving.FEATURE,
    absence.FEATURE,
    pacing.FEATURE,
    symbols.FEATURE,
    attunement.FEATURE,
    safety.FEATURE,
    safety_plan.FEATURE,
    suitability.FEATURE,
)

SUMMARY = {name: part for feature in _PARTS for name, part in feature.summary.items()}
FEATURES = (*_PARTS, summaries.feature(SUMMARY))

WRITES = {command: write for feature in FEATURES for command, write in feature.writes.items()}
READS = {command: read for feature in FEATURES for command, read in feature.reads.items()}
OF_TENANT = {command: read for feature in FEATURES for command, read in feature.of_tenant.items()}


async def handle(tx: Connection, command: RecordCommand | Question | TenantQuestion) -> list[Tell]:
    if isinstance(command, OwnCommand):
        return await carry_out_own(tx, WRITES[type(command)], command)
    if isinstance(command, RecordCommand):
        return await carry_out(tx, WRITES[type(command)], command)
    if isinstance(command, TenantQuestion):
        return [answer(command, await OF_TENANT[type(command)](tx, command))]
    return await look_up(tx, READS[type(command)], command)


async def empty(tx: Connection, conversation: str) -> None:
    """Empty what features keep of an erased conversation beside its events."""
    for feature in FEATURES:
        if feature.empty is not None:
            await feature.empty(tx, conversation)
