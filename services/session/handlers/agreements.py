"""Agreements: proposed, agreed on in one wording, reported on; brought up at a session's start, and once in between."""

from datetime import datetime
from hashlib import sha256

from services.session import errors
from services.session.domain import agreements as domain
from services.session.domain.agreements import Action
from services.session.domain.heads import Head
from services.session.domain.quiet import loud_moment
from services.session.domain.sessions import Span
from services.session.domain.times import local_moment, require_to_come
from services.session.handlers.records import Feature, Step
from services.session.store.agreements import Agreements, Kept, Worded
from services.session.store.due import Due
from services.session.store.leaving import Leaving
from services.session.store.records import Records
from services.session.store.summaries import Summaries
from shared.contracts.features import agreements as c
from shared.contracts.ids import moment, new_id, rfc3339
from shared.runtime.postgres import Connection

DUE_MOST = 50
"""Agreements that one session's start brings up."""


def _until(step: Step, command: c.WordAgreement) -> datetime | None:
    """Raises `Refused`: ``past_time``, ``bad_frame``, with the field."""
    if command.remind is not None:
        remind = local_moment(command.remind.at, command.remind.zone, "remind")
        require_to_come(remind, step.head.now, "remind")
    if command.until is None:
        return None
    until = moment(command.until)
    require_to_come(until, step.head.now, "until")
    return until


async def _kept(step: Step, agreement: str) -> Kept:
    found = await Agreements(step.tx).agreement(step.head.id, agreement)
    if found is None:
        raise errors.not_found("agreement")
    return found


async def word(step: Step, command: c.WordAgreement) -> None:
    """A proposal, or another wording.

    Raises `Refused`: ``not_found``, ``wrong_state``, ``past_time``, ``bad_frame`` (a time that can't be).
    """
    new = command.wording == 0
    agreed = (
        domain.Agreement(command.record, "proposed", 1, command.participant)
        if new
        else domain.act(
            (await _kept(step, command.agreement)).agreement, "revise", command.participant, command.wording
        )
    )
    until = _until(step, command)
    fact = step.record(
        c.AgreementWordedFact,
        kind="agreement.proposed" if new else "agreement.revised",
        agreement=agreed.id,
        wording=agreed.wording,
        until=None if until is None else rfc3339(until),
        remind=command.remind,
        content=command.content,
    )
    worded = Worded(fact.n, command.participant, until, command.remind, step.head.last_at)
    if new:
        await Agreements(step.tx).propose(step.head.tenant, step.head.id, agreed.id, worded)
    else:
        await Agreements(step.tx).revise(step.head.id, agreed, worded)


async def _act(step: Step, agreement: str, action: Action, wording: int | None = None) -> tuple[Kept, domain.Agreement]:
    found = await _kept(step, agreement)
    return found, domain.act(found.agreement, action, step.command.participant, wording)


async def _change(
    step: Step, after: domain.Agreement, *, reminder: str | None = None, how: c.How | None = None
) -> None:
    await Agreements(step.tx).change(step.head.id, after, step.head.last_at, reminder=reminder, how=how)


async def _forget(step: Step, found: Kept) -> None:
    """There is nothing left to remind of."""
    if found.reminder is not None:
        await Due(step.tx).take_out(step.head.id, found.reminder)


async def answer(step: Step, command: c.AnswerAgreement) -> None:
    """Raises `Refused`: ``not_found``, ``forbidden`` (one's own wording), ``wrong_state``."""
    found, after = await _act(step, command.agreement, command.action, command.wording)
    if command.action == "decline":
        step.record(c.AgreementChangedFact, kind="agreement.declined", agreement=after.id)
        await _change(step, after)
        return
    reminder = await _remind(step, found) if command.remind else None
    step.record(c.AgreementAcceptedFact, agreement=after.id, wording=after.wording, remind=reminder is not None)
    await _change(step, after, reminder=reminder)


async def _remind(step: Step, found: Kept) -> str | None:
    """Put aside the reminder that its author wanted, and the other wants too. None: there was none, or it is over."""
    if found.remind is None:
        return None
    at = local_moment(found.remind.at, found.remind.zone, "remind")
    if at <= step.head.now:
        return None
    command = c.RemindAgreement(
        tenant=step.head.tenant,
        replyto="",
        conversation=step.head.id,
        participant=found.agreement.author,
        record=new_id(),
        fingerprint=sha256(found.agreement.id.encode()).hexdigest(),
        agreement=found.agreement.id,
    )
    await Due(step.tx).put(at, command)
    return command.record


async def report(step: Step, command: c.ReportAgreement) -> None:
    """What is done needs no reminder. Raises `Refused`: ``not_found``, ``wrong_state``."""
    found, after = await _act(step, command.agreement, "report")
    if command.how == "done":
        await _forget(step, found)
    step.record(c.AgreementReportedFact, agreement=after.id, how=command.how, content=command.content)
    await _change(step, after, reminder=None if command.how == "done" else found.reminder, how=command.how)


async def close(step: Step, command: c.CloseAgreement) -> None:
    """Raises `Refused`: ``not_found``, ``forbidden`` (the other's proposal), ``wrong_state``."""
    found, after = await _act(step, command.agreement, "close")
    await _forget(step, found)
    step.record(c.AgreementChangedFact, kind="agreement.closed", agreement=after.id)
    await _change(step, after)


async def remind(step: Step, command: c.RemindAgreement) -> None:
    """It is time: in somebody's quiet hours it comes again when they are over, where somebody has left it passes.

    Raises `Refused` (``wrong_state``): it was called off when this was on its way already.
    """
    found = await _kept(step, command.agreement)
    if found.reminder != command.record:
        raise errors.wrong_state(found.agreement.state)
    if step.head.left_by is not None:
        step.head.next_at()
        await _change(step, found.agreement)
        return
    hours = await Leaving(step.tx).quiet_of_all(step.head.id)
    at = loud_moment(step.head.now, hours, put_off=command.put_off)
    if at > step.head.now:
        await step.put_off(at, command.model_copy(update={"put_off": True}))
        return
    step.record(c.AgreementChangedFact, kind="agreement.reminded", agreement=found.agreement.id)
    await _change(step, found.agreement)


async def listed(tx: Connection, head: Head, command: c.ListAgreements) -> c.AgreementsListed:
    found, more = await Agreements(tx).listed(head.id, command.before, command.limit, only_open=command.open)
    return c.AgreementsListed(causationid=command.id, agreements=found, more=more)


async def at_start(tx: Connection, head: Head, session: str, starter: str) -> c.AgreementDueFact | None:
    """What is to be looked at again as a session starts, recorded; None: nothing is. The caller raises the head."""
    due = await Agreements(tx).to_look_at_again(head.id, head.now, DUE_MOST)
    if not due:
        return None
    at = head.next_at()
    fact = c.AgreementDueFact(
        n=head.next_n(), record=new_id(), sender=starter, at=rfc3339(at), session=session, agreements=due
    )
    await Records(tx).insert(head.id, fact, at, None)
    return fact


async def empty(tx: Connection, conversation: str) -> None:
    """Nothing is agreed in a conversation that is erased, and nobody is reminded."""
    await Due(tx).empty(conversation)
    await Agreements(tx).empty(conversation)


async def in_session(tx: Connection, head: Head, span: Span) -> object:
    return await Summaries(tx).agreements(head.id, span)


FEATURE = Feature(
    writes={
        c.WordAgreement: word,
        c.AnswerAgreement: answer,
        c.ReportAgreement: report,
        c.CloseAgreement: close,
        c.RemindAgreement: remind,
    },
    reads={c.ListAgreements: listed},
    empty=empty,
    summary={"agreements": in_session},
)
