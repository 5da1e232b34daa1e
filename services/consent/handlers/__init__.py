"""Handlers: load, let `domain` decide, write, and return what to tell; all in the batch's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from services.consent.domain.log import Logs
from services.consent.handlers import decisions, forms, holding, log, record, restoring
from services.consent.store import Store
from shared.contracts import consent_commands as c
from shared.contracts.commands import RegisterConversation
from shared.contracts.errors import Refused
from shared.contracts.events import CommandRefused
from shared.runtime import subscriptions, tenants
from shared.runtime.handler import Handler, Tell, answer
from shared.runtime.postgres import Connection

AnyCommand = (
    RegisterConversation | c.AttachConsents | c.DetachConsents | c.Probe | c.ReadForms | c.Decide | c.ReadDecisions
    | c.PublishForm | c.ListForms | c.ReadForm | c.CompareForms | c.ReadRecord | c.CountUses
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handlers(Handler[c.ConsentCommand]):
    """The consent service's `shared.runtime.worker.Handler`."""

    logs: Logs

    async def handle(self, tx: Connection, commands: Sequence[c.ConsentCommand]) -> list[Tell]:
        """One by one, in order: decisions are rare, and a probe's answer comes behind what went before it."""
        await restoring.look(Store(tx))
        tells = [tell for command in commands for tell in await self._one(tx, command)]
        for tenant in sorted({command.tenant for command in commands if isinstance(command, c.Decide)}):
            async with tenants.as_tenant(tx, tenant):
                await log.sign(Store(tx), self.logs, tenant)
        return tells

    async def _one(self, tx: Connection, command: AnyCommand | log.ReadLog) -> list[Tell]:
        """A refusal undoes what the command wrote, and nothing else of the batch."""
        try:
            async with tenants.as_tenant(tx, command.tenant):
                if isinstance(command, log.ReadLog):
                    return await log.read(Store(tx), self.logs, command)
                return await self._dispatch(tx, Store(tx), command)
        except Refused as refusal:
            reply = CommandRefused(causationid=command.id, code=refusal.code, details=refusal.details)
            return [answer(command, reply)]

    async def _dispatch(  # noqa: C901, PLR0911
        self, tx: Connection, store: Store, command: AnyCommand
    ) -> list[Tell]:
        match command:
            case RegisterConversation():
                await store.register(command)
                return []
            case c.AttachConsents():
                return await holding.attach(tx, store, command)
            case c.DetachConsents():
                return await holding.detach(tx, command)
            case c.Probe():
                return await holding.probe(tx, store, command)
            case c.ReadForms():
                return await decisions.read_forms(store, command)
            case c.Decide():
                return await decisions.decide(tx, store, command)
            case c.ReadDecisions():
                return await decisions.read(tx, store, command)
            case c.PublishForm():
                return await forms.publish(store, command)
            case c.ListForms():
                return await forms.listed(store, command)
            case c.ReadForm():
                return await forms.read(store, command)
            case c.CompareForms():
                return await forms.compare(store, command)
            case c.ReadRecord():
                return await record.read(store, command)
            case c.CountUses():
                return await record.count(store, command)
            case _:
                assert_never(command)

    async def forget(self, tx: Connection, address: str) -> list[Tell]:
        """A gateway is gone; nobody else needs to know."""
        await subscriptions.drop_address(tx, address)
        return []
