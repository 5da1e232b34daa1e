"""A command that is delivered twice has the effect and the answer of one; with other content it is a conflict.

The commands go to the broker as a gateway's would, each twice in one message and once more in another.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aio_pika
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractQueue
from pydantic import SecretStr

from deploy.local import rabbitmq
from deploy.local.home import QueueService, State
from shared.contracts.commands import CreateConversation, EndSession, MarkRead, SaveNote, StartSession
from shared.contracts.consent_commands import Decide
from shared.contracts.contents import ConversationContent, NoteContent, ParticipantContent
from shared.contracts.envelope import ConversationCommand
from shared.contracts.frames.values import FormValue
from shared.contracts.ids import new_id
from shared.runtime.broker.topology import SERVICES, command_queue, commands_exchange, events_exchange
from shared.runtime.sealing import Sealer
from tests.support.instances import database
from tests.support.participants import Conversation, Partner
from tests.support.platform import Platform

Reply = dict[str, Any]
ANSWER_S = 10


@dataclass
class Asker:
    """In place of a gateway: a queue of its own for the replies."""

    state: State
    channel: AbstractChannel
    replies: AbstractQueue
    tenant: str

    async def thrice(self, service: QueueService, command: ConversationCommand) -> list[Reply]:
        """Twice in one batch, as a publisher that sends again would; and once more, after the answers."""
        one = command.model_dump_json().encode()
        return [*await self._send(service, command, [one, one]), *await self._send(service, command, [one])]

    async def once(self, service: QueueService, command: ConversationCommand) -> Reply:
        return (await self._send(service, command, [command.model_dump_json().encode()]))[0]

    async def _send(self, service: QueueService, command: ConversationCommand, bodies: list[bytes]) -> list[Reply]:
        queue = command_queue(service, self.state.queues.of(service), command.conversation)
        exchange = await self.channel.get_exchange(commands_exchange(queue), ensure=False)
        await exchange.publish(aio_pika.Message(b"[" + b",".join(bodies) + b"]", delivery_mode=2), queue)
        found: list[Reply] = []
        async with asyncio.timeout(ANSWER_S):
            while len(found) < len(bodies):
                message = await self.replies.get(fail=False, no_ack=True)
                if message is None:
                    await asyncio.sleep(0.02)
                    continue
                found += [each for each in json.loads(message.body) if each.get("causationid") == command.id]
        return found


@pytest_asyncio.fixture
async def asker(platform: Platform, talk: Conversation) -> AsyncIterator[Asker]:
    admin = await database(platform, "session")
    tenant = str(await admin.fetchval("select tenant from conversation where id = $1", talk.id))
    await admin.close()
    async with await aio_pika.connect(rabbitmq.url(platform.state)) as connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        for service in SERVICES:
            await replies.bind(events_exchange(service), replies.name)
        yield Asker(platform.state, channel, replies, tenant)


def bare(replies: list[Reply]) -> list[Reply]:
    """Without what each envelope has of its own, and without seals, which are never twice the same."""
    own = {"id", "time", "content"}
    return [{name: value for name, value in reply.items() if name not in own} for reply in replies]


def refused(reply: Reply) -> str:
    assert reply["type"] == "refused", reply
    return str(reply["code"])


def base(asker: Asker, talk: Conversation) -> dict[str, Any]:
    return {"tenant": asker.tenant, "replyto": asker.replies.name, "conversation": talk.id}


async def test_a_created_conversation_stays_created(asker: Asker) -> None:
    """Its creator, told again because the answer was lost, hears that it created; another asker that it was there."""
    sealer = Sealer(SecretStr(asker.state.content_key))
    conversation = new_id()
    people = (
        ParticipantContent(external_id=new_id(), display_name="C"),
        ParticipantContent(external_id=new_id(), display_name="T"),
    )
    content = ConversationContent(external_id=new_id(), participants=people)
    command = CreateConversation(
        tenant=asker.tenant,
        replyto=asker.replies.name,
        conversation=conversation,
        region="local",
        roles=("client", "therapist"),
        locales=(None, None),
        content=sealer.seal(conversation, content.model_dump_json().encode()),
    )
    replies = bare(await asker.thrice("session", command))
    assert [reply["created"] for reply in replies] == [True, True, True]
    assert replies[0] == replies[1] == replies[2]
    other = await asker.once("session", command.model_copy(update={"id": new_id()}))
    assert (other["created"], other["conversation"]) == (False, conversation)
    swapped = ConversationContent(external_id=content.external_id, participants=(people[0], people[0]))
    wrong = sealer.seal(conversation, swapped.model_dump_json().encode())
    assert refused(await asker.once("session", command.model_copy(update={"id": new_id(), "content": wrong}))) == (
        "conflict"
    )


async def test_a_decision_is_recorded_once(asker: Asker, talk: Conversation, partner: Partner) -> None:
    client = await talk.join(talk.client)
    raw = next(f for f in (await client.ok("consent.forms"))["forms"] if f["purpose"] == "live_text")
    form = FormValue.model_validate(raw)
    grant = Decide(
        **base(asker, talk),
        participant=talk.client,
        purpose="live_text",
        grant=True,
        decision=new_id(),
        version=form.version,
        sha256=form.sha256,
        if_epoch=0,
        via="device",
        device=None,
    )
    replies = bare(await asker.thrice("consent", grant))
    assert replies[0] == replies[1] == replies[2]
    withdrawal = grant.model_copy(
        update={"id": new_id(), "decision": new_id(), "grant": False, "version": None, "sha256": None, "if_epoch": None}
    )
    replies = bare(await asker.thrice("consent", withdrawal))
    assert replies[0] == replies[1] == replies[2]
    # The grant comes once more, late: it has its first answer, and undoes nothing.
    assert (await asker.once("consent", grant))["decision"]["epoch"] == replies[0]["decision"]["epoch"] - 1
    late = grant.model_copy(update={"id": new_id(), "decision": new_id()})
    assert refused(await asker.once("consent", late)) == "stale_epoch"
    other = withdrawal.model_copy(update={"id": new_id(), "decision": grant.decision})
    assert refused(await asker.once("consent", other)) == "conflict"
    _, body = await partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
    assert [d["decision"] for d in body["decisions"]] == ["grant", "withdraw"]
    assert body["in_force"][talk.client]["live_text"]["state"] == "withdrawn"


async def test_a_note_is_saved_once(asker: Asker, talk: Conversation) -> None:
    sealer = Sealer(SecretStr(asker.state.content_key))
    note = SaveNote(
        **base(asker, talk),
        author=talk.therapist,
        note=new_id(),
        format="text",
        version=None,
        fingerprint=sealer.fingerprint(talk.id, "first"),
        content=sealer.seal(talk.id, NoteContent(text="first").model_dump_json().encode()),
    )
    assert [reply["version"] for reply in await asker.thrice("notes", note)] == [1, 1, 1]
    second = note.model_copy(
        update={"id": new_id(), "version": 1, "fingerprint": sealer.fingerprint(talk.id, "second")}
    )
    assert [reply["version"] for reply in await asker.thrice("notes", second)] == [2, 2, 2]
    third = second.model_copy(update={"id": new_id(), "fingerprint": sealer.fingerprint(talk.id, "third")})
    assert refused(await asker.once("notes", third)) == "conflict"


async def test_a_session_starts_and_ends_once(asker: Asker, talk: Conversation) -> None:
    start = StartSession(**base(asker, talk), participant=talk.therapist, session=new_id(), missing=[])
    replies = bare(await asker.thrice("session", start))
    assert replies[0] == replies[1] == replies[2]
    end = EndSession(**base(asker, talk), participant=talk.client)
    ended = await asker.thrice("session", end)
    assert bare(ended)[0] == bare(ended)[1] == bare(ended)[2]
    # The used id gives its first answer, and starts nothing.
    assert bare([await asker.once("session", start)]) == replies[:1]
    client = await talk.join(talk.client)
    (held,) = [each for each in client.welcome["conversations"] if each["id"] == talk.id]
    assert held["session"] is None
    assert held["last_n"] == 2


async def test_a_read_mark_rises_once(asker: Asker, talk: Conversation) -> None:
    client = await talk.join(talk.client)
    await client.post("one")
    mark = MarkRead(**base(asker, talk), participant=talk.therapist, seq=1)
    replies = bare(await asker.thrice("session", mark))
    assert len(replies) == 3
    await client.until("message.read", seq=1)
    assert not [frame for frame in await client.settled() if frame["type"] == "message.read"]
