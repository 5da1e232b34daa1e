"""What a tenant asks about another tenant's things: every command there is, in the services' real databases."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.home import QueueService
from shared.contracts import commands as c
from shared.contracts.envelope import Command
from shared.contracts.errors import Code
from shared.contracts.events import CommandRefused
from shared.runtime.broker.topology import to_gateway
from tests.support.platform import Platform
from tests.support.tenancy import COMMANDS, Everybody, World, outline

UNMOVED = {
    "CompareForms",
    "Detach",
    "DetachConsents",
    "ListConversations",
    "ListForms",
    "ListReports",
    "ListTenantRaises",
    "Probe",
    "PublishForm",
    "ReadCheckpoint",
    "ReadConsistency",
    "ReadEntries",
    "ReadForm",
    "ReadLogKey",
    "ReadProof",
    "ReadRecord",
    "RegisterConversation",
    "RenewAttachments",
    "SendPlanned",
}
"""They look for rows by their tenant (the statement is told the real one), or answer nothing."""
EXAMPLES = 5
KINDS = pytest.mark.parametrize(("service", "kind"), COMMANDS, ids=lambda each: getattr(each, "__name__", each))
REFUSED_BY_THE_DATABASE = (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError)
"""What a worker puts aside."""


class Both:
    """Two tenants, and the loop in which they live."""

    def __init__(self, platform: Platform) -> None:
        self.runner = asyncio.Runner()
        self.world = self.runner.run(World.make(platform))

    def close(self) -> None:
        self.runner.run(self.world.close())
        self.runner.close()


@pytest.fixture(scope="module")
def both(platform: Platform) -> Iterator[Both]:
    found = Both(platform)
    yield found
    found.close()


@KINDS
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_another_tenants_things_are_as_if_they_were_not_there(
    both: Both, service: QueueService, kind: type[Command], data: st.DataObject
) -> None:
    command = both.world.made(kind, data.draw(both.world.asking(kind)))
    both.runner.run(_as_if_not_there(both.world, service, command))


async def _as_if_not_there(world: World, service: QueueService, command: Command) -> None:
    before = await world.everything()
    instead, restored = world.unknown(command)
    expected = [restored(outline(tell.envelope)) for tell in await world.acting[service](instead, keep=False)]
    tells = await world.acting[service](command)
    assert await world.everything() == before
    assert {tell.to for tell in tells} <= {to_gateway(command.replyto)}
    assert not world.betrays(command, tells)
    if isinstance(command, c.CreateConversation):  # an id that nobody has is free
        (tell,) = tells
        assert isinstance(tell.envelope, CommandRefused)
        assert tell.envelope.code is Code.CONFLICT
    else:
        assert [outline(tell.envelope) for tell in tells] == expected


@KINDS
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_with_the_checks_in_code_switched_off_the_database_refuses(
    both: Both, service: QueueService, kind: type[Command], data: st.DataObject
) -> None:
    command = both.world.made(kind, data.draw(both.world.asking(kind)))
    both.runner.run(_unchecked(both.world, service, command))


async def _unchecked(world: World, service: QueueService, command: Command) -> None:
    before = await world.everything()
    unchecked = command.model_copy(update={"tenant": Everybody(command.tenant)})
    try:
        tells = await world.acting[service](unchecked)
    except REFUSED_BY_THE_DATABASE:
        tells = []
    assert await world.everything() == before
    assert {tell.to for tell in tells} <= {to_gateway(command.replyto)}
    assert not world.betrays(command, tells)


def test_the_switch_does_switch_the_checks_off(both: Both) -> None:
    """Where the database lets everything pass too, the answer is another one than where it refuses."""
    assert both.runner.run(_unmoved(both.world)) == UNMOVED


async def _unmoved(world: World) -> set[str]:
    """The commands that answer the same with row-level security and without, the checks in code being off."""
    found = set()
    for service, kind in COMMANDS:
        command = world.first(kind)
        unchecked = command.model_copy(update={"tenant": Everybody(command.tenant)})
        outcomes = []
        for acting in (world.acting, world.unguarded):
            try:
                tells = await acting[service](unchecked, keep=False)
                outcomes.append([outline(tell.envelope) for tell in tells])
            except REFUSED_BY_THE_DATABASE as error:
                outcomes.append([type(error).__name__])
        if outcomes[0] == outcomes[1]:
            found.add(kind.__name__)
    return found
