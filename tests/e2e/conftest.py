"""A real Chromium, and two windows of it."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.windows import Pair, Window
from tests.support.participants import Conversation, Partner

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; `./unsaid test` installs it where it may."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine, and none could be installed")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture
async def conversation(partner: Partner) -> Conversation:
    return await partner.conversation()


@pytest_asyncio.fixture
async def pair(browser: Browser, conversation: Conversation) -> AsyncIterator[Pair]:
    """The client's and the therapist's window, both having agreed to therapy by text."""
    client = await Window.open(browser, conversation, conversation.client)
    therapist = await Window.open(browser, conversation, conversation.therapist)
    for window in (client, therapist):
        await window.agree()
    yield client, therapist
    assert client.problems == []
    assert therapist.problems == []
    for window in (client, therapist):
        await window.context.close()


@pytest_asyncio.fixture
async def shown(pair: Pair) -> Pair:
    """The same, the client showing what they write."""
    client, _ = pair
    await client.agree_to_live_text()
    await client.show("what I write")
    await expect(client.page.get_by_role("status").filter(has_text="sees what you type")).to_be_visible()
    return pair
