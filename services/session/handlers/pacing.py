"""Pacing: tallies rolled up from messages, kept right when messages are deleted or marked, and told.

Messages aren't counted while they are appended: what is new since the last time is taken in one go, by who asks for
figures and, within a second of a message, by the `Pacer` (`handlers/pacer.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.session import errors
from services.session.domain import pacing as domain
from services.session.domain.heads import Head
from services.session.domain.pacing import Changes, Said, Tally
from services.session.domain.sessions import Span
from services.session.handlers.records import Feature
from services.session.store.pacing import PacingStore, Place, Row, State, Whole
from shared.contracts.envelope import Reply
from shared.contracts.events import Done
from shared.contracts.features.pacing import (
    Figures,
    MuteOffers,
    PacingRead,
    PacingSeriesRead,
    PacingUpdated,
    ParticipantFigures,
    ReadPacing,
    ReadPacingSeries,
    SessionFigures,
)
from shared.contracts.ids import Intervention, Role, rfc3339
from shared.runtime.postgres import Connection

SLICE = 5_000
"""Messages of one conversation taken in at once; more than that wait only where they were never counted."""


@dataclass(slots=True)
class _Grown:
    """What a roll-up changed."""

    states: list[tuple[Whole, str, State]] = field(default_factory=list)
    turns: list[tuple[Whole, str, domain.Turn]] = field(default_factory=list)

    def take(self, whole: Whole, scope: str, state: State, messages: Sequence[Said]) -> None:
        changes = domain.grow(state.tally, messages)
        self.states.append((whole, scope, state))
        self.turns += [(whole, scope, turn) for turn in changes.kept.values()]


async def roll_up(tx: Connection, conversations: Sequence[str], *, wait: bool = True) -> dict[str, Whole]:
    """Take in all that was said; the whole tallies, locked. Without ``wait``: of conversations nobody else is at."""
    store = PacingStore(tx)
    wholes = await store.lock(conversations, wait=wait)
    behind = {c: whole for c, whole in wholes.items() if not whole.erased}
    while behind and (rows := await store.said(behind, SLICE)):
        several: dict[str, list[Row]] = {}
        for row in rows:
            several.setdefault(row.conversation, []).append(row)
        await _take(store, wholes, several)
        behind = {c: wholes[c] for c, own in several.items() if len(own) == SLICE}
    return wholes


async def _take(store: PacingStore, wholes: Mapping[str, Whole], several: Mapping[str, Sequence[Row]]) -> None:
    rows = [row for own in several.values() for row in own if not row.deleted]
    scopes = list(dict.fromkeys((row.conversation, row.session) for row in rows if row.session is not None))
    sessions = await store.states(scopes)
    grown = _Grown()
    for conversation, own in several.items():
        whole, messages = wholes[conversation], [row.said for row in own if not row.deleted]
        whole.upto = own[-1].said.seq
        whole.state.recent = domain.remember(whole.state.recent, messages)
        grown.take(whole, conversation, whole.state, messages)
    for (conversation, session), state in sessions.items():
        messages = [row.said for row in several[conversation] if row.session == session and not row.deleted]
        grown.take(wholes[conversation], session, state, messages)
    await store.keep_states(grown.states)
    if grown.turns:
        await store.keep_turns(grown.turns)


# --- deletions and marks --------------------------------------------------------------------------------------------


async def taken_back(tx: Connection, conversation: str, message: str) -> None:
    """A message is about to be emptied: it counts no longer."""
    whole = (await roll_up(tx, [conversation]))[conversation]
    store = PacingStore(tx)
    row = await store.message(whole, message)
    for scope, state in (await _scopes(store, whole, row)).items():
        around = await store.around(conversation, scope, row.said)
        changes = domain.shrink(state.tally, row.said, around)
        await _keep_changes(store, whole, scope, state, changes)


async def emptied(tx: Connection, conversation: str) -> PacingUpdated:
    """It is emptied: the last words are looked up again, since they were counted without regard to what is gone."""
    whole = (await roll_up(tx, [conversation]))[conversation]
    store = PacingStore(tx)
    whole.state.recent = domain.remember([], _as_said(await store.recent(whole)))
    await store.keep_states([(whole, conversation, whole.state)])
    return (await notices(tx, [whole]))[0]


def _as_said(recent: domain.Recent) -> Iterable[Said]:
    return (Said(0, 0, who, 0, words) for who, words in recent)


async def marked(tx: Connection, conversation: str, message: str, intervention: Intervention) -> PacingUpdated:
    """A message is about to be marked."""
    whole = (await roll_up(tx, [conversation]))[conversation]
    store = PacingStore(tx)
    row = await store.message(whole, message)
    scopes = await _scopes(store, whole, row)
    for state in scopes.values():
        domain.mark(state.tally, row.said, intervention)
    await store.keep_states([(whole, scope, state) for scope, state in scopes.items()])
    return (await notices(tx, [whole]))[0]


async def _scopes(store: PacingStore, whole: Whole, row: Row) -> dict[str, State]:
    """The scopes that a message is in: the whole, and its session."""
    scopes = {whole.conversation: whole.state}
    if row.session is not None:
        states = await store.states([(whole.conversation, row.session)])
        scopes[row.session] = states[whole.conversation, row.session]
    return scopes


async def _keep_changes(store: PacingStore, whole: Whole, scope: str, state: State, changes: Changes) -> None:
    await store.drop_turns(whole.conversation, scope, changes.gone)
    if changes.kept:
        await store.keep_turns([(whole, scope, turn) for turn in changes.kept.values()])
    for who in changes.shrunk:
        state.tally.sides[who].longest_run = await store.longest_run(whole.conversation, scope, who)
    await store.keep_states([(whole, scope, state)])


# --- figures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """A tally, and whose it is."""

    place: Place
    client: str
    therapist: str
    tally: Tally


async def figures(tx: Connection, several: Sequence[Counted]) -> dict[Place, Figures]:
    """Figures of tallies."""
    asked = [
        (counted.place, who, where)
        for counted in several
        for who, side in counted.tally.sides.items()
        if (where := domain.median_of(side)) is not None
    ]
    found = await PacingStore(tx).medians(asked) if asked else []
    medians = {(place, who): median for (place, who, _), median in zip(asked, found, strict=True)}
    return {counted.place: _figures(counted, medians) for counted in several}


def _figures(counted: Counted, medians: Mapping[tuple[Place, Role], float]) -> Figures:
    sides = counted.tally.sides
    spoken = sum(side.words for side in sides.values())
    people: dict[Role, str] = {"client": counted.client, "therapist": counted.therapist}
    return Figures(
        participants={
            people[who]: ParticipantFigures(
                messages=side.messages,
                words=side.words,
                share=domain.ratio(side.words, spoken),
                turns=side.turns,
                longest_run=side.longest_run,
                median_reply_s=medians.get((counted.place, who)),
                interventions=dict(side.interventions),
            )
            for who, side in sides.items()
        },
        ratios=domain.ratios(sides["therapist"].interventions),
    )


def _session(session: str, started_at: datetime, ended_at: datetime | None, of: Figures) -> SessionFigures:
    return SessionFigures(
        session=session,
        started_at=rfc3339(started_at),
        ended_at=None if ended_at is None else rfc3339(ended_at),
        participants=of.participants,
        ratios=of.ratios,
    )


async def notices(tx: Connection, wholes: Sequence[Whole]) -> list[PacingUpdated]:
    """What is told of conversations as they are now."""
    store = PacingStore(tx)
    running = await store.running([whole.conversation for whole in wholes])
    states = await store.states([(conversation, session) for conversation, (session, _) in running.items()])
    several = [_counted(whole, whole.conversation, whole.state) for whole in wholes]
    of = {whole.conversation: whole for whole in wholes}
    several += [_counted(of[conversation], session, state) for (conversation, session), state in states.items()]
    found = await figures(tx, several)
    return [_notice(whole, running.get(whole.conversation), found) for whole in wholes]


def _counted(whole: Whole, scope: str, state: State) -> Counted:
    return Counted((whole.conversation, scope), whole.client, whole.therapist, state.tally)


def _notice(whole: Whole, running: tuple[str, datetime] | None, found: Mapping[Place, Figures]) -> PacingUpdated:
    now = found[whole.conversation, whole.conversation]
    session = None if running is None else _session(*running, None, found[whole.conversation, running[0]])
    return PacingUpdated(
        tenant=whole.tenant,
        conversation=whole.conversation,
        participants=now.participants,
        ratios=now.ratios,
        running=session,
    )


async def _read(tx: Connection, head: Head, command: ReadPacing) -> Reply:
    """Raises `Refused` (``not_found``: no such session)."""
    whole = (await roll_up(tx, [head.id]))[head.id]
    scope, tally = head.id, whole.state.tally
    if command.session is not None:
        state = await PacingStore(tx).session_state(head.id, command.session)
        if state is None:
            raise errors.not_found("session")
        scope, tally = command.session, state.tally
    place = head.id, scope
    found = await figures(tx, [Counted(place, head.client, head.therapist, tally)])
    return PacingRead(causationid=command.id, figures=found[place], muted=whole.state.muted)


async def _series(tx: Connection, head: Head, command: ReadPacingSeries) -> Reply:
    await roll_up(tx, [head.id])
    rows = await PacingStore(tx).sessions(head.id, command.before, command.limit + 1)
    page = rows[: command.limit]
    several = [Counted((head.id, row.session), head.client, head.therapist, row.state.tally) for row in page]
    found = await figures(tx, several)
    sessions = [_session(row.session, row.started_at, row.ended_at, found[head.id, row.session]) for row in page]
    return PacingSeriesRead(causationid=command.id, sessions=sessions, more=len(rows) > len(page))


async def _mute(tx: Connection, head: Head, command: MuteOffers) -> Reply:
    if command.participant != head.therapist:
        raise errors.forbidden()
    whole = (await roll_up(tx, [head.id]))[head.id]
    whole.state.muted = command.muted
    await PacingStore(tx).keep_states([(whole, head.id, whole.state)])
    return Done(causationid=command.id)


async def _empty(tx: Connection, conversation: str) -> None:
    await PacingStore(tx).empty(conversation)


async def in_session(tx: Connection, head: Head, span: Span) -> Figures:
    await roll_up(tx, [head.id])
    state = await PacingStore(tx).session_state(head.id, span.session)
    tally = Tally() if state is None else state.tally
    place = head.id, span.session
    return (await figures(tx, [Counted(place, head.client, head.therapist, tally)]))[place]


FEATURE = Feature(
    reads={ReadPacing: _read, ReadPacingSeries: _series, MuteOffers: _mute},
    empty=_empty,
    summary={"pacing": in_session},
)
