"""Handlers: load, let `domain` decide, write, and return what to tell; all in the batch's one transaction.

Messages are handled in bulk, most of them by one statement alone; everything else is rare, and handled one by one, each
as its own tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from services.session.config import Settings
from services.session.handlers import (
    compositions,
    conversations,
    erasing,
    features,
    later,
    messages,
    reading,
    sessions,
)
from services.session.handlers.appending import Appender
from services.session.store import Store
from shared.contracts import commands as c
from shared.contracts import features as contracts
from shared.contracts.envelope import Command, ConversationCommand
from shared.contracts.errors import Refused
from shared.contracts.events import CommandRefused, HoldersChanged
from shared.contracts.keys import people_key
from shared.runtime import subscriptions, tenants
from shared.runtime.handler import Handler, Tell, answer
from shared.runtime.keys.ring import Keyring
from shared.runtime.postgres import Connection
from shared.runtime.runs import runs

Rare = (
    c.CreateConversation | c.GetConversation | c.EraseConversation | c.ListConversations | c.Attach | c.Detach
    | c.RenewAttachments | c.SendPlanned | c.ReadFacts | c.ReadHistory | c.ReadRecords | c.MarkRead | c.StartSession
    | c.EndSession | compositions.Any | contracts.Command
)  # fmt: skip

_NAMING = (c.CreateConversation, c.GetConversation, c.Attach)
"""What is answered with people's names."""


def _key(command: Command) -> str | None:
    return command.conversation if isinstance(command, ConversationCommand) else None


@dataclass(frozen=True, slots=True)
class Handlers(Handler[c.SessionCommand]):
    """The session service's `shared.runtime.worker.Handler`."""

    settings: Settings
    keys: Keyring
    appender: Appender = field(default_factory=Appender)

    async def at_once(
        self, db: Connection, fences: Mapping[str, int], commands: Sequence[c.SessionCommand]
    ) -> tuple[list[Tell], list[c.SessionCommand]]:
        naming = {c.tenant for c in commands if isinstance(c, _NAMING)}
        await self.keys.load(people_key(tenant) for tenant in naming)  # before there is a transaction that would wait
        return await self.appender.append(db, fences, commands)

    async def handle(self, tx: Connection, commands: Sequence[c.SessionCommand]) -> list[Tell]:
        tells: list[Tell] = []
        for run in runs(commands, _key):
            if isinstance(run[0], c.SendMessage):
                await tenants.become(tx, {command.tenant for command in run})
                tells += await messages.send(tx, Store(tx), self.keys, self.appender, cast("list[c.SendMessage]", run))
            else:
                for command in cast("list[Rare]", run):
                    tells += await self._one(tx, command)
        return tells

    async def _one(self, tx: Connection, command: Rare) -> list[Tell]:
        """A refusal undoes what the command wrote, and nothing else of the batch."""
        if isinstance(command, ConversationCommand):
            self.appender.forget(command.conversation)
        try:
            async with tenants.as_tenant(tx, command.tenant):
                return await self._dispatch(tx, Store(tx), command)
        except Refused as refusal:
            reply = CommandRefused(causationid=command.id, code=refusal.code, details=refusal.details)
            return [answer(command, reply)] if command.replyto else []

    async def _dispatch(self, tx: Connection, store: Store, command: Rare) -> list[Tell]:  # noqa: C901, PLR0911
        if isinstance(command, contracts.Command):
            return await features.handle(tx, command)
        match command:
            case c.SendPlanned():
                return await later.send(tx, store, self.keys, self.appender, command)
            case c.CreateConversation():
                return await conversations.create(tx, store, self.keys, self.settings, command)
            case c.GetConversation():
                return await conversations.get(store, self.keys, command)
            case c.EraseConversation():
                return await erasing.erase(tx, store, self.settings, command)
            case c.ListConversations():
                return await conversations.listed(tx, store, command)
            case c.Attach():
                return await conversations.attach(tx, store, self.keys, command)
            case c.Detach():
                return await conversations.detach(tx, command)
            case c.RenewAttachments():
                return await conversations.renew(tx, store, command)
            case c.ReadFacts():
                return [answer(command, await reading.facts(store, command))]
            case c.ReadHistory():
                return [answer(command, await reading.history(store, command))]
            case c.ReadRecords():
                return [answer(command, await reading.records(tx, store, command))]
            case c.MarkRead():
                return await reading.mark(tx, store, command)
            case c.StartSession():
                return await sessions.start(tx, store, command)
            case c.EndSession():
                return await sessions.end(tx, store, command)
            case _:
                return await compositions.handle(tx, store, self.keys, command)

    async def forget(self, tx: Connection, address: str) -> list[Tell]:
        """A gateway is gone: its attachments end, and the others that hold the same conversations hear of it."""
        topics = await subscriptions.drop_address(tx, address)
        for topic in topics:
            self.appender.forget(topic)
        await tenants.become(tx, topics.values())
        heads = await Store(tx).read_heads(list(topics))
        tells: list[Tell] = []
        for topic, holders in (await subscriptions.addresses(tx, list(heads))).items():
            event = HoldersChanged(tenant=heads[topic].tenant, conversation=topic, holders=holders)
            tells += conversations.to_holders(holders, event)
        return tells
