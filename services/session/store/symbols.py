"""The lexicon, and the uses of emoji."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg

from services.session.domain.symbols import Symbol
from shared.contracts.features.symbols import StoredSymbol, StoredWording, UseValue
from shared.contracts.ids import Tag, rfc3339
from shared.runtime.postgres import Connection, Queries

_sql = Queries(Path(__file__).parent.parent / "sql" / "symbols.sql")

Lexicons = dict[str, dict[Tag, str]]
"""By conversation: the symbols in use, by their emoji."""


def _symbol(row: asyncpg.Record | None) -> Symbol | None:
    if row is None:
        return None
    return Symbol(str(row["symbol"]), str(row["proposer"]), row["revision"], row["agreed"], retired=row["retired"])


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _stored(row: asyncpg.Record) -> StoredSymbol:
    retired = row["retired_at"]
    symbol = Symbol(
        str(row["symbol"]), str(row["proposer"]), row["revision"], row["agreed"], retired=retired is not None
    )
    agreed_at = row["force_agreed_at"]
    in_force = StoredWording(
        revision=row["force_revision"],
        record=str(row["force_record"]),
        author=str(row["force_author"]),
        at=rfc3339(row["force_at"]),
        agreed_at=None if agreed_at is None else rfc3339(agreed_at),
        content=_b64(row["force_content"]),
    )
    proposed = StoredWording(
        revision=symbol.revision,
        record=str(row["newest_record"]),
        author=symbol.proposer,
        at=rfc3339(row["newest_at"]),
        agreed_at=None,
        content=_b64(row["newest_content"]),
    )
    return StoredSymbol(
        symbol=symbol.id,
        state=symbol.state.value,
        first=_b64(row["first_content"]),
        in_force=in_force,
        proposed=proposed if symbol.revision != symbol.in_force else None,
        retired_at=None if retired is None else rfc3339(retired),
    )


class Symbols:
    """Queries on one transaction."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def lexicons(self, conversations: Sequence[str]) -> Lexicons:
        found: Lexicons = {}
        for row in await self._tx.fetch(_sql["lexicons"], conversations):
            found.setdefault(str(row["conversation"]), {})[row["emoji"].hex()] = str(row["symbol"])
        return found

    async def symbol(self, conversation: str, symbol: str) -> Symbol | None:
        return _symbol(await self._tx.fetchrow(_sql["symbol"], conversation, symbol))

    async def in_use(self, conversation: str, emoji: Tag) -> Symbol | None:
        """The symbol that has the emoji now."""
        return _symbol(await self._tx.fetchrow(_sql["symbol_in_use"], conversation, bytes.fromhex(emoji)))

    async def count_alive(self, conversation: str) -> int:
        found: int = await self._tx.fetchval(_sql["count_alive"], conversation)
        return found

    async def insert(self, tenant: str, conversation: str, symbol: Symbol, emoji: Tag, n: int) -> None:
        raw = bytes.fromhex(emoji)
        await self._tx.execute(_sql["insert_symbol"], tenant, conversation, symbol.id, raw, n, symbol.proposer)

    async def insert_wording(self, tenant: str, conversation: str, symbol: Symbol, n: int) -> None:
        """The newest of a symbol; its words are in the event ``n``."""
        await self._tx.execute(_sql["insert_wording"], tenant, conversation, symbol.id, symbol.revision, n)

    async def change(self, conversation: str, symbol: Symbol, at: datetime) -> None:
        retired_at = at if symbol.retired else None
        await self._tx.execute(
            _sql["change_symbol"],
            conversation,
            symbol.id,
            symbol.proposer,
            symbol.revision,
            symbol.agreed,
            retired_at,
        )

    async def agree_wording(self, conversation: str, symbol: Symbol, at: datetime) -> None:
        await self._tx.execute(_sql["agree_wording"], conversation, symbol.id, symbol.revision, at)

    async def listed(self, conversation: str, after: str | None, limit: int) -> list[StoredSymbol]:
        return [_stored(row) for row in await self._tx.fetch(_sql["list_symbols"], conversation, after, limit)]

    async def insert_reaction(
        self, tenant: str, conversation: str, emoji: Tag, n: int, at: datetime, message: str, seq: int, author: str
    ) -> None:
        """A use of an emoji as a reaction to a message."""
        raw = bytes.fromhex(emoji)
        await self._tx.execute(_sql["insert_reaction"], tenant, conversation, raw, n, at, message, seq, author)

    async def reacted(self, conversation: str, message: str, author: str, emoji: Tag) -> bool:
        sql = _sql["reacted"]
        return await self._tx.fetchval(sql, conversation, message, author, bytes.fromhex(emoji)) is not None

    async def delete_reaction(self, conversation: str, message: str, author: str, emoji: Tag) -> None:
        await self._tx.execute(_sql["delete_reaction"], conversation, message, author, bytes.fromhex(emoji))

    async def delete_uses(self, conversation: str, message: str) -> None:
        await self._tx.execute(_sql["delete_uses"], conversation, message)

    async def timeline(self, conversation: str, emoji: Tag, before: int, limit: int) -> list[UseValue]:
        """The last uses before an ``n``, newest first."""
        rows = await self._tx.fetch(_sql["timeline"], conversation, bytes.fromhex(emoji), before, limit)
        return [
            UseValue(
                n=row["n"],
                at=rfc3339(row["at"]),
                sender=str(row["author"]),
                message=str(row["message"]),
                seq=row["seq"],
                how="reaction" if row["reaction"] else "message",
                session=None if row["session"] is None else str(row["session"]),
            )
            for row in rows
        ]

    async def empty(self, conversation: str) -> None:
        """Nothing is left that says which emoji were the same."""
        for query in ("delete_emoji_uses", "delete_wordings", "delete_symbols"):
            await self._tx.execute(_sql[query], conversation)
