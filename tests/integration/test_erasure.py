"""An erased conversation is gone: from the platform, from a backup of before, for every later request, for ever."""

import asyncio
import uuid
from base64 import b64encode

import pytest

from deploy.local import demo
from shared.contracts.contents import MessageContent, NoteContent
from shared.contracts.errors import Erased
from shared.contracts.keys import conversation_key, message, note, progress_notes_key
from shared.runtime.sealing import SealBroken
from tests.support.erasure import caches_expired, dump, erase, path, restore, tenant_of, until
from tests.support.instances import database, gateway, ready
from tests.support.keys import keyring
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform
from tests.support.trail import until_audited


async def said(talk: Conversation) -> tuple[Participant, Participant, str, str]:
    """Something said, a draft kept, a note written; the ids of message and note."""
    client, therapist = await talk.both()
    await client.consent("live_text", "composition_replay")
    await client.ok("live.toggle", on=True)
    first, noted = str(uuid.uuid4()), str(uuid.uuid4())
    await client.ok("live.edit", draft=first, rev=1, ops=[[50, "i", 0, "what I never told"]])
    await client.ok("message.send", message=first, text="what I told")
    await therapist.ok("note.save", note=noted, format="text", text="what I thought")
    return client, therapist, first, noted


async def test_every_later_request_is_erased(platform: Platform, partner: Partner, talk: Conversation) -> None:
    client, therapist, _, _ = await said(talk)
    begun = await erase(talk)
    assert set(begun) == {"id", "state", "begun_at"}
    assert (begun["id"], begun["state"]) == (talk.id, "erasing")
    for one in (client, therapist):
        gone = await one.until("conversation.erased")
        assert (gone["conversation"], gone["at"]) == (talk.id, begun["begun_at"])
        assert await one.closed() == 4410
    requests: list[tuple[str, str, object]] = [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/messages", None),
        ("GET", "/consents", None),
        ("POST", "/tokens", {"participant": talk.client}),
        ("POST", "/consents", {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}),
    ]
    for method, rest, body in requests:
        status, problem = await partner.ask(method, path(talk, rest), body)
        assert (status, problem["code"]) == (410, "erased"), (method, rest, problem)
    status, problem = await partner.ask("GET", path(talk))
    assert (problem["state"], problem["begun_at"]) == ("erasing", begun["begun_at"])
    for method, rest, _ in requests:
        await until_audited(platform, talk.id, f"{method} /v1/conversations/{{id}}{rest}", "erased")


async def test_the_demo_goes_on_in_another_conversation(platform: Platform, partner: Partner) -> None:
    """`./unsaid up` starts again after somebody erased the demo's, as docs/audit.md asks them to."""

    async def found() -> str:
        links = await asyncio.to_thread(demo.links, platform.state)
        return links[0].url.rpartition("&c=")[2]

    before = await found()
    await partner.ask("DELETE", f"/v1/conversations/{before}")
    after = await found()
    assert after != before
    assert await found() == after


async def test_a_token_of_before_lets_nobody_in(talk: Conversation) -> None:
    token = await talk.token(talk.client)
    await erase(talk)
    guest = await talk.knock()
    await guest.send("hello", token=token)
    assert await guest.closed() == 4410


async def test_who_is_in_other_conversations_stays_in_those(partner: Partner) -> None:
    therapist = str(uuid.uuid4())
    one = await partner.conversation_of(str(uuid.uuid4()), therapist)
    other = await partner.conversation_of(str(uuid.uuid4()), therapist)
    there = await one.arrive(await one.token(one.therapist, scope="participant"))
    await erase(one)
    await there.until("conversation.erased", conversation=one.id)
    send = {"message": str(uuid.uuid4()), "text": "x"}
    assert await there.refused("message.send", **send) == "erased"
    assert (await there.ask("message.send", **{**send, "conversation": other.id}))["type"] == "ok"
    assert [c["id"] for c in (await there.ok("conversation.list"))["conversations"]] == [other.id]
    again = await other.arrive(await other.token(other.therapist, scope="participant"))
    assert [c["id"] for c in again.welcome["conversations"]] == [other.id]
    for each in (one, other):
        await each.leave()


async def test_only_its_own_tenant_can_erase_it(talk: Conversation, other_partner: Partner) -> None:
    status, problem = await other_partner.ask("DELETE", path(talk))
    assert (status, problem["code"]) == (404, "not_found")
    for unknown in (str(uuid.uuid4()), "x"):
        status, problem = await talk.partner.ask("DELETE", f"/v1/conversations/{unknown}")
        assert (status, problem["code"]) == (404, "not_found")
    assert (await talk.partner.ask("GET", path(talk)))[0] == 200


async def test_answers_that_are_repeated_are_erased_too(partner: Partner) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    people = [
        {"role": role, "external_id": str(uuid.uuid4()), "display_name": role} for role in ("client", "therapist")
    ]
    body = {"participants": people, "external_id": str(uuid.uuid4())}
    status, made = await partner.ask("POST", "/v1/conversations", body, key)
    assert status == 201
    ids = {p["role"]: p["id"] for p in made["participants"]}
    talk = Conversation(partner, made["id"], ids["client"], ids["therapist"])
    token = {"participant": talk.client}
    assert (await partner.ask("POST", path(talk, "/tokens"), token, key))[0] == 201
    await erase(talk)
    for where, again in (("/v1/conversations", body), (path(talk, "/tokens"), token)):
        status, problem = await partner.ask("POST", where, again, key)
        assert (status, problem["code"]) == (410, "erased"), where


async def test_the_other_gateway_forgets_it_as_well(platform: Platform, talk: Conversation) -> None:
    with gateway(platform, "erasing-far") as (address, _):
        await ready(address)
        far = await talk.arrive(await talk.token(talk.therapist), address)
        await erase(talk)
        assert (await far.until("conversation.erased"))["conversation"] == talk.id
        assert await far.closed() == 4410


async def test_it_is_done_when_no_cache_can_have_its_keys(platform: Platform, talk: Conversation) -> None:
    _, _, first, noted = await said(talk)
    tenant = await tenant_of(platform, talk)
    await erase(talk)
    session, notes = await database(platform, "session"), await database(platform, "notes")
    consent, keys = await database(platform, "consent"), await database(platform, "keys")
    await until(session, "select keys_destroyed_at is not null from conversation where id = $1", talk.id)
    assert await keys.fetchval("select count(*) from data_key where owner = $1", talk.id) == 0
    await asyncio.sleep(2.5)  # two rounds of the eraser: nothing may happen
    _, problem = await talk.partner.ask("GET", path(talk))
    assert problem["state"] == "erasing"
    await caches_expired(platform, talk)
    _, problem = await talk.partner.ask("GET", path(talk))
    assert problem["state"] == "done"
    assert problem["done_at"] > problem["begun_at"]
    event = await session.fetchrow("select * from event where conversation = $1", talk.id)
    assert event is not None
    assert (event["content"], event["fingerprint"], str(event["message"])) == (b"", None, first)
    assert await session.fetchval("select count(*) from composition where conversation = $1", talk.id) == 1
    assert await session.fetchval("select count(*) from composition_part where conversation = $1", talk.id) == 0
    kept = await notes.fetchrow("select * from note where conversation = $1", talk.id)
    assert kept is not None
    assert (kept["content"], str(kept["id"])) == (b"", noted)
    assert await consent.fetchval("select count(*) from decision where conversation = $1", talk.id) == 2
    async with keyring(platform) as ring:
        for name in (conversation_key(tenant, talk.id), progress_notes_key(tenant, talk.id)):
            with pytest.raises(Erased):
                await ring.of(name)
    for connection in (session, notes, keys, consent):
        await connection.close()


async def test_a_key_and_an_erasure_in_the_same_moment(platform: Platform) -> None:
    """Whichever comes first, there is no key afterwards."""
    keys = await database(platform, "keys")
    tenant = str(uuid.uuid4())
    async with keyring(platform) as one, keyring(platform) as other:
        await one.of(conversation_key(tenant, str(uuid.uuid4())))
        await other.of(conversation_key(tenant, str(uuid.uuid4())))
        for _ in range(20):
            owner = str(uuid.uuid4())
            await asyncio.gather(
                one.load([conversation_key(tenant, owner), progress_notes_key(tenant, owner)]),
                other.destroy(tenant, owner),
            )
            assert await keys.fetchval("select count(*) from data_key where owner = $1", owner) == 0
            with pytest.raises(Erased):
                await other.of(conversation_key(tenant, owner))
    await keys.close()


# --- a backup of before ----------------------------------------------------------------------------------------------


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


@pytest.mark.timeout(180)
async def test_a_restored_backup_shows_nothing_of_it(own: Platform) -> None:
    """A real dump from before: readable as long as the keys are there, and by nobody when they are destroyed."""
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk, other = await partner.conversation(), await partner.conversation()
        _, _, first, noted = await said(talk)
        _, _, kept, _ = await said(other)
        tenant = await tenant_of(own, talk)
        dumps = {name: dump(own, name) for name in ("session", "notes", "gateway")}

        session, notes = await restore(own, dumps["session"], "then-s"), await restore(own, dumps["notes"], "then-n")
        row = "select content from event where conversation = $1 and kind = 'message.posted'"
        message_then = await session.fetchval(row, talk.id)
        note_then = await notes.fetchval("select content from note where conversation = $1", talk.id)
        other_then = await session.fetchval(row, other.id)
        async with keyring(own) as ring:
            key = await ring.of(conversation_key(tenant, talk.id))
            assert MessageContent.model_validate_json(key.open(message(first), b64(message_then))).text == "what I told"
            key = await ring.of(progress_notes_key(tenant, talk.id))
            assert NoteContent.model_validate_json(key.open(note(noted), b64(note_then))).text == "what I thought"

        await erase(talk)
        await caches_expired(own, talk)

        async with keyring(own) as ring:  # with all that the platform still has: its keys, its provider, its secrets
            for name in (conversation_key(tenant, talk.id), progress_notes_key(tenant, talk.id)):
                with pytest.raises(Erased):
                    await ring.of(name)
            others = await ring.of(conversation_key(tenant, other.id))
            assert "what I told" in others.open(message(kept), b64(other_then)).decode()
            with pytest.raises(SealBroken):
                others.open(message(first), b64(message_then))
        for connection in (session, notes):
            await connection.close()
        for each in (talk, other):
            await each.leave()
