"""Handlers: load, let `domain` decide, write, and return what to tell; all in the batch's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from services.notes.handlers import drafts
from services.notes.store import Store
from shared.contracts import commands as c
from shared.contracts.errors import Refused
from shared.contracts.events import CommandRefused
from shared.runtime import subscriptions, tenants
from shared.runtime.handler import Handler, Tell, answer
from shared.runtime.postgres import Connection

AnyCommand = c.RegisterConversation | c.SaveNote | c.ListNotes


@dataclass(frozen=True, slots=True)
class Handlers(Handler[c.NotesCommand]):
    """The notes service's `shared.runtime.worker.Handler`."""

    async def handle(self, tx: Connection, commands: Sequence[c.NotesCommand]) -> list[Tell]:
        return [tell for command in commands for tell in await self._one(tx, command)]

    async def _one(self, tx: Connection, command: AnyCommand) -> list[Tell]:
        """A refusal undoes what the command wrote, and nothing else of the batch."""
        try:
            async with tenants.as_tenant(tx, command.tenant):
                return await self._dispatch(Store(tx), command)
        except Refused as refusal:
            reply = CommandRefused(causationid=command.id, code=refusal.code, details=refusal.details)
            return [answer(command, reply)]

    async def _dispatch(self, store: Store, command: AnyCommand) -> list[Tell]:
        match command:
            case c.RegisterConversation():
                await store.register(command)
                return []
            case c.SaveNote():
                return await drafts.save(store, command)
            case c.ListNotes():
                return await drafts.listed(store, command)
            case _:
                assert_never(command)

    async def forget(self, tx: Connection, address: str) -> list[Tell]:
        """A gateway is gone; nobody else needs to know."""
        await subscriptions.drop_address(tx, address)
        return []
