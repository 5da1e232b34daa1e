"""Starting and ending sessions."""

from services.session import egress, metrics
from services.session.domain import sessions as domain
from services.session.domain.heads import Head
from services.session.domain.sessions import Session
from services.session.handlers import agreements, scheduling
from services.session.store import Store
from shared.contracts import features
from shared.contracts.commands import EndSession, StartSession
from shared.contracts.events import SessionAccepted, SessionFact
from shared.contracts.ids import rfc3339
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


async def start(tx: Connection, store: Store, command: StartSession) -> list[Tell]:
    """Start a session; one that runs, or that was started under this id before, answers as it did then."""
    head = domain.may_start((await store.lock_heads([command.conversation])).get(command.conversation), command)
    used = await store.session(head.id, command.session)
    before = domain.start(used, await store.running_session(head.id), command)
    if before is not None:
        metrics.SESSIONS.labels("repeated").inc()
        fact = SessionFact(kind="session.started", n=before.started_n, session=before.id, at=rfc3339(before.started_at))
        return await _told(tx, command, fact)
    session = Session(command.session, head.next_n(), head.next_at())
    fact = SessionFact(kind="session.started", n=session.started_n, session=session.id, at=rfc3339(session.started_at))
    await scheduling.at_start(tx, head, session.id)
    await store.start_session(head.id, session)
    behind = (
        await scheduling.disclaim(tx, head, session.id, command.participant, command.outdated),
        await agreements.at_start(tx, head, session.id, command.participant),
    )
    return await _record(tx, store, head, command, fact, *(one for one in behind if one is not None))


async def end(tx: Connection, store: Store, command: EndSession) -> list[Tell]:
    """End the session that runs. Delivered again, the command ends no other one, and answers as it did then."""
    locked = (await store.lock_heads([command.conversation])).get(command.conversation)
    before = await store.session_ended_by(command.conversation, command.id)
    if before is not None:
        metrics.SESSIONS.labels("repeated").inc()
        return await _told(tx, command, before)
    running = await store.running_session(command.conversation)
    head, session = domain.end(locked, running, command)
    at = head.next_at()
    fact = SessionFact(kind="session.ended", n=head.next_n(), session=session.id, at=rfc3339(at))
    await store.end_session(head.id, fact, at, command.id)
    return await _record(tx, store, head, command, fact)


async def _record(
    tx: Connection,
    store: Store,
    head: Head,
    command: StartSession | EndSession,
    fact: SessionFact,
    *behind: features.Fact,
) -> list[Tell]:
    """``behind``: what follows from it, and is recorded already."""
    await store.insert_session_fact(head.id, fact, head.last_at)
    await store.raise_head(head)
    metrics.SESSIONS.labels(fact.kind.removeprefix("session.")).inc()
    return await _told(tx, command, fact, *behind)


async def _told(
    tx: Connection, command: StartSession | EndSession, fact: SessionFact, *behind: features.Fact
) -> list[Tell]:
    """Tell the fact; of a repeated command again, since it may have been lost: who knows it drops it."""
    holders = (await subscriptions.addresses(tx, [command.conversation])).get(command.conversation, [])
    reply = SessionAccepted(causationid=command.id, session=fact.session, at=fact.at, n=fact.n)
    facts = [tell for one in (fact, *behind) for tell in egress.recorded(command, one, holders, answers=False)]
    return [answer(command, reply), *facts]
