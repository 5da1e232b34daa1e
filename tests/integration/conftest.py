"""What tests of the protocol stand on: a partner, a conversation, a second tenant, tokens of any kind."""

import base64
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from deploy.local import services
from deploy.local.home import Home, State
from tests.support.consent_log import Tenant, new_tenant
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform, started

Mint = Callable[..., str]


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform that only one module's tests use, since they break it, or search all of it."""
    with started() as found:
        yield found


@pytest_asyncio.fixture
async def tenant(platform: Platform) -> AsyncIterator[Tenant]:
    """A tenant of its own of the platform that is shared."""
    async with new_tenant(platform) as found:
        yield found


@pytest_asyncio.fixture
async def own_tenant(own: Platform) -> AsyncIterator[Tenant]:
    """A tenant of its own of the module's own platform."""
    async with new_tenant(own) as found:
        yield found


@pytest.fixture(scope="session")
def state(platform: Any) -> State:
    """The secrets of the platform under test."""
    found = Home(platform.home).state
    assert found is not None
    return found


@pytest_asyncio.fixture
async def partner(platform: Any) -> AsyncIterator[Partner]:
    async with Partner(platform.gateway, platform.client_id, platform.client_secret) as found:
        yield found


@pytest_asyncio.fixture
async def talk(partner: Partner) -> AsyncIterator[Conversation]:
    """A new conversation, which nobody is connected to yet."""
    found = await partner.conversation()
    yield found
    await found.leave()


@pytest_asyncio.fixture
async def pair(talk: Conversation) -> tuple[Participant, Participant]:
    """Client and therapist of `talk`, connected, with nothing to hear left."""
    client, therapist = await talk.both()
    for one in (client, therapist):
        await one.settled()
    return client, therapist


@pytest.fixture(scope="session")
def slow_tenant(state: State) -> tuple[str, str]:
    """Client id and secret of another tenant, with the limits as the protocol names them."""
    told = {
        "name": f"slow-{secrets.token_hex(4)}",
        "client_id": f"slow-{secrets.token_hex(4)}",
        "client_secret": secrets.token_urlsafe(16),
        "origins": ["https://partner.example"],
        "rate_factor": 1,
    }
    services.run_verb("gateway", "ensure-tenant", told, state).check_returncode()
    return str(told["client_id"]), str(told["client_secret"])


@pytest_asyncio.fixture
async def other_partner(platform: Any, slow_tenant: tuple[str, str]) -> AsyncIterator[Partner]:
    """A partner of another tenant."""
    async with Partner(platform.gateway, *slow_tenant) as found:
        yield found


@pytest_asyncio.fixture
async def other_talk(other_partner: Partner) -> AsyncIterator[Conversation]:
    """A conversation of the other tenant."""
    found = await other_partner.conversation()
    yield found
    await found.leave()


@pytest.fixture(scope="session")
def mint(state: State) -> Mint:
    """Makes a token from the claims of a real one, with changes; None leaves a claim out."""
    ours = base64.b64decode(state.token_key)

    def made(like: str, key: bytes = ours, kid: str = "1", algorithm: str = "HS256", **changes: object) -> str:
        claims = {**jwt.decode(like, options={"verify_signature": False}), **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, "" if algorithm == "none" else key, algorithm, headers={"kid": kid})

    return made


def soon(seconds: float) -> int:
    """A moment for ``exp``, in whole seconds."""
    return int(time.time() + seconds)
