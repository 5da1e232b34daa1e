"""What the notes service keeps: one typed function for each named query, on the transaction it is given."""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.notes.domain.notes import Note
from shared.contracts.commands import RegisterConversation, SaveNote
from shared.runtime.postgres import Connection, Queries

PAGE_BYTES = 200_000

_sql = Queries(Path(__file__).parent / "sql" / "queries.sql")


@dataclass(frozen=True, slots=True)
class Conversation:
    tenant: str
    client: str
    therapist: str
    erased: bool


def _note(row: asyncpg.Record) -> Note:
    return Note(
        id=str(row["id"]),
        author=str(row["author"]),
        version=row["version"],
        format=row["format"],
        fingerprint=row["fingerprint"],
        content=row["content"],
        at=row["at"],
    )


class Store:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def register(self, new: RegisterConversation) -> None:
        """Also that the conversation is erased: then of its notes only that they existed stays."""
        await self._tx.execute(_sql["register"], new.conversation, new.tenant, new.client, new.therapist, new.erased)
        if new.erased:
            await self._tx.execute(_sql["empty_notes"], new.conversation)

    async def conversation(self, conversation: str) -> Conversation | None:
        row = await self._tx.fetchrow(_sql["conversation"], conversation)
        if row is None:
            return None
        return Conversation(str(row["tenant"]), str(row["client"]), str(row["therapist"]), row["erased_at"] is not None)

    async def note(self, conversation: str, note: str) -> Note | None:
        row = await self._tx.fetchrow(_sql["note"], conversation, note)
        return None if row is None else _note(row)

    async def save(self, command: SaveNote, version: int) -> None:
        await self._tx.execute(
            _sql["save"],
            command.conversation,
            command.note,
            command.author,
            version,
            command.format,
            command.fingerprint,
            b64decode(command.content),
        )

    async def notes(self, conversation: str, author: str) -> list[Note]:
        return [_note(row) for row in await self._tx.fetch(_sql["notes"], conversation, author, PAGE_BYTES)]
