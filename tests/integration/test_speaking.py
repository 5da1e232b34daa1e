"""No service speaks for another: by which exchange something came says who sent it."""

import uuid

import aio_pika

from deploy.local.home import QueueService, Service
from shared.contracts.consent_commands import Decide
from shared.contracts.consent_events import ConsentChanged
from shared.contracts.envelope import Envelope
from shared.contracts.ids import ConsentState
from shared.runtime.broker.topology import command_queue, dead_queue, events_exchange, registrations_exchange
from tests.support.channels import channel
from tests.support.instances import database
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

Pair = tuple[Participant, Participant]


async def _tell(platform: Platform, service: Service, exchange: str, key: str, envelope: Envelope) -> None:
    async with channel(platform, service) as opened:
        target = await opened.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(b"[" + envelope.model_dump_json().encode() + b"]"), key, timeout=5)


async def test_nobody_but_the_consent_service_says_what_is_in_force(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client, _ = pair
    await client.consent("live_text")
    consents = await database(platform, "consent")
    epoch = await consents.fetchval("select max(epoch) from decision where conversation = $1", talk.id)
    of_talk = "select address, tenant from subscription where topic = $1"
    held = await consents.fetch(of_talk, talk.id)
    await consents.close()
    assert held

    async def says(service: QueueService, state: ConsentState, later: int) -> None:
        for row in held:
            changed = ConsentChanged(
                tenant=str(row["tenant"]),
                conversation=talk.id,
                participant=talk.client,
                purpose="live_text",
                state=state,
                epoch=epoch + later,
            )
            await _tell(platform, service, events_exchange(service), row["address"], changed)

    for other in ("session", "notes"):
        await says(other, "withdrawn", 2)
    await says("consent", "withdrawn", 1)
    assert (await client.until("consent.changed", purpose="live_text", state="withdrawn"))["epoch"] == epoch + 1
    await client.settled()
    assert epoch + 2 not in [frame.get("epoch") for frame in client.seen]


async def test_the_session_service_decides_for_nobody(platform: Platform, talk: Conversation, pair: Pair) -> None:
    """It may say that a conversation is there, and nothing else."""
    client, _ = pair
    decision = str(uuid.uuid4())
    consents = await database(platform, "consent")
    tenant = str(await consents.fetchval("select tenant from conversation where id = $1", talk.id))
    decide = Decide(
        tenant=tenant,
        replyto="",
        conversation=talk.id,
        participant=talk.client,
        purpose="live_text",
        grant=False,
        decision=decision,
        version=None,
        sha256=None,
        if_epoch=None,
        via="partner",
        device=None,
    )
    queue = command_queue("consent", platform.state.queues.consent, talk.id)
    await _tell(platform, "session", registrations_exchange("consent"), queue, decide)
    await client.consent("live_text")  # behind it
    assert await consents.fetchval("select count(*) from decision where id = $1", decision) == 0
    await consents.close()
    async with channel(platform, "consent") as opened:
        letter = await (await opened.get_queue(dead_queue("consent"), ensure=False)).get(timeout=5)
        assert letter.headers["reason"] == "not_its_to_ask"
        await letter.ack()
