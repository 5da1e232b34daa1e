"""What a service's own part is to the worker: it applies commands in a transaction and says what to tell."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.contracts.envelope import Command, Envelope
from shared.runtime.broker.topology import Destination, to_gateway
from shared.runtime.postgres import Connection

C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Tell:
    """An envelope to publish once the transaction is committed.

    ``needs``: what other services must have been told before (confirmed), so that who reads this finds them knowing.
    """

    to: Destination
    envelope: Envelope
    needs: "tuple[Tell, ...]" = ()


def answer(command: Command, reply: Envelope) -> Tell:
    """A reply, to the gateway that asked."""
    return Tell(to_gateway(command.replyto), reply)


class Handler(ABC, Generic[C]):
    """Applies commands in one transaction and says what to tell; also what to tell when a gateway is gone."""

    async def at_once(
        self, db: Connection, fences: Mapping[str, int], commands: Sequence[C]
    ) -> tuple[list[Tell], list[C]]:
        """Do what one statement can do that compares the fences itself; what to tell, and the commands left over."""
        del db, fences
        return [], list(commands)

    @abstractmethod
    async def handle(self, tx: Connection, commands: Sequence[C]) -> list[Tell]: ...

    @abstractmethod
    async def forget(self, tx: Connection, address: str) -> list[Tell]: ...
