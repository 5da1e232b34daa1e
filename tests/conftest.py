"""Fixtures that several kinds of tests share: a real platform, and a partner of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.support.participants import Partner
from tests.support.platform import Platform, started

settings.register_profile("unsaid", deadline=None)  # speed is measured, never asserted in tests
settings.load_profile("unsaid")


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A running platform, shared by the tests that don't break it."""
    with started() as running:
        yield running


@pytest_asyncio.fixture
async def partner(platform: Platform) -> AsyncIterator[Partner]:
    async with Partner(platform.gateway, platform.client_id, platform.client_secret) as one:
        yield one
