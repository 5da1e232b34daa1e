"""What the consent service keeps: one typed function for each named query, on the transaction it is given."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from services.consent.domain.decisions import Decision, Standing
from services.consent.domain.forms import Form
from shared.contracts.commands import RegisterConversation
from shared.contracts.consent_commands import DecisionPlace, UseCount
from shared.contracts.frames.values import CountValue, DeciderValue
from shared.contracts.ids import PURPOSES, Purpose, Role, moment, rfc3339
from shared.runtime.postgres import Connection, Queries
from shared.transparency.merkle import Node

RESTORE_S = 3_600.0

_sql = Queries(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who may decide in a conversation, and the language each of them reads."""

    id: str
    tenant: str
    locales: dict[str, str | None]
    erased: bool


def _decision(row: asyncpg.Record) -> Decision:
    return Decision(
        conversation=str(row["conversation"]),
        id=str(row["id"]),
        participant=str(row["participant"]),
        purpose=row["purpose"],
        grant=row["is_grant"],
        version=row["version"],
        sha256=row["sha256"],
        locale=row["locale"],
        epoch=row["epoch"],
        at=row["at"],
        via=row["via"],
        device=row["device"],
        by=_decider(row),
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
    )


def _form(row: asyncpg.Record) -> Form:
    return Form(
        tenant=str(row["tenant"]),
        purpose=row["purpose"],
        version=row["version"],
        locale=row["locale"],
        title=row["title"],
        text=row["text"],
        sha256=row["sha256"],
        valid_days=row["valid_days"],
        older_lapse_at=row["older_lapse_at"],
    )


def _decider(row: asyncpg.Record) -> DeciderValue | None:
    if row["by_capacity"] is None:
        return None
    return DeciderValue(capacity=row["by_capacity"], person=str(row["by_person"]))


def _time(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


@dataclass(frozen=True, slots=True)
class Due:
    """A grant that has ended by itself: it expired, or its form's version lapsed."""

    conversation: str
    participant: str
    purpose: Purpose
    epoch: int
    expired: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision, and what became of it."""

    decision: Decision
    ends_at: datetime | None
    role: Role
    title: str | None
    next_at: datetime | None
    let_through: CountValue
    blocked: CountValue


def _count(count: int, first: datetime | None, last: datetime | None) -> CountValue:
    return CountValue(
        count=count,
        first_at=None if first is None else rfc3339(first),
        last_at=None if last is None else rfc3339(last),
    )


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(
        decision=_decision(row),
        ends_at=row["ends_at"],
        role="client" if row["is_client"] else "therapist",
        title=row["title"],
        next_at=row["next_at"],
        let_through=_count(row["let_through"], row["let_first_at"], row["let_last_at"]),
        blocked=_count(row["blocked"], row["blocked_first_at"], row["blocked_last_at"]),
    )


class Store:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def register(self, new: RegisterConversation) -> None:
        await self._tx.execute(
            _sql["register"],
            new.conversation,
            new.tenant,
            new.client,
            new.therapist,
            new.client_locale,
            new.therapist_locale,
            new.erased,
        )

    async def conversation(self, conversation: str) -> Conversation | None:
        row = await self._tx.fetchrow(_sql["conversation"], conversation)
        if row is None:
            return None
        locales = {str(row["client"]): row["client_locale"], str(row["therapist"]): row["therapist_locale"]}
        return Conversation(str(row["id"]), str(row["tenant"]), locales, row["erased_at"] is not None)

    async def tick(self, conversation: str) -> datetime:
        """Lock the conversation and take its time."""
        moment: datetime = await self._tx.fetchval(_sql["tick"], conversation)
        return moment

    async def decision(self, conversation: str, decision: str) -> Decision | None:
        row = await self._tx.fetchrow(_sql["decision"], conversation, decision)
        return None if row is None else _decision(row)

    async def current(self, conversation: str, participant: str, purpose: Purpose) -> Decision | None:
        row = await self._tx.fetchrow(_sql["current"], conversation, participant, purpose)
        return None if row is None else _decision(row)

    async def standing(
        self, tenant: str, conversation: str, at: datetime | None = None
    ) -> list[tuple[Standing, datetime]]:
        """What stood at a moment, and that moment; None: now."""
        return [
            (Standing(str(participant), purpose, is_grant, epoch, ends_at), moment)
            for participant, purpose, is_grant, epoch, moment, ends_at in await self._tx.fetch(
                _sql["standing"], conversation, at, tenant, PURPOSES
            )
        ]

    async def decisions(self, conversation: str) -> list[Decision]:
        return [_decision(row) for row in await self._tx.fetch(_sql["decisions"], conversation)]

    async def insert_decision(self, d: Decision) -> None:
        by = (None, None) if d.by is None else (d.by.capacity, d.by.person)
        values = (d.version, d.sha256, d.locale, d.epoch, d.at, d.via, d.device, *by, d.expires_at, d.decided_at)
        sql = _sql["insert_decision"]
        await self._tx.execute(sql, d.conversation, d.id, d.participant, d.purpose, d.grant, *values)

    async def page(
        self, tenant: str, participant: str, conversation: str | None, before: DecisionPlace | None, limit: int
    ) -> list[DecisionPlace]:
        """Where a participant's decisions are, newest first."""
        where = (None, None) if before is None else (before.conversation, before.decision)
        rows = await self._tx.fetch(_sql["page"], tenant, participant, conversation, *where, limit)
        return [DecisionPlace(conversation=str(row["conversation"]), decision=str(row["id"])) for row in rows]

    async def record(self, tenant: str, places: Collection[DecisionPlace]) -> list[Recorded]:
        """Decisions with what became of them, oldest first."""
        conversations, decisions = [p.conversation for p in places], [p.decision for p in places]
        return [_recorded(row) for row in await self._tx.fetch(_sql["record"], tenant, conversations, decisions)]

    async def now(self) -> datetime:
        found: datetime = await self._tx.fetchval(_sql["now"])
        return found

    # --- what ends by itself -----------------------------------------------------------------------------------------

    async def due_held(self, address: str) -> dict[str, list[str]]:
        """The conversations that this address hears of, and in which a grant has ended not long ago; by tenant."""
        held: dict[str, list[str]] = {}
        for row in await self._tx.fetch(_sql["due_held"], address):
            held.setdefault(str(row["tenant"]), []).append(str(row["conversation"]))
        return held

    async def settled(self, conversations: Collection[str]) -> list[Decision]:
        """What the system has withdrawn not long ago."""
        return [_decision(row) for row in await self._tx.fetch(_sql["settled"], conversations)]

    async def settle(self, d: Decision) -> None:
        """It is the withdrawal that was due."""
        await self._tx.execute(_sql["settle"], d.conversation, d.participant, d.purpose, d.epoch)

    async def forget_settled(self, after: timedelta) -> None:
        await self._tx.execute(_sql["forget_settled"], after)

    async def due(self, conversations: Collection[str]) -> list[Due]:
        """Grants that have ended by themselves, and that nothing followed."""
        rows = await self._tx.fetch(_sql["due"], conversations)
        return [
            Due(str(row["conversation"]), str(row["participant"]), row["purpose"], row["epoch"], bool(row["expired"]))
            for row in rows
        ]

    async def set_due(self, d: Decision, due_at: datetime) -> None:
        await self._tx.execute(_sql["set_due"], d.conversation, d.participant, d.purpose, d.epoch, due_at)

    async def clear_due(self, conversation: str, participant: str, purpose: Purpose) -> None:
        await self._tx.execute(_sql["clear_due"], conversation, participant, purpose)

    async def lapse(self, tenant: str, purpose: Purpose, version: int, when: datetime) -> None:
        """Grants of versions below this one are due then."""
        await self._tx.execute(_sql["lapse"], tenant, purpose, version, when)

    # --- forms -------------------------------------------------------------------------------------------------------

    async def hold_forms(self) -> None:
        await self._tx.execute(_sql["hold_forms"])

    async def lock_forms(self) -> None:
        await self._tx.execute(_sql["lock_forms"])

    async def newest_forms(self, tenant: str) -> list[Form]:
        return [_form(row) for row in await self._tx.fetch(_sql["newest_forms"], tenant)]

    async def forms(self, tenant: str) -> list[tuple[Form, datetime]]:
        """All versions that concern a tenant, and when each was published."""
        return [(_form(row), row["published_at"]) for row in await self._tx.fetch(_sql["forms"], tenant)]

    async def own_forms(self, tenant: str) -> list[Form]:
        return [_form(row) for row in await self._tx.fetch(_sql["own_forms"], tenant)]

    async def form_by_hash(self, tenant: str, digest: str) -> Form | None:
        row = await self._tx.fetchrow(_sql["form_by_hash"], tenant, digest)
        return None if row is None else _form(row)

    async def form_version(self, tenant: str, purpose: Purpose, version: int) -> list[tuple[Form, datetime]]:
        rows = await self._tx.fetch(_sql["form_version"], tenant, purpose, version)
        return [(_form(row), row["published_at"]) for row in rows]

    async def insert_form(self, f: Form, published_at: datetime) -> None:
        values = (f.locale, f.title, f.text, f.sha256, f.valid_days, f.older_lapse_at, published_at)
        await self._tx.execute(_sql["insert_form"], f.tenant, f.purpose, f.version, *values)

    async def tenants(self) -> list[str]:
        return [str(row["tenant"]) for row in await self._tx.fetch(_sql["tenants"])]

    async def count_use(self, conversation: str, run: str, use: UseCount) -> None:
        counts = [
            value for c in (use.let_through, use.blocked) for value in (c.count, _time(c.first_at), _time(c.last_at))
        ]
        sql = _sql["count_use"]
        await self._tx.execute(sql, conversation, use.participant, use.purpose, use.epoch, run, *counts)

    # --- the generation -----------------------------------------------------------------------------------------------

    async def generation(self) -> int:
        found: int = await self._tx.fetchval(_sql["generation"])
        return found

    async def hold_generation(self) -> int:
        """The generation, which doesn't rise before this transaction has ended."""
        await self._tx.execute(_sql["hold_generation"])
        return await self.generation()

    # --- the log -----------------------------------------------------------------------------------------------------

    async def log_size(self, tenant: str) -> int:
        """How many leaves the tenant's log has."""
        found: int = await self._tx.fetchval(_sql["log_size"], tenant)
        return found

    async def log_nodes(self, tenant: str, nodes: Collection[Node]) -> dict[Node, bytes]:
        """The hashes of these complete subtrees, as far as they are there."""
        levels, indexes = [level for level, _ in nodes], [index for _, index in nodes]
        rows = await self._tx.fetch(_sql["log_nodes"], tenant, levels, indexes)
        return {(row["level"], row["index"]): row["hash"] for row in rows}

    async def log_entries(self, tenant: str, start: int, end: int) -> list[tuple[bytes | None, bytes | None]]:
        """The entry and the leaf's hash at each place from ``start`` to ``end``, both included."""
        rows = await self._tx.fetch(_sql["log_entries"], tenant, start, end)
        return [(row["entry"], row["hash"]) for row in rows]

    async def log_leaves(self, tenant: str, decision: str, conversation: str | None) -> list[tuple[int, bytes]]:
        """Place and entry of decisions of this id, two at most."""
        rows = await self._tx.fetch(_sql["log_leaves"], tenant, decision, conversation)
        return [(row["leaf"], row["entry"]) for row in rows]

    async def last_checkpoint(self, tenant: str, generation: int) -> str | None:
        note: str | None = await self._tx.fetchval(_sql["last_checkpoint"], tenant, generation)
        return note

    async def insert_checkpoint(self, tenant: str, generation: int, size: int, note: str) -> None:
        await self._tx.execute(_sql["insert_checkpoint"], tenant, generation, size, note)

    # --- restoring ---------------------------------------------------------------------------------------------------

    async def is_restored(self) -> bool:
        """Whether these tables are a copy of those that were used last."""
        found: bool = await self._tx.fetchval(_sql["is_restored"])
        return found

    async def lock_generation(self) -> None:
        """Nobody else begins a generation, or decides, before this transaction has ended."""
        await self._tx.execute(_sql["lock_generation"])

    async def begin_generation(self, purposes: Sequence[Purpose]) -> tuple[int, int]:
        """The next generation, and how many consents to these purposes were withdrawn. Takes as long as it needs."""
        await self._tx.execute("set local statement_timeout = 0")
        row = await self._tx.fetchrow(_sql["begin_generation"], list(purposes), timeout=RESTORE_S)
        assert row is not None
        return row["generation"], row["withdrawn"]
