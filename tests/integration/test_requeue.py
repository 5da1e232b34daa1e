"""The number of queues changes under people who talk: their clients reconnect, and nothing is lost or reordered."""

import asyncio
import os
import subprocess
import sys

import pytest

from deploy.local.home import REPO
from tests.support.instances import database, owners
from tests.support.participants import Partner
from tests.support.platform import Platform
from tests.support.writer import Writer, history

CONVERSATIONS = 5


async def run(platform: Platform, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "UNSAID_HOME": str(platform.home)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(REPO / "unsaid"), *arguments),
        cwd=REPO,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(240)
async def test_two_three_one_while_people_talk(own: Platform) -> None:
    ending = asyncio.Event()
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talks = [await partner.conversation() for _ in range(CONVERSATIONS)]
        writers = [Writer(each, await each.token(each.client)) for each in talks]
        said = [0] * CONVERSATIONS

        async def talk(index: int) -> None:
            while not ending.is_set():
                await writers[index].write(f"{said[index]}")
                said[index] += 1
                await asyncio.sleep(0.02)  # people's pace

        async with asyncio.TaskGroup() as group:
            for index in range(CONVERSATIONS):
                group.create_task(talk(index))
            for queues in (3, 1):
                before = list(said)
                status, output = await run(own, "requeue", "--queues", str(queues))
                assert status == 0, output
                assert set(await owners(own, "session")) == {f"session.{i}" for i in range(queues)}
                async with asyncio.timeout(60):
                    while any(now <= then for now, then in zip(said, before, strict=True)):  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
            ending.set()
        for conversation, writer, count in zip(talks, writers, said, strict=True):
            kept = await history(partner, conversation.id)
            assert [m["seq"] for m in kept] == list(range(1, count + 1))
            assert [m["text"] for m in kept] == [str(number) for number in range(count)]
            assert {m["seq"]: (m["message"], m["text"]) for m in kept} == writer.acknowledged
            await writer.leave()


@pytest.mark.timeout(120)
async def test_interrupted_before_the_database_knew_it_is_finished_by_running_it_again(own: Platform) -> None:
    """The state file was written, the database wasn't: the service would refuse to start."""
    home_file = own.home / "state.json"
    changed = own.state.queues.model_copy(update={"consent": 2})
    state = own.state.model_copy(update={"queues": changed, "requeueing": "consent"})
    home_file.write_text(state.model_dump_json())
    status, output = await run(own, "requeue", "--service", "consent", "--queues", "2")
    assert status == 0, output
    assert own.state.requeueing is None
    connection = await database(own, "consent")
    assert await connection.fetchval("select value from setting where name = 'queues'") == 2
    await connection.close()
    assert set(await owners(own, "consent")) == {"consent.0", "consent.1"}
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        client = await talk.join(talk.client)
        await client.consent("informed_consent")
        await talk.leave()


async def test_another_name_or_number_is_refused_in_a_sentence(own: Platform) -> None:
    for arguments in (["--queues", "0"], ["--queues", "2", "--service", "gateway"]):
        status, output = await run(own, "requeue", *arguments)
        assert status == 2
        assert "Traceback" not in output
