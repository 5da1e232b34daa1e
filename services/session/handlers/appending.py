"""The quick way of a message: a conversation that is known here grows by one statement.

While an instance owns a queue nobody else appends to its conversations, so their heads and holders stay true from one
batch to the next. The statement compares fences and heads all the same: what it leaves out goes the long way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from services.session.domain import messages as domain
from services.session.domain.heads import Head
from services.session.domain.messages import Posted
from services.session.handlers.messages import tells_of
from services.session.store import Store
from shared.contracts.commands import SendMessage, SessionCommand
from shared.runtime.handler import Tell
from shared.runtime.postgres import Connection

KNOWN_MOST = 50_000


@dataclass(slots=True)
class _Known:
    head: Head
    holders: list[str]
    lexicon: domain.Lexicon


class Appender:
    """Conversations known from the last batches, and what can be appended to them at once."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._fences: dict[str, int] = {}
        self.grown: dict[str, str] = {}
        """Conversations that have grown, and their tenants, for whoever does something about it afterwards."""

    def _grew(self, head: Head) -> None:
        if len(self.grown) < KNOWN_MOST:
            self.grown[head.id] = head.tenant

    def take_grown(self, most: int) -> dict[str, str]:
        """Some of those that have grown, which then count as seen to."""
        return {conversation: self.grown.pop(conversation) for conversation in list(islice(self.grown, most))}

    def learn(self, head: Head, holders: Sequence[str], lexicon: domain.Lexicon) -> None:
        """Where a conversation stands, who holds it, and which emoji have a meaning in it."""
        if len(self._known) >= KNOWN_MOST:
            self._known.clear()
        self._known[head.id] = _Known(head, list(holders), lexicon)
        self._grew(head)

    def lexicon(self, head: Head) -> domain.Lexicon | None:
        """Its symbols, if nothing has happened to it since it was learned: all that changes them takes an ``n``."""
        known = self._known.get(head.id)
        return known.lexicon if known is not None and known.head.last_n == head.last_n else None

    def forget(self, conversation: str) -> None:
        """Something else happens to the conversation: what is known of it is no longer so."""
        self._known.pop(conversation, None)

    async def append(
        self, db: Connection, fences: Mapping[str, int], commands: Sequence[SessionCommand]
    ) -> tuple[list[Tell], list[SessionCommand]]:
        """Append what can be appended at once; what to tell of it, and the commands that are left."""
        if fences != self._fences:  # queues came or went, and others may have written meanwhile
            self._known.clear()
            self._fences = dict(fences)
        placed = {
            conversation: places
            for conversation, sent in self._simple(commands).items()
            if (places := domain.place(self._known[conversation].head, sent))
        }
        if not placed:
            return [], list(commands)
        grown = await Store(db).append_messages(fences, [p for several in placed.values() for p in several])
        tells: list[Tell] = []
        for conversation, several in placed.items():
            if conversation not in grown:
                self.forget(conversation)
                continue
            known, at, last = self._known[conversation], grown[conversation], several[-1]
            self._grew(known.head)
            known.head = replace(known.head, last_seq=last.seq, last_n=last.n, last_at=at)
            for p in several:
                tells += tells_of(p.command, Posted(p.command, p.seq, p.n, at, new=True), known.holders)
        return tells, [c for c in commands if getattr(c, "conversation", "") not in grown]

    def _simple(self, commands: Sequence[SessionCommand]) -> dict[str, list[SendMessage]]:
        """The known conversations that get messages, and nothing else, in this batch; none of them with a symbol."""
        others = {getattr(c, "conversation", "") for c in commands if not self._is_simple(c)}
        simple: dict[str, list[SendMessage]] = {}
        for command in commands:
            if isinstance(command, SendMessage) and command.conversation not in others:
                simple.setdefault(command.conversation, []).append(command)
        return simple

    def _is_simple(self, command: SessionCommand) -> bool:
        if not isinstance(command, SendMessage):
            return False
        known = self._known.get(command.conversation)
        return known is not None and not any(tag in known.lexicon for tag in command.uses)
