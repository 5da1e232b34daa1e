"""What the session service keeps: one typed function for each named query, on the transaction it is given."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
from pydantic import TypeAdapter

from services.session.domain.compositions import Composition
from services.session.domain.heads import Erasure, Head
from services.session.domain.messages import Known, Place, Placed, Posted
from services.session.domain.sessions import Session
from shared.contracts import features
from shared.contracts.commands import KeepComposition, MarkComposition
from shared.contracts.events import AnyRecord, Fact, MessageFact, SessionFact, StoredMark, StoredPart
from shared.contracts.ids import Role, rfc3339
from shared.runtime import tenants
from shared.runtime.postgres import Connection, Queries

PAGE_BYTES = 200_000
"""Sealed content in one page of facts or history."""

_records: TypeAdapter[features.Fact] = TypeAdapter(AnyRecord)
_sql = Queries(Path(__file__).parent.parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    locale: str | None
    external_hmac: str
    profile: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with its two people; their profiles are sealed."""

    id: str
    tenant: str
    region: str
    client: Person
    therapist: Person
    created_at: datetime
    last_seq: int
    last_n: int
    created_by: str | None
    erasure: Erasure | None
    left_by: str | None


@dataclass(frozen=True, slots=True)
class Page:
    facts: list[Fact]
    more: bool


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _erasure(row: asyncpg.Record) -> Erasure | None:
    return Erasure(row["erased_at"], str(row["erased_by"]), row["erasure_done_at"]) if row["erased_at"] else None


def _head(row: asyncpg.Record) -> Head:
    return Head(
        id=str(row["id"]),
        tenant=str(row["tenant"]),
        client=str(row["client"]),
        therapist=str(row["therapist"]),
        last_seq=row["last_seq"],
        last_n=row["last_n"],
        last_at=row["last_at"],
        now=row["now"],
        erasure=_erasure(row),
        left_by=str(row["left_by"]) if row["left_by"] else None,
    )


def record_fact(row: asyncpg.Record) -> features.Fact:
    """A feature's fact as it was recorded."""
    fact = json.loads(row["data"]) | {
        "kind": row["kind"],
        "n": row["n"],
        "record": str(row["record"]),
        "sender": str(row["sender"]),
        "at": rfc3339(row["at"]),
        "content": None if row["content"] is None else _b64(row["content"]),
    }
    return _records.validate_json(json.dumps(fact))


def _fact(row: asyncpg.Record) -> Fact:
    if row["kind"] == "message.posted":
        return MessageFact(
            n=row["n"],
            seq=row["seq"],
            message=str(row["message"]),
            sender=str(row["sender"]),
            in_reply_to=str(row["in_reply_to"]) if row["in_reply_to"] else None,
            at=rfc3339(row["at"]),
            content=_b64(row["content"]),
            intervention=row["intervention"],
        )
    if row["record"] is not None:
        return record_fact(row)
    return SessionFact(kind=row["kind"], n=row["n"], session=str(row["session"]), at=rfc3339(row["at"]))


def _page(rows: Sequence[asyncpg.Record], limit: int) -> Page:
    """As many rows as fit; the query asked for one more than the limit."""
    fitting = [row for index, row in enumerate(rows[:limit]) if index == 0 or (row["size"] or 0) <= PAGE_BYTES]
    return Page([_fact(row) for row in fitting], more=len(fitting) < len(rows))


def _session(row: asyncpg.Record | None) -> Session | None:
    return None if row is None else Session(str(row["id"]), row["started_n"], row["started_at"])


def _composition(row: asyncpg.Record) -> Composition:
    return Composition(
        draft=str(row["draft"]),
        author=str(row["author"]),
        begun_at=row["begun_at"],
        opened=row["opened"],
        deleted=row["deleted"],
        seq=row["seq"],
        ops=row["ops"],
        marks=row["marks"],
    )


def _uses(messages: Sequence[Posted | Placed]) -> tuple[list[str], list[int], list[bytes]]:
    """The emoji of messages, one by one, each with its message's conversation and ``n``."""
    uses = [(m.command.conversation, m.n, bytes.fromhex(tag)) for m in messages for tag in m.command.uses]
    return [u[0] for u in uses], [u[1] for u in uses], [u[2] for u in uses]


class Store:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def lock_heads(self, conversations: Sequence[str]) -> dict[str, Head]:
        rows = await self._tx.fetch(_sql["lock_heads"], conversations)
        return {str(row["id"]): _head(row) for row in rows}

    async def read_heads(self, conversations: Sequence[str]) -> dict[str, Head]:
        rows = await self._tx.fetch(_sql["read_heads"], conversations)
        return {str(row["id"]): _head(row) for row in rows}

    async def raise_head(self, head: Head) -> None:
        await self._tx.execute(_sql["raise_head"], head.id, head.last_n, head.last_at)

    async def known_messages(self, places: Sequence[Place]) -> dict[Place, Known]:
        rows = await self._tx.fetch(_sql["known_messages"], [p[0] for p in places], [p[1] for p in places])
        return {
            (str(row["conversation"]), str(row["message"])): Known(
                row["seq"], row["n"], row["at"], row["fingerprint"], row["deleted"]
            )
            for row in rows
        }

    async def insert_messages(self, posted: Sequence[Posted]) -> None:
        """Insert messages and raise their conversations' heads."""
        commands = [p.command for p in posted]
        await self._tx.execute(
            _sql["insert_messages"],
            [c.conversation for c in commands],
            [p.n for p in posted],
            [p.at for p in posted],
            [p.seq for p in posted],
            [c.message for c in commands],
            [c.sender for c in commands],
            [c.in_reply_to for c in commands],
            [c.fingerprint for c in commands],
            [b64decode(c.content) for c in commands],
            [c.words for c in commands],
            [c.tenant for c in commands],
            *_uses(posted),
        )

    async def append_messages(self, fences: Mapping[str, int], placed: Sequence[Placed]) -> dict[str, datetime]:
        """Append by one statement what nothing stands against; the conversations that grew, and when."""
        commands = [p.command for p in placed]
        rows = await self._tx.fetch(
            _sql["append_messages"],
            tenants.setting(c.tenant for c in commands),
            list(fences),
            list(fences.values()),
            [c.tenant for c in commands],
            [c.conversation for c in commands],
            [p.n for p in placed],
            [p.seq for p in placed],
            [c.message for c in commands],
            [c.sender for c in commands],
            [c.in_reply_to for c in commands],
            [c.fingerprint for c in commands],
            [b64decode(c.content) for c in commands],
            [c.words for c in commands],
            *_uses(placed),
        )
        return {str(row["grown"]): row["grown_at"] for row in rows}

    async def insert_session_fact(self, conversation: str, fact: SessionFact, at: datetime) -> None:
        await self._tx.execute(_sql["insert_session_fact"], conversation, fact.n, fact.kind, at, fact.session)

    async def facts_after_n(self, conversation: str, after: int, up_to_n: int) -> Page:
        return _page(await self._tx.fetch(_sql["facts_after_n"], conversation, after, up_to_n), 200)

    async def facts_after_seq(self, conversation: str, after: int, up_to_n: int) -> Page:
        return _page(await self._tx.fetch(_sql["facts_after_seq"], conversation, after, up_to_n), 200)

    async def history_after(self, conversation: str, after: int, limit: int) -> Page:
        return _page(await self._tx.fetch(_sql["history_after"], conversation, after, limit + 1), limit)

    async def history_before(self, conversation: str, before: int, limit: int) -> Page:
        page = _page(await self._tx.fetch(_sql["history_before"], conversation, before, limit + 1), limit)
        return Page(page.facts[::-1], page.more)

    async def upsert_participant(self, new: Person, tenant: str, role: Role) -> tuple[str, str | None] | None:
        """Id and locale of the participant; None: the person has another role."""
        profile = b64decode(new.profile)
        row = await self._tx.fetchrow(
            _sql["upsert_participant"], new.id, tenant, role, new.external_hmac, new.locale, profile
        )
        return None if row is None else (str(row["id"]), row["locale"])

    async def insert_conversation(
        self,
        conversation: str,
        tenant: str,
        region: str,
        external_hmac: str | None,
        client: str,
        therapist: str,
        by: str,
    ) -> bool:
        """False: the id or the external id is taken."""
        sql = _sql["insert_conversation"]
        new = await self._tx.fetchval(sql, conversation, tenant, region, external_hmac, client, therapist, by)
        return new is not None

    async def conversation(self, conversation: str) -> Conversation | None:
        row = await self._tx.fetchrow(_sql["conversation"], conversation)
        if row is None:
            return None
        client, therapist = (
            Person(str(row[role]), row[f"{role}_locale"], row[f"{role}_hmac"], _b64(row[f"{role}_profile"]))
            for role in ("client", "therapist")
        )
        return Conversation(
            str(row["id"]),
            str(row["tenant"]),
            row["region"],
            client,
            therapist,
            row["created_at"],
            row["last_seq"],
            row["last_n"],
            str(row["created_by"]) if row["created_by"] else None,
            _erasure(row),
            str(row["left_by"]) if row["left_by"] else None,
        )

    async def conversation_by_external(self, tenant: str, external_hmac: str) -> str | None:
        found = await self._tx.fetchval(_sql["conversation_by_external"], tenant, external_hmac)
        return None if found is None else str(found)

    async def lock_participant(self, participant: str, tenant: str) -> bool:
        return await self._tx.fetchval(_sql["lock_participant"], participant, tenant) is not None

    async def list_conversations(self, participant: str, before: str | None, limit: int) -> list[str]:
        return [str(row["id"]) for row in await self._tx.fetch(_sql["list_conversations"], participant, before, limit)]

    async def reads(self, conversation: str) -> dict[str, int]:
        return {str(row["participant"]): row["seq"] for row in await self._tx.fetch(_sql["reads"], conversation)}

    async def raise_read(self, conversation: str, participant: str, seq: int) -> bool:
        return await self._tx.fetchval(_sql["raise_read"], conversation, participant, seq) is not None

    async def running_session(self, conversation: str) -> Session | None:
        return _session(await self._tx.fetchrow(_sql["running_session"], conversation))

    async def session(self, conversation: str, session: str) -> Session | None:
        return _session(await self._tx.fetchrow(_sql["session"], conversation, session))

    async def start_session(self, conversation: str, session: Session) -> None:
        await self._tx.execute(_sql["start_session"], conversation, session.id, session.started_n, session.started_at)

    async def end_session(self, conversation: str, fact: SessionFact, at: datetime, by: str) -> None:
        await self._tx.execute(_sql["end_session"], conversation, fact.session, fact.n, at, by)

    async def session_ended_by(self, conversation: str, command: str) -> SessionFact | None:
        """What this very command did when it was delivered before."""
        row = await self._tx.fetchrow(_sql["session_ended_by"], conversation, command)
        if row is None:
            return None
        return SessionFact(kind="session.ended", n=row["n"], session=str(row["session"]), at=rfc3339(row["at"]))

    # --- erasure ---------------------------------------------------------------------------------------------------

    async def begin_erasure(self, conversation: str, by: str) -> datetime:
        moment: datetime = await self._tx.fetchval(_sql["begin_erasure"], conversation, by)
        return moment

    async def keys_to_destroy(self, limit: int) -> list[tuple[str, str]]:
        """Erased conversations, with their tenants, whose keys are still there."""
        return [(str(row["id"]), str(row["tenant"])) for row in await self._tx.fetch(_sql["keys_to_destroy"], limit)]

    async def keys_destroyed(self, conversation: str) -> None:
        await self._tx.execute(_sql["keys_destroyed"], conversation)

    async def contents_to_empty(self, destroyed_before: timedelta, limit: int) -> list[tuple[str, str]]:
        """Erased conversations, with their tenants, whose keys were destroyed so long ago."""
        rows = await self._tx.fetch(_sql["contents_to_empty"], destroyed_before, limit)
        return [(str(row["id"]), str(row["tenant"])) for row in rows]

    async def empty_contents(self, conversation: str, limit: int) -> bool:
        """Empty some of what is left; False: nothing is."""
        done = [
            await self._tx.execute(_sql["empty_messages"], conversation, limit),
            await self._tx.execute(_sql["empty_parts"], conversation, limit),
            await self._tx.execute(_sql["empty_marks"], conversation),
        ]
        return any(not status.endswith(" 0") for status in done)

    async def empty_people(self, conversation: str) -> None:
        """Forget what the two are called, unless they are in other conversations. In a transaction of its own."""
        await self._tx.fetch(_sql["lock_people"], conversation)
        await self._tx.execute(_sql["empty_people"], conversation)

    async def erasure_done(self, conversation: str) -> None:
        await self._tx.execute(_sql["erasure_done"], conversation)

    # --- compositions ----------------------------------------------------------------------------------------------

    async def begin_composition(self, conversation: str, draft: str, author: str, age_ms: int) -> None:
        await self._tx.execute(_sql["begin_composition"], conversation, draft, author, age_ms)

    async def composition(self, conversation: str, draft: str, asker: str) -> Composition | None:
        row = await self._tx.fetchrow(_sql["composition"], conversation, draft, asker)
        return None if row is None else _composition(row)

    async def keep_part(self, part: KeepComposition, most: int) -> None:
        content = b64decode(part.content)
        await self._tx.execute(
            _sql["keep_part"], part.conversation, part.draft, part.run, part.number, part.ops, content, most
        )

    async def parts(self, conversation: str, draft: str) -> list[StoredPart]:
        rows = await self._tx.fetch(_sql["parts"], conversation, draft)
        return [StoredPart(run=str(row["run"]), number=row["number"], content=_b64(row["content"])) for row in rows]

    async def list_compositions(
        self, conversation: str, asker: str, before: str | None, limit: int
    ) -> list[Composition]:
        rows = await self._tx.fetch(_sql["list_compositions"], conversation, asker, before, limit)
        return [_composition(row) for row in rows]

    async def open_composition(self, conversation: str, draft: str) -> None:
        await self._tx.execute(_sql["open_composition"], conversation, draft)

    async def delete_compositions(self, conversation: str, author: str, draft: str | None) -> None:
        """Destroy one, or all of an author's (``draft`` None), with the marks on them; their ids stay."""
        await self._tx.execute(_sql["delete_compositions"], conversation, author, draft)
        for query in ("delete_marks", "delete_parts"):
            await self._tx.execute(_sql[query], conversation, author)

    async def mark(self, conversation: str, mark: str) -> str | None:
        """The fingerprint of a mark that is there."""
        found: str | None = await self._tx.fetchval(_sql["mark"], conversation, mark)
        return found

    async def insert_mark(self, new: MarkComposition) -> None:
        content = b64decode(new.content)
        await self._tx.execute(
            _sql["insert_mark"],
            new.conversation,
            new.mark,
            new.draft,
            new.participant,
            new.at_op,
            new.fingerprint,
            content,
        )

    async def marks(self, conversation: str, draft: str, author: str, limit: int) -> list[StoredMark]:
        rows = await self._tx.fetch(_sql["marks"], conversation, draft, author, limit)
        return [
            StoredMark(mark=str(row["mark"]), at_op=row["at_op"], at=rfc3339(row["at"]), content=_b64(row["content"]))
            for row in rows
        ]
