"""Two people, two windows of a real browser, the whole platform behind them."""

import os
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.windows import Pair, Window
from tests.support.participants import Conversation


async def test_they_talk_and_see_that_it_is_stored(pair: Pair) -> None:
    client, therapist = pair
    await client.say("I slept better.")
    await expect(therapist.log).to_contain_text("I slept better.")
    await expect(client.log.locator("li.own .state")).to_contain_text("✓")
    await therapist.say("What was different?")
    await expect(client.log).to_contain_text("What was different?")
    await expect(therapist.log.locator("li")).to_have_count(2)


async def test_the_token_leaves_the_address_at_once(pair: Pair) -> None:
    for window in pair:
        assert "t=" not in window.page.url
        assert window.page.url.endswith("/app/")


async def test_each_word_is_seen_to_come_and_to_go(pair: Pair) -> None:
    client, therapist = pair
    await expect(client.page.locator(".dimmer")).to_be_hidden()
    await client.agree_to_live_text()
    await client.show("what I write")
    await expect(client.page.get_by_role("status").filter(has_text="sees what you type")).to_be_visible()
    await therapist.composer.focus()
    await client.composer.press_sequentially("I am angry 👩‍👩‍👧")
    await expect(therapist.draft).to_have_text("I am angry 👩‍👩‍👧")
    for _ in range(6):  # the family is one
        await client.composer.press("Backspace")
    await expect(therapist.draft).to_have_text("I am a")
    await client.composer.press_sequentially(" bit lost")
    await expect(therapist.draft).to_have_text("I am a bit lost")
    await expect(therapist.composer).to_be_focused()
    await client.composer.press("Enter")
    await expect(therapist.log).to_contain_text("I am a bit lost")
    await expect(therapist.draft).to_have_count(0)


async def test_rhythm_shows_no_word_and_off_shows_nothing(pair: Pair) -> None:
    client, therapist = pair
    await client.agree_to_live_text()
    await client.show("only the rhythm")
    await client.composer.press_sequentially("secret")
    await expect(therapist.draft).to_have_text("••••••")
    await client.show("nothing")
    await expect(therapist.draft).to_have_count(0)
    await client.composer.press_sequentially(" more")
    await client.composer.press("Enter")
    await expect(therapist.log).to_contain_text("secret more")


async def test_withdrawing_takes_the_draft_away_and_the_dimmer_too(pair: Pair) -> None:
    client, therapist = pair
    await client.agree_to_live_text()
    await client.show("what I write")
    await client.composer.press_sequentially("half a thought")
    await expect(therapist.draft).to_have_text("half a thought")
    await client.menu("Consents")
    await client.page.get_by_role("button", name="Withdraw: Live text").click()
    await expect(therapist.draft).to_have_count(0)
    await client.page.get_by_role("button", name="Close").click()
    await expect(client.page.locator(".dimmer")).to_be_hidden()


async def test_escape_takes_the_draft_back(pair: Pair) -> None:
    client, therapist = pair
    await client.agree_to_live_text()
    await client.show("what I write")
    await client.composer.press_sequentially("never mind")
    await expect(therapist.draft).to_have_text("never mind")
    await client.composer.press("Escape")
    await expect(therapist.draft).to_have_count(0)
    await expect(client.composer).to_have_value("")


async def test_a_reload_finds_the_talk_and_the_unsent_text(pair: Pair) -> None:
    client, therapist = pair
    await client.say("before the reload")
    await expect(therapist.log).to_contain_text("before the reload")
    await client.composer.fill("not sent yet")
    await client.page.reload()
    await expect(client.log).to_contain_text("before the reload")
    await expect(client.composer).to_have_value("not sent yet")


async def test_what_is_written_without_a_connection_arrives_once_and_what_was_missed_comes(pair: Pair) -> None:
    client, therapist = pair
    await client.say("one")
    await expect(therapist.log).to_contain_text("one")
    await client.cut()
    await expect(client.state).to_contain_text("Not connected")
    await client.say("two")
    await expect(client.page.locator(".waiting li")).to_contain_text("sending")
    await therapist.say("three")
    await expect(therapist.log).to_contain_text("three")
    await client.mend()
    await expect(client.log).to_contain_text("three", timeout=40_000)
    await expect(therapist.log).to_contain_text("two", timeout=40_000)
    await expect(therapist.log.locator("li")).to_have_count(3)
    await expect(client.log.locator("li")).to_have_count(3)
    await expect(client.page.locator(".waiting li")).to_have_count(0)


async def test_what_was_not_sent_outlives_a_reload(pair: Pair) -> None:
    client, therapist = pair
    await client.cut()
    await expect(client.state).to_contain_text("Not connected")
    await client.say("written in a tunnel")
    await client.mend()
    await client.page.reload()
    await expect(therapist.log.locator("li")).to_have_count(1)
    await expect(therapist.log).to_contain_text("written in a tunnel")


async def test_what_is_too_long_stays_in_the_field(pair: Pair) -> None:
    client, _ = pair
    await client.say("é" * 8_003)
    await expect(client.page.get_by_role("alert")).to_contain_text("3 characters too long")
    await expect(client.composer).to_have_value("é" * 8_003)


async def test_a_window_that_shrinks_keeps_the_newest_in_sight(pair: Pair) -> None:
    client, therapist = pair
    for number in range(12):
        await client.say(f"message {number}")
    newest = therapist.log.locator("li").last
    await expect(newest).to_contain_text("message 11")
    await expect(newest).to_be_in_viewport()
    await therapist.page.set_viewport_size({"width": 360, "height": 360})
    await expect(newest).to_be_in_viewport(ratio=1)


async def test_a_session_starts_and_ends_for_both(pair: Pair) -> None:
    client, therapist = pair
    await therapist.page.get_by_role("button", name="Start session").click()
    await expect(client.page.locator(".session")).to_have_text("Session running")
    await therapist.page.get_by_role("button", name="End session").click()
    await expect(client.page.locator(".session")).to_have_text("")
    await expect(client.page.get_by_role("button", name="Start session")).to_have_count(0)


async def test_the_therapist_keeps_a_note(pair: Pair) -> None:
    _, therapist = pair
    await therapist.menu("Notes")
    await therapist.page.get_by_role("textbox", name="Progress note").fill("Slept better; no homework.")
    await therapist.page.get_by_role("button", name="Save").click()
    await expect(therapist.page.get_by_role("status").filter(has_text="Saved (version 1)")).to_be_visible()
    await expect(therapist.page.locator(".notes li")).to_contain_text("Slept better")


async def test_nothing_is_asked_of_anybody_else(browser: Browser, conversation: Conversation) -> None:
    asked: list[str] = []
    window = await Window.open(browser, conversation, conversation.client)
    window.page.on("request", lambda request: asked.append(request.url))
    await window.page.reload()
    await window.agree()
    assert asked
    assert all(url.startswith(conversation.partner.gateway) for url in asked)
    await window.context.close()


async def test_picture_of_both_windows(pair: Pair, tmp_path: Path) -> None:
    """The README's pictures: `UNSAID_PICTURES=docs/pictures ./unsaid test -k picture`."""
    client, therapist = pair
    await client.say("I wanted to write yesterday, but I didn't know how to begin.")
    await therapist.say("Then let's begin in the middle. What was it about?")
    await client.agree_to_live_text()
    await client.show("what I write")
    await client.composer.press_sequentially("It's about my father. I keep thinking he'd be dis")
    await expect(therapist.draft).to_contain_text("he'd be dis")
    folder = pictures(tmp_path)
    for name, window in (("client", client), ("therapist", therapist)):
        path = folder / f"{name}.png"
        await window.page.screenshot(path=path)
        assert path.stat().st_size > 10_000


def pictures(otherwise: Path) -> Path:
    return Path(os.environ.get("UNSAID_PICTURES", otherwise))
