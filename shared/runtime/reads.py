"""Reading past the broker: while it takes nothing (an alarm, a full queue), what was said can still be read.

A service answers these on its admin port. Question and answer are sealed under the deployment's key, so that only who
has it can ask, and nobody else reads ids. Only what changes nothing may be asked here.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
from aiohttp import web

from shared.runtime import postgres
from shared.runtime.sealing import SealBroken, Sealer

PATH = "/read"
QUESTION = "reads: question"
ANSWER = "reads: answer"
"""What question and answer are sealed as (the sealer's context)."""
ANSWER_S = 2.0

Answer = Callable[[bytes], Awaitable[bytes]]
"""From a command's JSON to its reply's. Raises ValueError where it is none that can be asked here."""


class Reads:
    """What a service answers here; nothing until `serve` is called."""

    def __init__(self) -> None:
        self._serving: tuple[Sealer, Answer] | None = None

    def serve(self, sealer: Sealer, answer: Answer) -> None:
        self._serving = sealer, answer

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._read)]

    async def _read(self, request: web.Request) -> web.Response:
        if self._serving is None:
            return web.Response(status=503)
        sealer, ask = self._serving
        try:
            question = sealer.open(QUESTION, await request.text())
        except SealBroken:
            return web.Response(status=403)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await ask(question)
        except ValueError:  # of a newer version, perhaps
            return web.Response(status=400)
        except (*postgres.AWAY, asyncpg.PostgresError):
            return web.Response(status=503)
        return web.Response(text=sealer.seal(ANSWER, answer))
