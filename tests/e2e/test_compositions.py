"""Playing back how a message was written, in a real browser."""

import os
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window

SENT = "I miss him"


@pytest_asyncio.fixture
async def kept(shown: Pair) -> Pair:
    """The client has live text on and has it kept; one message was written with a second thought, and sent."""
    client, therapist = shown
    await expect(client.page.get_by_role("button", name="How it was written")).to_have_count(0)
    await client.agree_to("Keeping how messages were written")
    written = ""
    for key in [*"I hate", *["Backspace"] * 4, *"miss him"]:
        written = written[:-1] if key == "Backspace" else written + key
        await client.composer.press(key)
        await therapist.drafted(written)  # each seen before the next, or a slow page sends several as one
    await client.composer.press("Enter")
    await expect(therapist.log).to_contain_text(SENT)
    return shown


async def opened(window: Window) -> Locator:
    await window.log.get_by_role("button", name="How it was written").click()
    player = window.page.get_by_role("dialog", name="How it was written")
    await expect(player.get_by_role("button", name="Play")).to_be_visible()
    return player


async def test_a_message_is_played_with_what_was_deleted(kept: Pair) -> None:
    client, _ = kept
    player = await opened(client)
    page, place = player.locator(".page"), player.get_by_role("slider", name="Moment")
    await expect(page).to_have_text("")
    await player.get_by_label("Speed").select_option("20×")
    await player.get_by_role("button", name="Play").click()
    await expect(page).to_have_text("I hatemiss him")
    await expect(page.locator("del")).to_have_text("hate")
    await expect(player.get_by_role("button", name="Play")).to_be_visible()  # it has ended
    await place.focus()
    await place.press("Home")
    await expect(page).to_have_text("")
    await place.press("ArrowRight")
    await expect(page).to_have_text("I")
    await expect(place).to_have_attribute("aria-valuetext", "1 of 18 keystrokes, after 0 s")
    jump = player.get_by_role("button", name="Next deletion")
    await jump.click()
    await expect(page.locator("del")).to_have_text("e")
    for _ in range(3):
        await jump.press("Enter")
    await expect(page.locator("del")).to_have_text("hate")
    await expect(jump).to_be_disabled()


async def test_playing_can_be_paused(kept: Pair) -> None:
    client, _ = kept
    player = await opened(client)
    await player.get_by_role("button", name="Play").click()
    await expect(player.locator(".page")).to_contain_text("I")
    await player.get_by_role("button", name="Pause").click()
    await expect(player.get_by_role("button", name="Play")).to_be_visible()


async def test_the_author_opens_it_and_lets_it_go(kept: Pair) -> None:
    client, therapist = kept
    player = await opened(client)
    await expect(player.get_by_text("only what you showed live")).to_be_visible()
    await player.get_by_role("button", name="Open it to Therapist").click()
    await expect(player.get_by_text("Therapist can see all of it.")).to_be_visible()
    theirs = await opened(therapist)
    await expect(theirs.get_by_role("button", name="Let it go for good")).to_have_count(0)
    await theirs.get_by_role("textbox", name="An unsaid moment").fill("What came before?")
    await theirs.get_by_role("button", name="Mark this moment").click()
    await expect(theirs.get_by_role("listitem")).to_have_text("What came before?")
    await theirs.get_by_role("button", name="Close").click()
    await player.get_by_role("button", name="Let it go for good").click()
    await expect(player).to_be_hidden()
    await therapist.log.get_by_role("button", name="How it was written").click()
    await expect(therapist.page.get_by_role("dialog")).to_contain_text("Nothing was kept of this one.")


async def test_withdrawing_offers_deletion(kept: Pair) -> None:
    client, _ = kept
    page = client.page
    await client.menu("Consents")
    await page.get_by_role("button", name="Withdraw: Keeping how messages were written").click()
    await expect(page.get_by_text("What was kept before is still there.")).to_be_visible()
    await page.get_by_role("button", name="Let all of mine go for good").click()
    await expect(page.get_by_text("All that was kept of your writing is destroyed.")).to_be_visible()
    await page.get_by_role("button", name="What was kept of your writing").click()
    await expect(page.get_by_text("Nothing is kept.")).to_be_visible()


async def test_picture_of_the_player(kept: Pair, tmp_path: Path) -> None:
    """`UNSAID_PICTURES=docs/pictures ./unsaid test -k picture`."""
    client, _ = kept
    player = await opened(client)
    for _ in range(4):
        await player.get_by_role("button", name="Next deletion").click()
    await expect(player.locator("del")).to_have_text("hate")
    for _ in range(5):
        await player.get_by_role("slider", name="Moment").press("ArrowRight")
    await expect(player.locator(".page")).to_have_text("I hatemiss ")
    path = Path(os.environ.get("UNSAID_PICTURES", tmp_path)) / "player.png"
    await client.page.screenshot(path=path)
    assert path.stat().st_size > 10_000
