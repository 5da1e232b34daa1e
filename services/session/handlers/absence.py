"""A therapist's absence, which ends when they say so, or at its time."""

from hashlib import sha256

from services.session import errors
from services.session.domain.times import require_to_come
from services.session.handlers.records import Feature, Step
from services.session.store.due import Due
from services.session.store.leaving import Leaving
from shared.contracts.features import absence as c
from shared.contracts.ids import moment, new_id, rfc3339


async def _drop_timer(step: Step) -> bool:
    """Whether they were away."""
    before = await Leaving(step.tx).absence(step.head.id)
    if before is not None and before.timer is not None:
        await Due(step.tx).take_out(step.head.id, before.timer)
    return before is not None


async def set_away(step: Step, command: c.SetAway) -> None:
    """Also where they are away already. Raises `Refused`: ``forbidden``, ``past_time``, ``bad_frame``."""
    step.require("therapist")
    until = None if command.until is None else moment(command.until)
    if until is not None:
        require_to_come(until, step.head.now, "until")
    await _drop_timer(step)
    fact = step.record(c.AwayBeganFact, until=None if until is None else rfc3339(until), content=command.content)
    timer = None if until is None else new_id()
    await Leaving(step.tx).set_absence(step.head.tenant, step.head.id, fact.n, until, timer)
    if until is not None and timer is not None:
        back = c.ClearAway(
            tenant=step.head.tenant,
            replyto="",
            conversation=step.head.id,
            participant=command.participant,
            record=timer,
            fingerprint=sha256(timer.encode()).hexdigest(),
            timer=timer,
        )
        await Due(step.tx).put(until, back)


async def clear_away(step: Step, command: c.ClearAway) -> None:
    """Raises `Refused`: ``forbidden``, ``wrong_state`` (they aren't away; or not by this timer any more)."""
    step.require("therapist")
    before = await Leaving(step.tx).absence(step.head.id)
    if before is None or command.timer not in (None, before.timer):
        raise errors.wrong_state("here" if before is None else "away")
    await _drop_timer(step)
    step.record(c.AwayEndedFact)
    await Leaving(step.tx).clear_absence(step.head.id)


FEATURE = Feature(writes={c.SetAway: set_away, c.ClearAway: clear_away})
