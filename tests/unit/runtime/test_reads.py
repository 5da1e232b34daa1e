"""Reads past the broker: for the platform's own processes only, and only reads."""

from base64 import b64encode

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from shared.runtime.reads import ANSWER, PATH, QUESTION, Reads
from shared.runtime.sealing import Sealer

SEALER = Sealer(SecretStr(b64encode(bytes(32)).decode()))
STRANGER = Sealer(SecretStr(b64encode(bytes(31) + b"1").decode()))


async def asked(reads: Reads, body: str) -> tuple[int, str]:
    app = web.Application()
    app.add_routes(reads.routes())
    async with TestClient(TestServer(app)) as client, client.post(PATH, data=body) as answer:
        return answer.status, await answer.text()


async def test_question_and_answer_are_sealed() -> None:
    reads = Reads()

    async def answer(question: bytes) -> bytes:
        return question + b"!"

    reads.serve(SEALER, answer)
    status, body = await asked(reads, SEALER.seal(QUESTION, b"a"))
    assert (status, SEALER.open(ANSWER, body)) == (200, b"a!")


@pytest.mark.parametrize(
    "body",
    ["", "a", STRANGER.seal(QUESTION, b"a"), SEALER.seal(ANSWER, b"a"), SEALER.seal("conversation", b"a")],
    ids=["nothing", "no seal", "another key", "an answer", "a content"],
)
async def test_what_no_process_of_the_platform_asked_is_not_answered(body: str) -> None:
    reads = Reads()

    async def answer(_: bytes) -> bytes:
        raise AssertionError("it was answered")

    reads.serve(SEALER, answer)
    assert await asked(reads, body) == (403, "")


@pytest.mark.parametrize(
    ("raised", "status"),
    [(ValueError("a"), 400), (OSError("a"), 503), (TimeoutError("a"), 503), (asyncpg.QueryCanceledError("a"), 503)],
)
async def test_what_can_not_be_read_says_nothing_of_why(raised: Exception, status: int) -> None:
    reads = Reads()

    async def answer(_: bytes) -> bytes:
        raise raised

    reads.serve(SEALER, answer)
    assert await asked(reads, SEALER.seal(QUESTION, b"a")) == (status, "")


async def test_a_service_that_serves_no_reads_says_so() -> None:
    assert await asked(Reads(), SEALER.seal(QUESTION, b"a")) == (503, "")
