"""`./unsaid deadletters`: what is put aside is listed without content, put back, or dropped; a grant never returns."""

import asyncio
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable

import aio_pika
import pytest

from deploy.local import deadletters, rabbitmq
from deploy.local.home import REPO, QueueService
from deploy.local.trouble import Trouble
from shared.contracts.commands import SaveNote, SendMessage
from shared.contracts.consent_commands import Decide
from shared.contracts.envelope import Command
from shared.contracts.ids import new_id
from shared.runtime.broker.topology import dead_queue
from shared.runtime.worker import NOT_ITS_TO_ASK
from tests.support.instances import database
from tests.support.participants import Partner
from tests.support.platform import Platform
from tests.support.writer import history

Unsaid = Callable[..., tuple[int, str]]
SEALED = "c2VhbGVkLWNvbnRlbnQ="


@pytest.fixture
def unsaid(platform: Platform) -> Unsaid:
    def run(*arguments: str) -> tuple[int, str]:
        environment = {**os.environ, "UNSAID_HOME": str(platform.home)}
        command = [sys.executable, str(REPO / "unsaid"), "deadletters", *arguments]
        done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


async def put_aside(platform: Platform, service: QueueService, body: bytes, reason: str = "failed") -> str:
    """As a worker does; the letter's id."""
    async with await aio_pika.connect(rabbitmq.url(platform.state)) as connection:
        channel = await connection.channel()
        message = aio_pika.Message(body, delivery_mode=2, headers={"reason": reason, "at": "2026-01-01T00:00:00.000Z"})
        await channel.default_exchange.publish(message, dead_queue(service))
    letters = [each for each in await deadletters.read(platform.state) if each.message.body == body]
    return letters[0].id


def batch(command: Command) -> bytes:
    return b"[" + command.model_dump_json().encode() + b"]"


def decision(*, grant: bool) -> Decide:
    return Decide(
        tenant=new_id(),
        replyto="gone",
        conversation=new_id(),
        participant=new_id(),
        purpose="live_text",
        grant=grant,
        decision=new_id(),
        version=None,
        sha256=None,
        if_epoch=None,
        via="device",
        device=None,
    )


def note() -> SaveNote:
    return SaveNote(
        tenant=new_id(),
        replyto="gone",
        conversation=new_id(),
        author=new_id(),
        note=new_id(),
        format="text",
        version=None,
        fingerprint="0" * 64,
        content=SEALED,
    )


async def order(platform: Platform) -> list[str]:
    return [letter.id for letter in await deadletters.read(platform.state)]


async def test_what_was_put_aside_is_put_back_when_the_fault_is_mended(
    platform: Platform, partner: Partner, unsaid: Unsaid
) -> None:
    talk = await partner.conversation()
    client = await talk.join(talk.client)
    message = str(uuid.uuid4())
    admin = await database(platform, "session")
    await admin.execute(f"alter table event add constraint poison check (message is distinct from '{message}')")
    try:
        error = await client.ask("message.send", message=message, text="Said in confidence")
    finally:
        await admin.execute("alter table event drop constraint poison")
        await admin.close()
    assert error["details"]["part"] == "dead_letter"
    status, listed = await asyncio.to_thread(unsaid, "list")
    assert status == 0
    letter = [line.split()[0] for line in listed.splitlines() if "session.send_message" in line][-1]
    status, shown = await asyncio.to_thread(unsaid, "show", letter)
    assert status == 0
    assert json.loads(shown)[0]["message"] == message
    assert re.fullmatch(r"\(\d+ characters, sealed\)", json.loads(shown)[0]["content"])
    assert (await asyncio.to_thread(unsaid, "replay", letter))[0] == 0
    assert (await client.until("message.posted", message=message))["text"] == "Said in confidence"
    assert [m["message"] for m in await history(partner, talk.id)] == [message]
    assert letter not in await order(platform)
    await talk.leave()


async def test_a_grant_and_the_unreadable_are_never_replayed(platform: Platform, unsaid: Unsaid) -> None:
    grant = await put_aside(platform, "consent", batch(decision(grant=True)))
    rubbish = await put_aside(platform, "consent", b"not json, but somebody's words", "malformed")
    forged = await put_aside(platform, "consent", batch(decision(grant=False)), NOT_ITS_TO_ASK)
    for letter, why in (
        (grant, "grants of consent"),
        (rubbish, "can't be read"),
        (forged, "may not ask this"),
    ):
        status, output = await asyncio.to_thread(unsaid, "replay", letter)
        assert status == 1
        assert why in output
        assert "Traceback" not in output
        assert letter in await order(platform)
    for arguments in (["list"], ["show", rubbish]):
        assert "somebody" not in (await asyncio.to_thread(unsaid, *arguments))[1]
    for letter in (grant, rubbish):
        assert (await asyncio.to_thread(unsaid, "drop", letter))[0] == 0
    assert not {grant, rubbish} & set(await order(platform))


async def test_dropping_one_leaves_the_others_in_order(platform: Platform, unsaid: Unsaid) -> None:
    letters = [await put_aside(platform, "notes", batch(note())) for _ in range(4)]
    assert [each for each in await order(platform) if each in letters] == letters
    assert (await asyncio.to_thread(unsaid, "drop", letters[1]))[0] == 0
    left = [letters[0], *letters[2:]]
    assert [each for each in await order(platform) if each in letters] == left
    status, output = await asyncio.to_thread(unsaid, "drop", letters[1])
    assert status == 1
    assert "no dead letter" in output
    for each in left:
        await deadletters.drop(platform.state, each)


async def test_looking_often_loses_nothing(platform: Platform) -> None:
    """A quorum queue counts how often a letter came back, and gives it up after fifty times."""
    letters = [await put_aside(platform, "notes", batch(note())) for _ in range(2)]
    for _ in range(60):
        assert [each for each in await order(platform) if each in letters] == letters
    for each in letters:
        await deadletters.drop(platform.state, each)


async def test_a_replay_that_finds_no_queue_keeps_the_letter(platform: Platform) -> None:
    """It is acknowledged only after the broker has confirmed its copy."""
    unroutable = platform.state.model_copy(
        update={"queues": platform.state.queues.model_copy(update={"session": 1_000})}
    )
    command = SendMessage(
        tenant=new_id(),
        replyto="gone",
        conversation="00000000-0000-4000-8000-000000000001",
        sender=new_id(),
        message=new_id(),
        in_reply_to=None,
        fingerprint="0" * 64,
        content=SEALED,
    )
    letter = await put_aside(platform, "session", batch(command))
    with pytest.raises(Trouble):
        await deadletters.replay(unroutable, letter)
    assert letter in await order(platform)
    await deadletters.drop(platform.state, letter)
