"""Messages that wait for their time: planned, changed, recalled, and sent once, in order with all others.

What comes due names the timer that was set with a wording. Where that is no more the one that stands (it was changed or
recalled when this was on its way already), nothing is sent.
"""

from dataclasses import replace

from services.session import errors
from services.session.domain.heads import Head
from services.session.domain.times import require_to_come
from services.session.egress import to_holders
from services.session.handlers import messages
from services.session.handlers.records import Feature, Step
from services.session.store import Store
from services.session.store.due import Due
from services.session.store.later import Later, Planned
from shared.contracts.commands import SendMessage, SendPlanned
from shared.contracts.features import later as c
from shared.contracts.ids import moment, new_id, rfc3339
from shared.runtime import subscriptions
from shared.runtime.handler import Tell
from shared.runtime.keys.ring import Keyring
from shared.runtime.postgres import Connection

WAITING_MOST = 20
"""Messages of one person that wait in one conversation."""


def _changed(head: Head, planned: Planned) -> c.LaterChanged:
    """To its author alone."""
    return c.LaterChanged(
        tenant=head.tenant,
        conversation=head.id,
        audience=head.role(planned.author),
        message=planned.message,
        wording=planned.wording,
        state=planned.state,
        at=rfc3339(planned.send_at) if planned.state == "waiting" else None,
    )


async def _waiting(step: Step, message: str, wording: int) -> Planned:
    """Raises `Refused`: ``not_found`` (also where it is the other's), ``wrong_state``."""
    found = await Later(step.tx).planned(step.head.id, message)
    if found is None or found.author != step.command.participant:
        raise errors.not_found("message")
    if found.state != "waiting" or found.wording != wording:
        raise errors.wrong_state({"state": found.state, "wording": found.wording})
    return found


async def _require_sendable(step: Step, command: c.PlanMessage) -> None:
    """Raises `Refused`: ``not_found`` (what it replies to), ``conflict`` (there is a message of this id)."""
    asked = [one for one in (command.message, command.in_reply_to) if one is not None]
    known = await Store(step.tx).known_messages([(step.head.id, one) for one in asked])
    if (step.head.id, command.message) in known:
        raise errors.conflict()
    if command.in_reply_to is not None and (step.head.id, command.in_reply_to) not in known:
        raise errors.not_found("in_reply_to")


async def plan(step: Step, command: c.PlanMessage) -> None:
    """Raises `Refused`: ``past_time``, ``bad_frame`` (too far off), ``not_found``, ``conflict``, ``wrong_state``."""
    step.require_not_left()
    send_at = moment(command.at)
    require_to_come(send_at, step.head.now, "at")
    await _require_sendable(step, command)
    later = Later(step.tx)
    before = None
    if command.wording:
        before = await _waiting(step, command.message, command.wording)
        await Due(step.tx).take_out(step.head.id, before.timer)
    elif await later.planned(step.head.id, command.message) is not None:
        raise errors.conflict()
    elif await later.count_waiting(step.head.id, command.participant) >= WAITING_MOST:
        raise errors.wrong_state({"waiting": WAITING_MOST})
    assert command.content is not None
    message = SendMessage(
        tenant=command.tenant,
        replyto="",
        conversation=command.conversation,
        sender=command.participant,
        message=command.message,
        in_reply_to=command.in_reply_to,
        fingerprint=command.sent_as,
        uses=command.uses,
        content=command.content,
        words=command.words,
    )
    wording = 1 if before is None else before.wording + 1
    planned = Planned(command.message, command.participant, "waiting", wording, send_at, new_id(), message)
    await later.plan(planned)
    await Due(step.tx).put(
        send_at,
        SendPlanned(
            tenant=command.tenant,
            replyto="",
            conversation=command.conversation,
            record=planned.timer,
            message=command.message,
        ),
    )
    step.events.append(_changed(step.head, planned))


async def recall(step: Step, command: c.RecallMessage) -> None:
    """Raises `Refused`: ``not_found``, ``wrong_state`` (it is sent)."""
    found = await _waiting(step, command.message, command.wording)
    await Due(step.tx).take_out(step.head.id, found.timer)
    await Later(step.tx).end(step.head.id, found.message, "recalled")
    step.events.append(_changed(step.head, replace(found, state="recalled")))


async def listed(tx: Connection, head: Head, command: c.ListPlanned) -> c.PlannedListed:
    found = await Later(tx).waiting(head.id, command.participant, WAITING_MOST)
    return c.PlannedListed(causationid=command.id, later=found)


async def send(
    tx: Connection, store: Store, keys: Keyring, learner: messages.Learner, command: SendPlanned
) -> list[Tell]:
    """Its time has come. Delivered again, it finds that it was sent."""
    head = (await store.lock_heads([command.conversation])).get(command.conversation)
    planned = await Later(tx).planned(command.conversation, command.message)
    if head is None or head.tenant != command.tenant or head.erasure is not None:
        return []
    if planned is None or planned.command is None or planned.timer != command.record:
        return []
    before = (await store.known_messages([(head.id, planned.message)])).get((head.id, planned.message))
    # Under its id something may have been said meanwhile: this very text, or another one, which then stays.
    sendable = head.left_by is None if before is None else before.fingerprint == planned.command.fingerprint
    state: c.State = "sent" if sendable else "not_sent"
    await Later(tx).end(head.id, planned.message, state)
    told = [] if state == "not_sent" else await messages.send(tx, store, keys, learner, [planned.command])
    holders = (await subscriptions.addresses(tx, [head.id])).get(head.id, [])
    return [*told, *to_holders(holders, _changed(head, replace(planned, state=state)))]


async def empty(tx: Connection, conversation: str) -> None:
    await Later(tx).empty(conversation)


FEATURE = Feature(writes={c.PlanMessage: plan, c.RecallMessage: recall}, reads={c.ListPlanned: listed}, empty=empty)
