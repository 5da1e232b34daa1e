"""Asking for what was said: by the session service's queue, and past the broker where that gives no answer in time."""

import asyncio
from typing import Annotated, TypeVar

import aiohttp
import structlog
from pydantic import Field, TypeAdapter, ValidationError

from services.gateway import metrics
from services.gateway.egress.requests import Requests
from shared.contracts.commands import ReadFacts, ReadHistory
from shared.contracts.errors import Unavailable, refusal
from shared.contracts.events import CommandRefused, FactsRead, HistoryRead
from shared.runtime import reads
from shared.runtime.sealing import SealBroken, Sealer

log = structlog.get_logger()

PATIENCE_S = 1.0
DIRECT_S = 2.5
AT_ONCE = 16

R = TypeVar("R", FactsRead, HistoryRead)

replies: TypeAdapter[FactsRead | HistoryRead | CommandRefused] = TypeAdapter(
    Annotated[FactsRead | HistoryRead | CommandRefused, Field(discriminator="type")]
)


class Reads:
    """Reads of one gateway. The queue is the rule: what it answers stands in order with everything else."""

    def __init__(self, requests: Requests, sealer: Sealer, url: str) -> None:
        self._requests = requests
        self._sealer = sealer
        self._url = url.rstrip("/") + reads.PATH
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=AT_ONCE), timeout=aiohttp.ClientTimeout(total=DIRECT_S)
        )

    async def ask(self, queue: str, command: ReadFacts | ReadHistory, kind: type[R]) -> R:
        """What the session service answers.

        Raises:
            Refused: as the service says; `Unavailable` where neither way gives an answer in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._requests.ask(queue, command, kind)
        except (TimeoutError, Unavailable):
            reply = await self._ask_past_the_broker(queue, command)
        if isinstance(reply, CommandRefused):
            raise refusal(reply.code, reply.details)
        if not isinstance(reply, kind) or reply.causationid != command.id:
            raise Unavailable(queue)
        return reply

    async def _ask_past_the_broker(
        self, queue: str, command: ReadFacts | ReadHistory
    ) -> FactsRead | HistoryRead | CommandRefused:
        question = self._sealer.seal(reads.QUESTION, command.model_dump_json().encode())
        try:
            async with self._http.post(self._url, data=question) as answer:
                answer.raise_for_status()
                reply = replies.validate_json(self._sealer.open(reads.ANSWER, await answer.text()))
        except (aiohttp.ClientError, TimeoutError, SealBroken, ValidationError) as error:
            log.info("read_failed", error=type(error).__name__)
            raise Unavailable(queue) from None
        metrics.READS_PAST_BROKER.inc()
        return reply

    async def close(self) -> None:
        await self._http.close()
