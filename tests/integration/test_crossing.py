"""Live text between gateways: the same frames as on one, whatever is lost on the way or dies."""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.instances import Instance, gateway, ready
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

SOON_S = 8.0
"""A neighbour that fell silent is gone within this: the 5 s that it may be silent, and a look."""


@asynccontextmanager
async def far(platform: Platform, talk: Conversation, participant: str) -> AsyncIterator[tuple[Participant, Instance]]:
    """A participant at another gateway."""
    with gateway(platform, f"far-{uuid.uuid4().hex[:6]}") as (address, process):
        await ready(address)
        yield await talk.arrive(await talk.token(participant), address), process
        await talk.leave()


async def writing(author: Participant) -> str:
    """The author shows what they type; the id of a new draft."""
    await author.consent("live_text")
    await author.ok("live.toggle", on=True)
    return str(uuid.uuid4())


async def sees(reader: Participant, author: str) -> None:
    """Until the reader has been told that the author shows what they type."""
    if not reader.welcome["conversations"][0]["live"][author]["on"]:
        await reader.until("live.changed", on=True)


async def shows(reader: Participant, draft: str) -> None:
    """Until the reader has been shown something of the draft: its edit, or the whole where the grant came behind it."""
    await reader.where(lambda frame: frame["type"] in {"live.edit", "live.reset"} and frame["draft"] == draft)


def edits(frames: list[Frame]) -> list[tuple[int, list[list[object]]]]:
    return [(frame["rev"], frame["ops"]) for frame in frames if frame["type"] == "live.edit"]


async def test_edits_arrive_as_they_were_made(platform: Platform, talk: Conversation) -> None:
    author = await talk.join(talk.client)
    draft = await writing(author)
    sent = [(rev, [[70 + rev, "i", rev - 1, "漢"]]) for rev in range(1, 31)]
    sent.append((31, [[500, "d", 3, 5], [90, "i", 0, "👩🏽‍💻"]]))
    async with far(platform, talk, talk.therapist) as (reader, _):
        await sees(reader, talk.client)
        for rev, ops in sent:
            await author.say("live.edit", draft=draft, rev=rev, ops=ops)
            await asyncio.sleep(0.005)  # a few of them in each collection
        while len(edits(reader.seen)) < len(sent):
            await reader.until("live.edit")
        assert edits(reader.seen) == sent
        assert not [frame for frame in reader.seen if frame["type"] == "live.reset"]


async def test_a_gateway_that_dies_takes_its_drafts_along(platform: Platform, talk: Conversation) -> None:
    reader = await talk.join(talk.therapist)
    async with far(platform, talk, talk.client) as (author, process):
        draft = await writing(author)
        await author.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "a"]])
        await shows(reader, draft)
        process.send(signal.SIGKILL)
        began = time.monotonic()
        await reader.until("live.clear", draft=draft)
        await reader.until("live.changed", on=False)
        assert time.monotonic() - began < SOON_S


async def test_a_gateway_that_is_stopped_shows_nothing_meanwhile(platform: Platform, talk: Conversation) -> None:
    reader = await talk.join(talk.therapist)
    async with far(platform, talk, talk.client) as (author, process):
        draft = await writing(author)
        await author.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, "a"]])
        await shows(reader, draft)
        process.send(signal.SIGSTOP)
        try:
            await reader.until_late("live.clear", draft=draft)
            await reader.until("live.changed", on=False)
        finally:
            process.send(signal.SIGCONT)
        while (await author.ask("live.reset", draft=draft, rev=9, text="b"))["type"] != "ok":
            await author.until_late("live.changed", on=True)
        assert (await reader.until_late("live.reset"))["text"] == "b"
