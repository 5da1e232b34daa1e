"""The balance, deletions, marks and prompts, in real browsers."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window

LONG = " ".join(["word"] * 110)


def balance(window: Window, told: str) -> Locator:
    return window.page.get_by_role("button", name=f"Balance of words: {told}")


async def more(window: Window, text: str) -> Locator:
    """A message, with what can be done with it in sight."""
    found = window.log.get_by_role("listitem").filter(has_text=text)
    await found.get_by_role("button", name="More about this message").click()
    return found


async def test_both_see_the_balance_move(pair: Pair) -> None:
    client, therapist = pair
    await expect(balance(client, "you 50 %, Therapist 50 %")).to_be_visible()
    await client.say("I was at home all day")
    await expect(balance(client, "you 100 %, Therapist 0 %")).to_be_visible()
    await therapist.say("And how")
    await expect(balance(client, "you 75 %, Therapist 25 %")).to_be_visible()
    await balance(therapist, "you 25 %, Client 75 %").click()
    figures = therapist.page.get_by_role("dialog", name="Balance")
    await expect(figures.get_by_role("row", name="Words 2 6", exact=True)).to_be_visible()
    await expect(figures.get_by_text("MITI, for reference: fair from 1, good from 2")).to_be_visible()
    await figures.get_by_role("button", name="Close").click()
    await client.page.reload()
    await expect(balance(client, "you 75 %, Therapist 25 %")).to_be_visible()
    await balance(client, "you 75 %, Therapist 25 %").click()
    await expect(client.page.get_by_text("MITI")).to_have_count(0)


async def test_a_message_is_deleted_for_both(pair: Pair) -> None:
    client, therapist = pair
    await client.say("what I regret")
    await client.say("what I don't")
    await expect(therapist.log).to_contain_text("what I regret")
    mine = await more(client, "what I regret")
    await mine.get_by_role("button", name="Delete for both").click()
    await mine.get_by_role("button", name="Delete for good?").click()
    for window in pair:
        await expect(window.log.locator(".bubble.deleted")).to_have_text("Deleted")
        await expect(window.log).not_to_contain_text("what I regret")
    await expect(client.page.get_by_role("button", name="Delete for good?")).to_have_count(0)
    await expect(balance(client, "you 100 %, Therapist 0 %")).to_be_visible()
    await therapist.page.reload()
    await expect(therapist.log.locator(".bubble.deleted")).to_have_text("Deleted")
    theirs = await more(therapist, "what I don't")
    await expect(theirs.get_by_role("button", name="Delete for both")).to_have_count(0)


async def test_a_therapist_says_what_a_message_was_meant_to_do(pair: Pair) -> None:
    client, therapist = pair
    await therapist.say("What would help?")
    mine = await more(therapist, "What would help?")
    await mine.get_by_role("combobox", name="What it was meant to do").select_option("open_question")
    await expect(mine.locator(".meant")).to_have_text("Open question")
    await therapist.page.reload()
    again = therapist.log.get_by_role("listitem").filter(has_text="What would help?")
    await expect(again.locator(".meant")).to_have_text("Open question")
    await expect(client.log).to_contain_text("What would help?")
    await expect(client.log.locator(".meant").first).to_have_text("")


async def test_a_prompt_that_is_offered_is_put_where_one_writes(pair: Pair) -> None:
    client, therapist = pair
    for _ in range(2):
        await therapist.say(LONG)
    await therapist.page.get_by_role("button", name="Prompts").click()
    offered = therapist.page.get_by_role("dialog", name="Prompts").get_by_role("listitem").get_by_role("button")
    await expect(offered).to_have_count(3)
    prompt = await offered.first.text_content()
    await offered.first.click()
    await expect(therapist.composer).to_have_value(prompt or "?")
    await expect(therapist.page.get_by_role("button", name="Prompts")).to_have_count(0)
    await expect(client.page.get_by_role("button", name="Prompts")).to_have_count(0)
