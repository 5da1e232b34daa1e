"""Tokens: who is let in, and everybody else who isn't."""

import base64
import json
from typing import Any, cast

import jwt
import pytest
from pydantic import SecretStr

from services.gateway.domain.tokens import ACCESS_TTL_S, CONNECT, PARTNER, Connect, Tokens
from shared.contracts.errors import Code, Refused
from shared.contracts.ids import new_id

NOW = 1_700_000_000.0
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
TENANT, PERSON, CONVERSATION = new_id(), new_id(), new_id()


def tokens(**keys: bytes) -> Tokens:
    return Tokens({kid: SecretStr(base64.b64encode(key).decode()) for kid, key in keys.items()})


BOTH = tokens(new=NEW, old=OLD)
CLAIMS = Connect(tenant=TENANT, sub=PERSON, role="client", conversation=CONVERSATION, exp=int(NOW) + 60)


def forged(key: bytes | str = NEW, kid: object = "new", algorithm: str = "HS256", **changes: Any) -> str:
    """A token as ours, except for what is changed; None leaves a claim out."""
    claims = {**CLAIMS.model_dump(), "aud": CONNECT, "iat": int(NOW), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm, headers={"kid": kid} if kid is not None else {})


def assert_refused(token: str) -> None:
    with pytest.raises(Refused) as refused:
        BOTH.read_connect(token, NOW)
    assert refused.value.code is Code.UNAUTHORIZED


def test_a_connect_token_says_whom_it_was_made_for() -> None:
    assert BOTH.read_connect(BOTH.connect(CLAIMS, NOW), NOW) == CLAIMS
    assert BOTH.read_connect(forged(), NOW) == CLAIMS  # so what is refused below is refused for its change alone


def test_a_token_for_all_conversations_names_none() -> None:
    claims = CLAIMS.model_copy(update={"conversation": None})
    assert BOTH.read_connect(BOTH.connect(claims, NOW), NOW).conversation is None


def test_an_access_token_lasts_as_long_as_it_says() -> None:
    token = BOTH.access(TENANT, NOW)
    assert BOTH.read_access(token, NOW + ACCESS_TTL_S - 1).tenant == TENANT
    with pytest.raises(Refused):
        BOTH.read_access(token, NOW + ACCESS_TTL_S)


def test_a_key_that_no_longer_signs_still_opens() -> None:
    token = tokens(old=OLD).connect(CLAIMS, NOW)
    assert BOTH.read_connect(token, NOW) == CLAIMS
    assert jwt.get_unverified_header(BOTH.connect(CLAIMS, NOW))["kid"] == "new"
    with pytest.raises(Refused):
        tokens(new=NEW).read_connect(token, NOW)


def test_each_door_refuses_the_others_tokens() -> None:
    assert_refused(BOTH.access(TENANT, NOW))
    with pytest.raises(Refused):
        BOTH.read_access(BOTH.connect(CLAIMS, NOW), NOW)
    assert_refused(forged(aud=PARTNER))
    assert_refused(forged(aud="somewhere"))


@pytest.mark.parametrize("exp", [int(NOW), int(NOW) - 1, 0, NOW + 60.5, "soon", True, None, [9e9]])
def test_a_token_that_has_expired_or_does_not_say_when(exp: object) -> None:
    assert_refused(raw(exp=exp))


@pytest.mark.parametrize("claim", ["exp", "aud", "tenant", "sub", "role"])
def test_no_claim_may_be_missing(claim: str) -> None:
    assert_refused(forged(**cast("dict[str, Any]", {claim: None})))


@pytest.mark.parametrize(
    "change",
    [{"tenant": 7}, {"tenant": "T"}, {"sub": PERSON.upper()}, {"role": "supervisor"}, {"conversation": "all"}],
)
def test_no_claim_may_be_mistyped(change: dict[str, Any]) -> None:
    assert_refused(raw(**change))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_that_was_tampered_with(part: int) -> None:
    parts = forged().split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    assert_refused(".".join(parts))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def raw(**changes: object) -> str:
    """Signed as ours are, with claims that the library would not write."""
    claims = {**CLAIMS.model_dump(), "aud": CONNECT, **changes}
    head = encoded({"alg": "HS256", "typ": "JWT", "kid": "new"})
    body = f"{head}.{encoded(claims)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(body.encode(), NEW)
    return f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_token_that_nobody_signed() -> None:
    claims = {**CLAIMS.model_dump(), "aud": CONNECT}
    for algorithm in ("none", "None", "NONE"):
        assert_refused(f"{encoded({'alg': algorithm, 'kid': 'new'})}.{encoded(claims)}.")
    assert_refused(jwt.encode(claims, NEW * 2, "HS512", headers={"kid": "new"}))


@pytest.mark.parametrize("kid", ["other", "", None, "constructor"])
def test_a_key_that_is_not_known(kid: str | None) -> None:
    assert_refused(forged(kid=kid))


def test_a_key_id_that_is_not_even_text() -> None:
    for kid in (7, ["new"], {"new": 1}, None):
        assert_refused(f"{encoded({'alg': 'HS256', 'kid': kid})}.{encoded({})}.AAAA")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "\x00", "é.é.é", "\ud800.x.y", " " * 10_000, "[" * 60_000],
    ids=range(11),
)
def test_what_is_no_token_at_all(token: str) -> None:
    assert_refused(token)


def test_a_header_that_is_nested_without_end() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 30_000 + b"]" * 30_000).decode().rstrip("=")
    assert_refused(f"{nested}.{encoded({})}.AAAA")


def test_what_a_token_covers() -> None:
    everything = CLAIMS.model_copy(update={"conversation": None})
    other = CLAIMS.model_copy(update={"conversation": new_id()})
    stranger = everything.model_copy(update={"sub": new_id()})
    assert CLAIMS.covers(CLAIMS)
    assert everything.covers(CLAIMS)
    assert everything.covers(everything)
    assert not CLAIMS.covers(everything)
    assert not other.covers(CLAIMS)
    assert not stranger.covers(CLAIMS)
    assert not everything.model_copy(update={"role": "therapist"}).covers(CLAIMS)
    assert not everything.model_copy(update={"tenant": new_id()}).covers(CLAIMS)
