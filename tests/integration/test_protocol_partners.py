"""HTTP, for partners' back ends."""

import asyncio
import base64
import json
import re
import uuid
from typing import Any

import aiohttp
import pytest

from tests.support.instances import database
from tests.support.participants import Conversation, Partner
from tests.support.platform import Platform

Json = dict[str, Any]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def name() -> str:
    return str(uuid.uuid4())


def people(client: str, therapist: str, **client_fields: object) -> list[Json]:
    return [
        {"role": "client", "external_id": client, "display_name": "Client", **client_fields},
        {"role": "therapist", "external_id": therapist, "display_name": "Therapist"},
    ]


def one_path(talk: Conversation) -> str:
    return f"/v1/conversations/{talk.id}"


# --- the token endpoint ----------------------------------------------------------------------------------------------


async def grant(partner: Partner, form: object, **options: Any) -> tuple[int, Json, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(partner.gateway + "/v1/oauth/token", data=form, **options) as response,
    ):
        return response.status, await response.json(), dict(response.headers)


async def test_a_token_by_form_or_by_basic(partner: Partner, platform: Any) -> None:
    credentials = {"client_id": platform.client_id, "client_secret": platform.client_secret}
    form = {"grant_type": "client_credentials"}
    basic = base64.b64encode(f"{platform.client_id}:{platform.client_secret}".encode()).decode()
    for data, options in (
        (form | credentials, {}),
        (form, {"headers": {"Authorization": f"Basic {basic}"}}),
    ):
        status, body, headers = await grant(partner, data, **options)
        assert status == 200
        assert set(body) == {"access_token", "token_type", "expires_in"}
        assert (body["token_type"], headers["Cache-Control"]) == ("Bearer", "no-store")
        assert body["expires_in"] >= 60


async def test_the_token_endpoint_errs_as_rfc_6749_says(partner: Partner, platform: Any) -> None:
    good = {
        "grant_type": "client_credentials",
        "client_id": platform.client_id,
        "client_secret": platform.client_secret,
    }

    def without(member: str) -> Json:
        return {k: v for k, v in good.items() if k != member}

    cases: list[tuple[object, int, str]] = [
        (good | {"client_secret": "wrong"}, 401, "invalid_client"),
        (good | {"client_id": "nobody"}, 401, "invalid_client"),
        (good | {"client_id": "a\0b"}, 401, "invalid_client"),
        (without("client_secret"), 401, "invalid_client"),
        (without("client_id"), 401, "invalid_client"),
        (without("grant_type"), 400, "invalid_request"),
        (good | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (json.dumps(good), 400, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (b"grant_type=\xff\xfe", 400, "invalid_request"),
        (b"%", 400, "invalid_request"),
    ]
    for data, status, error in cases:
        is_form = isinstance(data, bytes)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if is_form else {}
        found, body, told = await grant(partner, data, headers=headers)
        assert (found, body["error"]) == (status, error), data
        assert ("WWW-Authenticate" in told) == (status == 401)
    for header in ("Basic !", "Basic YQ==", "Bearer x", "Basic"):
        found, body, _ = await grant(partner, {"grant_type": "client_credentials"}, headers={"Authorization": header})
        assert (found, body["error"]) == (401, "invalid_client")


# --- conversations ---------------------------------------------------------------------------------------------------


async def test_a_conversation(partner: Partner) -> None:
    client, therapist, external = name(), name(), name()
    status, made = await partner.ask(
        "POST", "/v1/conversations", {"external_id": external, "participants": people(client, therapist, locale="fr")}
    )
    assert status == 201
    assert set(made) == {"id", "region", "participants"}
    assert [set(p) for p in made["participants"]] == [{"id", "role", "external_id", "display_name"}] * 2
    by_role = {p["role"]: p for p in made["participants"]}
    assert (by_role["client"]["external_id"], by_role["therapist"]["external_id"]) == (client, therapist)
    status, found = await partner.ask("GET", f"/v1/conversations/{made['id']}")
    assert status == 200
    assert TIME.fullmatch(found.pop("created_at"))
    assert found.pop("last_seq") == 0
    assert found == made


async def test_a_person_is_the_same_in_every_conversation(partner: Partner) -> None:
    client = name()
    first, second = await partner.conversation_of(client, name()), await partner.conversation_of(client, name())
    assert first.client == second.client
    assert first.id != second.id
    body = {"participants": people(name(), client)}
    status, problem = await partner.ask("POST", "/v1/conversations", body)
    assert (status, problem["code"]) == (409, "conflict")
    twice = {"participants": people(client, client)}
    status, problem = await partner.ask("POST", "/v1/conversations", twice)
    assert (status, problem["code"]) == (409, "conflict")


async def test_the_newest_display_name_wins(partner: Partner) -> None:
    client, therapist = name(), name()
    first = await partner.conversation_of(client, therapist)
    status, made = await partner.ask(
        "POST", "/v1/conversations", {"participants": people(client, therapist, display_name="Newer 𝄞")}
    )
    assert status == 201
    _, found = await partner.ask("GET", one_path(first))
    for body in (made, found):
        assert {p["display_name"] for p in body["participants"]} == {"Newer 𝄞", "Therapist"}


async def test_a_conversations_external_id_is_unique_in_the_tenant(partner: Partner, other_partner: Partner) -> None:
    client, therapist, external = name(), name(), name()
    body = {"external_id": external, "participants": people(client, therapist)}
    first, made = await partner.ask("POST", "/v1/conversations", body)
    again, found = await partner.ask("POST", "/v1/conversations", {**body, "participants": body["participants"][::-1]})
    assert (first, again) == (201, 200)
    assert found["id"] == made["id"]
    for others in (people(client, name()), people(name(), therapist), people(name(), name())):
        status, problem = await partner.ask("POST", "/v1/conversations", {**body, "participants": others})
        assert (status, problem["code"]) == (409, "conflict")
    status, theirs = await other_partner.ask("POST", "/v1/conversations", body)
    assert status == 201
    assert theirs["id"] != made["id"]
    assert not {p["id"] for p in theirs["participants"]} & {p["id"] for p in made["participants"]}


async def test_many_at_once_make_one(partner: Partner) -> None:
    body = {"external_id": name(), "participants": people(name(), name())}
    await partner.token()
    answers = await asyncio.gather(*(partner.ask("POST", "/v1/conversations", body) for _ in range(12)))
    assert sorted(status for status, _ in answers) == [200] * 11 + [201]
    assert len({made["id"] for _, made in answers}) == 1


BAD_BODIES: list[tuple[object, str]] = [
    ({}, "participants"),
    ([], "body"),
    ("text", "body"),
    (None, "body"),
    ({"participants": people("a", "b")[:1]}, "participants"),
    ({"participants": people("a", "b") + people("c", "d")[:1]}, "participants"),
    ({"participants": [people("a", "b")[0], people("c", "d")[0]]}, "participants"),
    ({"participants": people("", "b")}, "external_id"),
    ({"participants": people("a\0", "b")}, "external_id"),
    ({"participants": people("a", "b", display_name="\ud800")}, "display_name"),
    ({"participants": people("a", "b", display_name=5)}, "display_name"),
    ({"participants": people("a", "b", locale="?")}, "locale"),
    ({"participants": people("a", "b", role="Client")}, "role"),
    ({"participants": people("a", "b"), "external_id": 7}, "external_id"),
    ({"participants": people("a", "b"), "external_id": ""}, "external_id"),
    ({"participants": people("a", "b"), "region": "nowhere"}, "region"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_a_bad_request_names_its_field(partner: Partner, body: object, field: str) -> None:
    status, problem = await partner.ask("POST", "/v1/conversations", body)
    assert (status, problem["code"]) == (422, "bad_request")
    assert field in problem["field"]


async def test_optional_members_may_be_null(partner: Partner) -> None:
    body = {"external_id": None, "region": None, "participants": people(name(), name(), locale=None), "new": {"x": [1]}}
    status, _ = await partner.ask("POST", "/v1/conversations", body)
    assert status == 201


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 50_000, b'{"a":NaN}', b" " * 70_000], ids=range(6))
async def test_a_body_that_is_no_json(partner: Partner, data: bytes) -> None:
    headers = {"Authorization": f"Bearer {await partner.token()}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(partner.gateway + "/v1/conversations", data=data, headers=headers) as response,
    ):
        problem = await response.json(content_type=None)
        assert (response.status, problem["code"]) == (422, "bad_request")
        assert problem["field"]


# --- tenants ---------------------------------------------------------------------------------------------------------


async def test_a_tenant_never_learns_that_anothers_ids_exist(talk: Conversation, other_partner: Partner) -> None:
    other = await other_partner.conversation()
    token = {"participant": talk.client}
    decision = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
    for conversation in (talk.id, name(), talk.id.upper(), "x", "%00"):
        path = f"/v1/conversations/{conversation}"
        for method, rest, body in (
            ("GET", "", None),
            ("GET", "/messages", None),
            ("GET", "/consents", None),
            ("POST", "/tokens", token),
            ("POST", "/consents", decision),
        ):
            status, problem = await other_partner.ask(method, path + rest, body)
            assert (status, problem["code"], problem["status"]) == (404, "not_found", 404), (method, path + rest)
    for rest, body in (("/tokens", token), ("/consents", decision)):
        status, problem = await other_partner.ask("POST", one_path(other) + rest, body)
        assert (status, problem["code"]) == (404, "not_found")
    _, consents = await talk.partner.ask("GET", one_path(talk) + "/consents")
    assert consents == {"decisions": [], "in_force": {}}


# --- connect tokens --------------------------------------------------------------------------------------------------


async def test_connect_tokens(talk: Conversation, partner: Partner) -> None:
    path = one_path(talk) + "/tokens"
    status, made = await partner.ask("POST", path, {"participant": talk.client})
    assert status == 201
    assert set(made) == {"token", "expires_at", "url"}
    assert TIME.fullmatch(made["expires_at"])
    async with aiohttp.ClientSession() as http, http.ws_connect(made["url"]) as socket:
        await socket.send_str(json.dumps({"type": "hello", "token": made["token"]}))
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"
    both = [(await partner.ask("POST", path, {"participant": p}))[1]["url"] for p in (talk.client, talk.therapist)]
    assert both[0] == both[1]
    another = await partner.conversation()
    for body, status in (
        ({"participant": another.client}, 404),
        ({"participant": name()}, 404),
        ({"participant": "me"}, 422),
        ({}, 422),
        ({"participant": talk.client, "ttl_s": 59}, 422),
        ({"participant": talk.client, "ttl_s": 86_401}, 422),
        ({"participant": talk.client, "ttl_s": "60"}, 422),
        ({"participant": talk.client, "scope": "all"}, 422),
        ({"participant": talk.client, "ttl_s": 86_400, "scope": "participant"}, 201),
    ):
        found, problem = await partner.ask("POST", path, body)
        assert found == status, body
        if status == 422:
            assert problem["field"] in ("participant", "ttl_s", "scope")


# --- messages --------------------------------------------------------------------------------------------------------


async def test_messages_in_pages(talk: Conversation) -> None:
    client = await talk.join(talk.client)
    path = one_path(talk) + "/messages"
    assert await talk.partner.ask("GET", path) == (200, {"messages": [], "next_after": None})
    first = str(uuid.uuid4())
    await client.ok("message.send", message=first, text="1 𝄞")
    for text in ("2", "3", "4", "5"):
        await client.post(text, in_reply_to=first, tone="calm")
    found, after = [], "0"
    while after != "None":
        status, page = await talk.partner.ask("GET", f"{path}?after={after}&limit=2")
        assert status == 200
        found += page["messages"]
        after = str(page["next_after"])
    assert [(m["seq"], m["text"]) for m in found] == [(1, "1 𝄞"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]
    assert set(found[0]) == {"seq", "n", "message", "from", "text", "at"}
    assert set(found[1]) == {"seq", "n", "message", "from", "text", "at", "in_reply_to", "tone"}
    assert (await client.ok("history"))["messages"] == found
    for query in ("after=-1", "after=x", "limit=0", "limit=201", "limit=1.5", "after=", "after=%C2%B2"):
        status, problem = await talk.partner.ask("GET", f"{path}?{query}")
        assert (status, problem["field"]) == (422, query.split("=")[0])


# --- Idempotency-Key -------------------------------------------------------------------------------------------------


async def test_the_first_success_is_repeated(partner: Partner, other_partner: Partner) -> None:
    key = {"Idempotency-Key": name()}
    body = {"participants": people(name(), name())}
    first = await partner.ask("POST", "/v1/conversations", body, key)
    assert first[0] == 201
    reordered = {"participants": [dict(reversed(p.items())) for p in body["participants"]]}
    for again in (body, reordered):  # compared as JSON
        assert await partner.ask("POST", "/v1/conversations", again, key) == first
    status, problem = await partner.ask("POST", "/v1/conversations", {"participants": people(name(), name())}, key)
    assert (status, problem["code"]) == (409, "conflict")
    status, theirs = await other_partner.ask("POST", "/v1/conversations", body, key)
    assert status == 201
    assert theirs["id"] != first[1]["id"]


async def test_a_key_belongs_to_a_path_template_and_an_id(partner: Partner) -> None:
    key = {"Idempotency-Key": name()}
    talk, another = await partner.conversation(), await partner.conversation()
    tokens = f"{one_path(talk)}/tokens"
    first = await partner.ask("POST", tokens, {"participant": talk.client}, key)
    assert first[0] == 201
    assert await partner.ask("POST", tokens, {"participant": talk.client}, key) == first
    status, _ = await partner.ask("POST", f"{one_path(another)}/tokens", {"participant": talk.client}, key)
    assert status == 409
    withdrawal = {"participant": talk.client, "purpose": "live_text", "decision": "withdraw"}
    status, decided = await partner.ask("POST", f"{one_path(talk)}/consents", withdrawal, key)
    assert status == 201
    assert await partner.ask("POST", f"{one_path(talk)}/consents", withdrawal, key) == (201, decided)


async def test_a_failure_is_not_kept(partner: Partner) -> None:
    key = {"Idempotency-Key": name()}
    status, _ = await partner.ask("POST", "/v1/conversations", {"participants": []}, key)
    assert status == 422
    status, _ = await partner.ask("POST", "/v1/conversations", {"participants": people(name(), name())}, key)
    assert status == 201


@pytest.mark.parametrize("named", [False, True])
async def test_a_repetition_after_a_crash_gets_the_first_success(
    platform: Platform, partner: Partner, *, named: bool
) -> None:
    key = name()
    body: dict[str, object] = {"participants": people(name(), name())}
    if named:
        body["external_id"] = name()
    first = await partner.ask("POST", "/v1/conversations", body, {"Idempotency-Key": key})
    assert first[0] == 201
    gateway = await database(platform, "gateway")
    await gateway.execute("update idempotency set status = null, answer = null")  # it died before it kept the answer
    await gateway.close()
    assert await partner.ask("POST", "/v1/conversations", body, {"Idempotency-Key": key}) == first


async def test_many_at_once_under_one_key_make_one(partner: Partner) -> None:
    key = {"Idempotency-Key": name()}
    body = {"participants": people(name(), name())}
    await partner.token()
    answers = await asyncio.gather(*(partner.ask("POST", "/v1/conversations", body, key) for _ in range(8)))
    assert {status for status, _ in answers} == {201}
    assert len({made["id"] for _, made in answers}) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(partner: Partner, key: str) -> None:
    body = {"participants": people(name(), name())}
    status, problem = await partner.ask("POST", "/v1/conversations", body, {"Idempotency-Key": key})
    assert (status, problem["field"]) == (422, "Idempotency-Key")


# --- the rest --------------------------------------------------------------------------------------------------------


async def test_health_and_documents(partner: Partner) -> None:
    async with aiohttp.ClientSession(partner.gateway) as http:
        for path in ("/healthz", "/readyz"):
            async with http.get(path) as response:
                assert response.status == 200
        async with http.get("/v1/openapi.json") as response:
            assert (await response.json())["openapi"].startswith("3.1")
        async with http.get("/v1/asyncapi.json") as response:
            assert (await response.json())["asyncapi"].startswith("3")
