"""Reads that come past the broker (`shared.runtime.reads`)."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from services.session.handlers import reading
from services.session.store import Store
from shared.contracts.commands import ReadFacts, ReadHistory
from shared.contracts.envelope import Reply
from shared.contracts.errors import Refused
from shared.contracts.events import CommandRefused
from shared.runtime import tenants
from shared.runtime.postgres import Pool

TAKE_S = 1.0
"""The pool is small, and the queues come first."""

commands: TypeAdapter[ReadFacts | ReadHistory] = TypeAdapter(
    Annotated[ReadFacts | ReadHistory, Field(discriminator="type")]
)


class Reader:
    """Answers from what is committed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def answer(self, question: bytes) -> bytes:
        """The reply to a command, both as JSON. Raises ValueError (not a read), and what asyncpg raises."""
        command = commands.validate_json(question)
        reply: Reply
        async with (
            self._pool.acquire(timeout=TAKE_S) as db,
            db.transaction(isolation="repeatable_read", readonly=True),
        ):
            await tenants.become(db, [command.tenant])
            try:
                if isinstance(command, ReadFacts):
                    reply = await reading.facts(Store(db), command)
                else:
                    reply = await reading.history(Store(db), command)
            except Refused as refused:
                reply = CommandRefused(causationid=command.id, code=refused.code, details=refused.details)
        return reply.model_dump_json().encode()
