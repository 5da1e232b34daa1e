"""Each of the six processes is killed while two people talk: nothing acknowledged is lost, and the talk goes on."""

import asyncio
import signal
import uuid
from collections.abc import Iterator

import pytest

from deploy.local.home import PARTS, Part
from tests.support.participants import Partner
from tests.support.platform import Platform, started
from tests.support.writer import Writer
from tests.support.writer import history as read_history

MESSAGES = 30
FAULT_AFTER = 10
GIVE_UP_S = 60


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform that may be broken without disturbing other tests."""
    with started() as platform:
        yield platform


@pytest.mark.timeout(120)
@pytest.mark.parametrize("victim", PARTS)
async def test_kill_9_loses_nothing_and_the_talk_goes_on(own: Platform, victim: Part) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        conversation = await partner.conversation()
        writers = [
            Writer(conversation, await conversation.token(one)) for one in (conversation.client, conversation.therapist)
        ]
        reached = asyncio.Event()

        async def talk(writer: Writer, name: str) -> None:
            for number in range(MESSAGES):
                await writer.write(f"{name} {number}")
                if number == FAULT_AFTER:
                    reached.set()

        async with asyncio.timeout(GIVE_UP_S), asyncio.TaskGroup() as group:
            for writer, name in zip(writers, ("client", "therapist"), strict=True):
                group.create_task(talk(writer, name))
            await reached.wait()
            old = own.kill(victim, signal.SIGKILL)
        await own.until_restarted(victim, old)
        await own.until_ready()
        history = await read_history(partner, conversation.id)
        assert [m["seq"] for m in history] == list(range(1, 2 * MESSAGES + 1))  # none lost, doubled, nor a gap
        acknowledged = writers[0].acknowledged | writers[1].acknowledged
        assert {m["seq"]: (m["message"], m["text"]) for m in history} == acknowledged
        for name in ("client", "therapist"):
            own_texts = [m["text"] for m in history if m["text"].startswith(name)]
            assert own_texts == [f"{name} {number}" for number in range(MESSAGES)]
        for writer in writers:
            await writer.leave()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("victim", ["postgres", "rabbitmq"])
async def test_a_stopped_server_gives_no_ok_and_afterwards_all_is_well(own: Platform, victim: Part) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        conversation = await partner.conversation()
        writer = Writer(conversation, await conversation.token(conversation.client))
        await writer.write("before")
        pids = [own.pid(victim), *own.children(victim)]
        for pid in pids:
            own.signal(pid, signal.SIGSTOP)
        try:
            connection = await writer.connected()
            message = str(uuid.uuid4())
            frame = await connection.ask("message.send", message=message, text="meanwhile")
            assert (frame["type"], frame.get("code")) == ("error", "unavailable")
            await own.until_ready("session", ready=False)
        finally:
            for pid in pids:
                own.signal(pid, signal.SIGCONT)
        await own.until_ready()
        await writer.write("after")
        texts = [m["text"] for m in await read_history(partner, conversation.id)]
        assert [text for text in texts if text != "meanwhile"] == ["before", "after"]
        assert texts.count("meanwhile") <= 1
        await writer.leave()
