"""An agreement in two real browsers: proposed, reworded, agreed on, due as a session starts, reported on, closed."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window


async def opened(window: Window) -> Locator:
    await window.menu("Agreements")
    return window.page.get_by_role("dialog", name="Agreements")


async def test_from_a_proposal_to_its_end(pair: Pair) -> None:
    client, therapist = pair
    theirs = await opened(therapist)
    await theirs.get_by_role("button", name="Propose").click()
    await expect(theirs.get_by_role("alert").last).to_have_text("Say in a few words what to try.")
    await theirs.get_by_role("textbox", name="What to try").last.fill("A walk, every day")
    await theirs.get_by_label("Remind both of us at").last.fill("2031-01-01T09:00")
    await theirs.get_by_role("button", name="Propose").click()
    await expect(theirs.get_by_text("A walk, every day")).to_be_visible()
    await expect(theirs.get_by_role("button", name="Agree", exact=True)).to_have_count(0)

    await expect(client.page.get_by_role("button", name="Agreements: 1 to look at")).to_be_visible()
    mine = await opened(client)
    await mine.get_by_role("button", name="Reword").first.click()
    field = mine.get_by_role("textbox", name="What to try").first
    await field.fill("A walk, twice a week")
    await mine.get_by_role("button", name="Reword").nth(1).click()
    await expect(theirs.get_by_text("A walk, twice a week")).to_be_visible()
    await theirs.get_by_role("button", name="Agree", exact=True).click()
    await expect(mine.get_by_text("agreed")).to_be_visible()
    await mine.get_by_role("button", name="Close", exact=True).click()

    await theirs.get_by_role("button", name="Close", exact=True).click()
    await therapist.page.get_by_role("button", name="Start session").click()
    await expect(client.page.get_by_role("button", name="Agreements: 1 to look at")).to_be_visible()
    mine = await opened(client)
    await expect(mine.get_by_text("Time to look at this again.")).to_be_visible()
    await mine.get_by_role("textbox", name="How it went").fill("once, in the rain")
    await mine.get_by_role("button", name="Partly").click()
    await expect(mine.get_by_text("agreed, Partly")).to_be_visible()
    await mine.get_by_role("button", name="Close it").click()
    await expect(mine.get_by_text("closed, Partly")).to_be_visible()
