"""Reactions, symbols and tone, in real browsers."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window

MEANING = "a thought that comes by itself"


def message(window: Window, text: str) -> Locator:
    return window.log.get_by_role("listitem").filter(has_text=text)


async def more(window: Window, text: str) -> Locator:
    """A message, with what can be done with it in sight."""
    found = message(window, text)
    await found.get_by_role("button", name="More about this message").click()
    return found


async def lexicon(window: Window) -> Locator:
    await window.menu("Symbols")
    return window.page.get_by_role("dialog", name="Symbols")


async def test_a_symbol_is_proposed_agreed_used_and_met_again(pair: Pair) -> None:
    client, therapist = pair
    mine = await lexicon(client)
    await mine.get_by_role("textbox", name="An emoji").fill("🐢🐢")
    await mine.get_by_role("textbox", name="What it means to you").fill(MEANING)
    await mine.get_by_role("button", name="Propose").click()
    await expect(mine.get_by_role("alert")).to_have_text("That isn’t one emoji.")
    await mine.get_by_role("textbox", name="An emoji").fill("🐢")
    await mine.get_by_role("textbox", name="What it means to you").press("Enter")
    await expect(mine.get_by_text("proposed by you")).to_be_visible()
    await mine.get_by_role("button", name="Close").click()
    theirs = await lexicon(therapist)
    await expect(theirs.get_by_text("proposed by Client")).to_be_visible()
    await theirs.get_by_role("button", name="Agree: 🐢").click()
    await expect(theirs.get_by_text("agreed")).to_be_visible()
    await theirs.get_by_role("button", name="Close").click()
    await client.say("There is the 🐢 again")
    for window in pair:
        await expect(message(window, "There is the").locator(".meaning")).to_have_text(f"🐢 {MEANING}")
    await therapist.page.reload()  # and after that
    await expect(message(therapist, "There is the").locator(".meaning")).to_have_text(f"🐢 {MEANING}")
    theirs = await lexicon(therapist)
    await theirs.get_by_role("button", name="Where it was used: 🐢").click()
    await expect(theirs.locator(".notes li").filter(has_text=", Client")).to_have_count(1)


async def test_a_reaction_is_added_seen_and_taken_back(pair: Pair) -> None:
    client, therapist = pair
    await client.say("I went out today")
    theirs = await more(therapist, "I went out")
    await theirs.get_by_role("button", name="React 👍").click()
    await expect(message(client, "I went out").get_by_role("img", name="👍 from Therapist")).to_be_visible()
    await theirs.get_by_role("textbox", name="An emoji").fill("👩‍⚕️")
    await theirs.get_by_role("textbox", name="An emoji").press("Enter")
    await expect(message(client, "I went out").get_by_role("img", name="👩‍⚕️ from Therapist")).to_be_visible()
    await theirs.get_by_role("button", name="Take back 👍").click()
    await expect(message(client, "I went out").get_by_role("img", name="👍 from Therapist")).to_have_count(0)
    await client.page.reload()
    await expect(message(client, "I went out").get_by_role("img")).to_have_count(1)


async def test_a_tone_is_shown_with_its_message(pair: Pair) -> None:
    client, therapist = pair
    await client.page.get_by_role("combobox", name="Tone").select_option("joking")
    await client.say("Oh, wonderful")
    for window in pair:
        await expect(message(window, "Oh, wonderful").locator(".tone")).to_have_text("joking")
    await client.say("Well")
    await expect(message(therapist, "Well").locator(".tone")).to_have_count(0)
