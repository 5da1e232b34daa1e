"""Tokens at both doors: what is not good closes 4401, or is 401; nobody else notices."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp
import jwt
import pytest

from tests.integration.conftest import soon
from tests.support.participants import Conversation, Participant, Partner

Mint = Callable[..., str]
Pair = tuple[Participant, Participant]

CHANGES: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1_700_000_000},
    "never expires": {"exp": None},
    "signed by somebody else": {"key": b"0" * 32},
    "alg none": {"algorithm": "none"},
    "another algorithm": {"algorithm": "HS512", "key": b"0" * 64},
    "unknown kid": {"kid": "2"},
    "no audience": {"aud": None},
    "another audience": {"aud": "somewhere"},
    "unknown tenant": {"tenant": str(uuid.uuid4())},
    "no tenant": {"tenant": None},
}
CONNECT_CHANGES = CHANGES | {
    "nobody": {"sub": None},
    "a stranger": {"sub": str(uuid.uuid4())},
    "another role": {"role": "supervisor"},
    "a conversation that isn't there": {"conversation": str(uuid.uuid4())},
}


async def test_a_token_of_our_own_making_is_as_good(talk: Conversation, mint: Mint) -> None:
    """So what is refused below is refused for its change alone."""
    await talk.arrive(mint(await talk.token(talk.client)))
    access = mint(await talk.partner.token())
    status, _ = await raw(talk.partner, f"/v1/conversations/{talk.id}", f"Bearer {access}")
    assert status == 200


async def raw(partner: Partner, path: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with aiohttp.ClientSession() as http, http.get(partner.gateway + path, headers=headers) as response:
        if response.status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert response.content_type == "application/problem+json"
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize("name", CONNECT_CHANGES)
async def test_a_connect_token_that_is_no_good(talk: Conversation, pair: Pair, mint: Mint, name: str) -> None:
    guest = await talk.knock()
    await guest.send("hello", ref="1", token=mint(await talk.token(talk.client), **CONNECT_CHANGES[name]))
    assert await guest.closed() == 4401
    assert guest.seen == []
    for one in pair:
        await one.untouched()


@pytest.mark.parametrize("name", CHANGES)
async def test_an_access_token_that_is_no_good(talk: Conversation, pair: Pair, mint: Mint, name: str) -> None:
    access = mint(await talk.partner.token(), **CHANGES[name])
    status, body = await raw(talk.partner, f"/v1/conversations/{talk.id}", f"Bearer {access}")
    assert (status, body["code"]) == (401, "unauthorized")
    for one in pair:
        await one.untouched()


async def test_a_token_that_was_tampered_with(talk: Conversation, pair: Pair) -> None:
    head, body, signature = (await talk.token(talk.client)).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": talk.therapist}).encode()).decode().rstrip("=")
    for token in (f"{head}.{forged}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}."):
        guest = await talk.knock()
        await guest.send("hello", token=token)
        assert await guest.closed() == 4401
    for one in pair:
        await one.untouched()


async def test_each_door_refuses_the_others_tokens(talk: Conversation, pair: Pair) -> None:
    guest = await talk.knock()
    await guest.send("hello", token=await talk.partner.token())
    assert await guest.closed() == 4401
    connect = await talk.token(talk.client)
    path = f"/v1/conversations/{talk.id}"
    for authorization in (f"Bearer {connect}", None, "", "Bearer", "Bearer ", "Basic YTpi", f"Token {connect}"):
        status, body = await raw(talk.partner, path, authorization)
        assert (status, body["code"]) == (401, "unauthorized")
    for one in pair:
        await one.untouched()


async def test_a_token_for_another_tenants_conversation(
    talk: Conversation, other_talk: Conversation, pair: Pair, mint: Mint
) -> None:
    """Even well signed, a token opens nothing of another tenant."""
    theirs = await other_talk.token(other_talk.client)
    ours = jwt.decode(await talk.token(talk.client), options={"verify_signature": False})
    for changes in (
        {"conversation": talk.id},
        {"conversation": talk.id, "sub": talk.client},
        {"tenant": ours["tenant"]},
    ):
        guest = await talk.knock()
        await guest.send("hello", token=mint(theirs, **changes))
        assert await guest.closed() == 4401
    for one in pair:
        await one.untouched()


async def test_origins(talk: Conversation, other_talk: Conversation, pair: Pair) -> None:
    gateway = talk.partner.gateway
    token = await talk.token(talk.client)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await talk.knock(headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403
    # Known, but another tenant's.
    guest = await talk.knock(headers={"Origin": "https://partner.example"})
    await guest.send("hello", token=token)
    assert await guest.closed() == 4401
    for headers in ({"Origin": gateway}, {}):
        guest = await talk.knock(headers=headers)
        await guest.send("hello", token=token)
        await guest.until("welcome")
    for one in pair:
        await one.untouched()


async def test_subprotocols(talk: Conversation, pair: Pair) -> None:
    for protocols, chosen in (((), None), (("unsaid.v1",), "unsaid.v1"), (("unsaid.v2", "unsaid.v1"), "unsaid.v1")):
        guest = await talk.knock(protocols=protocols)
        assert guest.socket.protocol == chosen
        await guest.send("hello", token=await talk.token(talk.client))
        await guest.until("welcome")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await talk.knock(protocols=("unsaid.v2", "chat"))
    assert refused.value.status == 400
    for one in pair:
        await one.untouched()


async def test_a_token_may_be_used_many_times_and_says_when_it_ends(talk: Conversation) -> None:
    token = await talk.token(talk.client, ttl_s=60)
    for _ in range(3):
        guest = await talk.arrive(token)
        ends = datetime.fromisoformat(guest.welcome["expires_at"]).timestamp()
        assert 50 < ends - soon(0) <= 61
        assert guest.welcome["expires_at"].endswith(".000Z")


async def test_at_its_end_a_connection_is_closed_unless_refreshed(talk: Conversation, pair: Pair, mint: Mint) -> None:
    long = await talk.token(talk.client)
    short = mint(long, exp=soon(2))
    left, stayed = await talk.arrive(short), await talk.arrive(short)
    ok = await stayed.ask("token.refresh", token=long)
    assert ok["type"] == "ok"
    assert datetime.fromisoformat(ok["expires_at"]).timestamp() > soon(3_000)
    assert await left.closed() == 4401
    await stayed.untouched()
    for one in pair:
        await one.untouched()


async def test_a_refresh_is_by_the_same_participant_for_no_fewer_conversations(
    talk: Conversation, partner: Partner, pair: Pair, mint: Mint
) -> None:
    client, therapist = pair
    another = await partner.conversation()
    everything = await talk.token(talk.client, scope="participant")
    bad = [
        await talk.token(talk.therapist),
        await another.token(another.client),
        mint(everything, conversation=str(uuid.uuid4())),
        mint(everything, exp=1_700_000_000),
        await partner.token(),
        "a.b.c",
        "",
    ]
    for token in bad:
        assert await client.refused("token.refresh", token=token) == "unauthorized"
    assert await client.refused("token.refresh", token=7) == "bad_frame"
    assert (await client.ok("token.refresh", token=everything))["expires_at"]
    broad = await talk.arrive(everything)
    assert await broad.refused("token.refresh", token=await talk.token(talk.client)) == "unauthorized"
    for one in (client, therapist, broad):
        await one.settled()
        await one.untouched()
