"""Several instances of a service share its queues while people talk: nothing is lost, doubled or reordered."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.local.home import Service
from tests.support.instances import instance, until_owned
from tests.support.participants import Partner
from tests.support.platform import Platform
from tests.support.writer import Writer, history

REBALANCE_S = 10
STOPPED_S = 20
START_S = 10
"""A process needs this to start, on a busy machine."""
CONVERSATIONS = 6
SERVICES: tuple[Service, ...] = ("session", "consent")


@asynccontextmanager
async def talking(platform: Platform) -> AsyncIterator[None]:
    """People write in several conversations for as long as this lasts; afterwards their account is compared."""
    ending = asyncio.Event()
    async with Partner(platform.gateway, platform.client_id, platform.client_secret) as partner:
        conversations = [await partner.conversation() for _ in range(CONVERSATIONS)]
        writers = [Writer(each, await each.token(each.client)) for each in conversations]
        said = [0] * CONVERSATIONS

        async def talk(index: int) -> None:
            while not ending.is_set():
                await writers[index].write(f"{said[index]}")
                said[index] += 1
                await asyncio.sleep(0.02)  # people's pace

        try:
            async with asyncio.TaskGroup() as group:
                for index in range(CONVERSATIONS):
                    group.create_task(talk(index))
                yield
                ending.set()
        finally:
            for writer in writers:
                await writer.leave()
        for conversation, writer, count in zip(conversations, writers, said, strict=True):
            assert count > 5
            kept = await history(partner, conversation.id)
            assert [m["seq"] for m in kept] == list(range(1, count + 1))
            assert [m["text"] for m in kept] == [str(number) for number in range(count)]
            assert {m["seq"]: (m["message"], m["text"]) for m in kept} == writer.acknowledged


@pytest.mark.timeout(120)
async def test_one_joins_and_leaves(own: Platform) -> None:
    await until_owned(own, "session", START_S, "session-1")
    async with talking(own):
        with instance(own, "session", "second") as second:
            await until_owned(own, "session", START_S + REBALANCE_S, "session-1", "second")
            second.send(signal.SIGTERM)
            await until_owned(own, "session", REBALANCE_S, "session-1")
            assert await asyncio.to_thread(second.process.wait, 20) == 0


@pytest.mark.timeout(120)
async def test_one_of_three_dies(own: Platform) -> None:
    async with talking(own):
        with instance(own, "session", "second") as second:
            await until_owned(own, "session", START_S + REBALANCE_S, "session-1", "second")
            with instance(own, "session", "third") as third:
                await third.until_logged("health")
                second.send(signal.SIGKILL)
                await until_owned(own, "session", START_S + REBALANCE_S, "session-1", "third")


@pytest.mark.timeout(120)
async def test_one_is_stopped_and_wakes_up(own: Platform) -> None:
    async with talking(own):
        with instance(own, "session", "second") as second:
            await until_owned(own, "session", START_S + REBALANCE_S, "session-1", "second")
            second.send(signal.SIGSTOP)
            await until_owned(own, "session", STOPPED_S, "session-1")
            second.send(signal.SIGCONT)
            await until_owned(own, "session", REBALANCE_S, "session-1", "second")


@pytest.mark.timeout(120)
async def test_the_consent_services_queue_finds_its_next_owner(own: Platform) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        with instance(own, "consent", "spare") as spare:
            await spare.until_logged("health")
            old = own.kill("consent", signal.SIGSTOP)
            try:
                await until_owned(own, "consent", START_S + STOPPED_S, "spare")
                writer = Writer(talk, await talk.token(talk.client))
                client = await writer.connected()  # refused until the broker lets go of the stopped consumer
                await client.consent("informed_consent")
                await writer.leave()
            finally:
                own.signal(old, signal.SIGCONT)
            spare.send(signal.SIGKILL)
            await until_owned(own, "consent", REBALANCE_S, "consent-1")


@pytest.mark.timeout(60)
async def test_of_two_processes_with_one_name_the_younger_stays(own: Platform) -> None:
    with instance(own, "notes", "twin") as elder:
        old = own.kill("notes", signal.SIGSTOP)  # so that the twin gets the queue
        try:
            await until_owned(own, "notes", START_S + STOPPED_S, "twin")
            with instance(own, "notes", "twin"):
                assert await asyncio.to_thread(elder.process.wait, START_S + REBALANCE_S) == 3
                await until_owned(own, "notes", REBALANCE_S, "twin")
        finally:
            own.signal(old, signal.SIGCONT)
