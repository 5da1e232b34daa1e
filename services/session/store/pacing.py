"""Pacing's tallies and turns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
from pydantic import TypeAdapter

from services.session.domain.pacing import Around, Median, Recent, Said, Tally, Turn
from shared.contracts.ids import Role
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "pacing.sql")
DEFAULT_SHARE = 0.65
Place = tuple[str, str]
"""A conversation and a scope of it: itself, or a session."""


@dataclass(slots=True)
class State:
    """What is kept of a scope; of a session the tally alone."""

    tally: Tally = field(default_factory=Tally)
    recent: Recent = field(default_factory=list)
    offered_ms: int | None = None
    offers: int = 0
    muted: bool = False


_states: TypeAdapter[State] = TypeAdapter(State)


@dataclass(slots=True)
class Whole:
    """A whole conversation's tally, locked, with what it takes to go on."""

    conversation: str
    tenant: str
    client: str
    therapist: str
    upto: int
    state: State
    now_ms: int
    offer_share: float
    locale: str | None
    erased: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A message, and the session in which it was said."""

    conversation: str
    said: Said
    deleted: bool
    session: str | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    session: str
    started_at: datetime
    ended_at: datetime | None
    state: State


def _whole(row: asyncpg.Record) -> Whole:
    return Whole(
        str(row["conversation"]),
        str(row["tenant"]),
        str(row["client"]),
        str(row["therapist"]),
        row["upto"],
        _states.validate_json(row["state"]),
        row["now_ms"],
        DEFAULT_SHARE if row["offer_share"] is None else row["offer_share"],
        row["locale"],
        row["erased"],
    )


def _row(row: asyncpg.Record, whole: Whole) -> Row:
    who: Role = "client" if str(row["sender"]) == whole.client else "therapist"
    said = Said(row["seq"], row["n"], who, row["at_ms"], row["words"], row["intervention"])
    return Row(whole.conversation, said, row["deleted"], str(row["session"]) if row["session"] else None)


def _turn(row: asyncpg.Record) -> Turn:
    who: Role = "client" if row["client"] else "therapist"
    return Turn(row["seq"], who, row["at_ms"], row["messages"], row["words"], row["reply_ms"])


def _state(row: asyncpg.Record) -> State:
    return State() if row["state"] is None else _states.validate_json(row["state"])


class PacingStore:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def lock(self, conversations: Sequence[str], *, wait: bool) -> dict[str, Whole]:
        """Tallies of conversations, made where there are none. Without ``wait``: those that nobody else is at."""
        query = _sql["lock_whole" if wait else "lock_wholes"]
        rows = await self._tx.fetch(query, conversations)
        if len(rows) < len(conversations):
            await self._tx.execute(_sql["begin"], conversations)
            rows = await self._tx.fetch(query, conversations)
        return {str(row["conversation"]): _whole(row) for row in rows}

    async def said(self, wholes: dict[str, Whole], limit: int) -> list[Row]:
        rows = await self._tx.fetch(_sql["said"], list(wholes), [w.upto for w in wholes.values()], limit)
        return [_row(row, wholes[str(row["conversation"])]) for row in rows]

    async def message(self, whole: Whole, message: str) -> Row:
        row = await self._tx.fetchrow(_sql["message"], whole.conversation, message)
        assert row is not None
        return _row(row, whole)

    async def states(self, scopes: Sequence[Place]) -> dict[Place, State]:
        """States of sessions, by conversation and session; where there is none yet, an empty one."""
        found = {scope: State() for scope in scopes}
        if scopes:
            rows = await self._tx.fetch(_sql["states"], [c for c, _ in scopes], [s for _, s in scopes])
            found |= {(str(row["conversation"]), str(row["scope"])): _state(row) for row in rows}
        return found

    async def keep_states(self, states: Sequence[tuple[Whole, str, State]]) -> None:
        await self._tx.execute(
            _sql["keep_states"],
            [w.tenant for w, _, _ in states],
            [w.conversation for w, _, _ in states],
            [scope for _, scope, _ in states],
            [w.upto for w, _, _ in states],
            [_states.dump_json(state).decode() for _, _, state in states],
        )

    async def keep_turns(self, turns: Sequence[tuple[Whole, str, Turn]]) -> None:
        await self._tx.execute(
            _sql["keep_turns"],
            [w.tenant for w, _, _ in turns],
            [w.conversation for w, _, _ in turns],
            [scope for _, scope, _ in turns],
            [t.seq for _, _, t in turns],
            [t.who == "client" for _, _, t in turns],
            [t.at_ms for _, _, t in turns],
            [t.messages for _, _, t in turns],
            [t.words for _, _, t in turns],
            [t.reply_ms for _, _, t in turns],
        )

    async def drop_turns(self, conversation: str, scope: str, seqs: Iterable[int]) -> None:
        await self._tx.execute(_sql["drop_turns"], conversation, scope, list(seqs))

    async def around(self, conversation: str, scope: str, said: Said) -> Around:
        """The turns around a message that is still among them."""
        until = [_turn(r) for r in await self._tx.fetch(_sql["turns_until"], conversation, scope, said.seq)]
        after = [_turn(r) for r in await self._tx.fetch(_sql["turns_after"], conversation, scope, said.seq)]
        first = await self._tx.fetchrow(_sql["next_in_turn"], conversation, said.seq)
        return Around(
            turn=until[0],
            before=until[1] if len(until) > 1 else None,
            after=after[0] if after else None,
            beyond=after[1] if len(after) > 1 else None,
            first=None if first is None else (first["seq"], first["at_ms"]),
        )

    async def longest_run(self, conversation: str, scope: str, who: Role) -> int:
        found: int | None = await self._tx.fetchval(_sql["longest_run"], conversation, scope, who == "client")
        return found or 0

    async def recent(self, whole: Whole) -> Recent:
        """The last messages with words, oldest first, as many as may be needed."""
        rows = await self._tx.fetch(_sql["recent"], whole.conversation, whole.upto)
        return [("client" if str(r["sender"]) == whole.client else "therapist", r["words"]) for r in reversed(rows)]

    async def medians(self, asked: Sequence[tuple[Place, Role, Median]]) -> list[float]:
        """Medians in seconds, by the places that counts have told."""
        rows = await self._tx.fetch(
            _sql["medians"],
            list(range(len(asked))),
            [conversation for (conversation, _), _, _ in asked],
            [scope for (_, scope), _, _ in asked],
            [who == "client" for _, who, _ in asked],
            [m.from_ms for _, _, m in asked],
            [m.skip for _, _, m in asked],
            [m.count for _, _, m in asked],
        )
        found = {row["place"]: sum(row["found"]) / len(row["found"]) / 1_000 for row in rows}
        return [found[place] for place in range(len(asked))]

    async def sessions(self, conversation: str, before: str | None, limit: int) -> list[SessionRow]:
        rows = await self._tx.fetch(_sql["sessions"], conversation, before, limit)
        return [SessionRow(str(r["id"]), r["started_at"], r["ended_at"], _state(r)) for r in rows]

    async def session_state(self, conversation: str, session: str) -> State | None:
        row = await self._tx.fetchrow(_sql["session_state"], conversation, session)
        return None if row is None else _state(row)

    async def running(self, conversations: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """Sessions that run, with their beginnings, by conversation."""
        rows = await self._tx.fetch(_sql["running"], conversations)
        return {str(row["conversation"]): (str(row["id"]), row["started_at"]) for row in rows}

    async def empty(self, conversation: str) -> None:
        for query in ("empty_turns", "empty_states"):
            await self._tx.execute(_sql[query], conversation)

    async def set_share(self, tenant: str, share: float) -> None:
        await self._tx.execute(_sql["set_share"], tenant, share)
