"""An exercise in two real browsers: the client answers step by step, the therapist looks on; one is reloaded."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window


async def opened(window: Window) -> Locator:
    await window.menu("Exercises")
    return window.page.get_by_role("dialog", name="Exercises")


async def rate(dialog: Locator, rating: int) -> None:
    await dialog.get_by_role("radio", name=str(rating), exact=True).check()
    await dialog.get_by_role("button", name="Next").click()


async def write(dialog: Locator, text: str) -> None:
    await dialog.get_by_role("textbox").fill(text)
    await dialog.get_by_role("button", name="Next").click()


async def test_a_safe_place_is_found_together(pair: Pair) -> None:
    client, therapist = pair
    looking = await opened(therapist)
    await looking.get_by_role("button", name="Safe place", exact=True).click()
    await expect(looking.get_by_text("Client is to answer.")).to_be_visible()
    await expect(client.page.get_by_role("button", name="Exercises: 1 open")).to_be_visible()

    dialog = await opened(client)
    await dialog.get_by_role("button", name="Safe place").first.click()
    await expect(dialog.get_by_text("You can keep your eyes open")).to_be_visible()
    await dialog.get_by_role("button", name="Next").click()
    await expect(dialog.get_by_role("alert")).to_have_text("This answer doesn’t fit here.")
    await rate(dialog, 8)
    await expect(dialog.get_by_role("textbox", name="Let a place come to mind")).to_be_focused()
    await write(dialog, "the attic of my aunt")
    await expect(looking.get_by_text("the attic of my aunt")).to_be_visible()

    await dialog.get_by_role("button", name="Pause").click()
    await expect(looking.get_by_role("button", name="Go on")).to_be_visible()
    await client.page.reload()
    dialog = await opened(client)
    await dialog.get_by_role("button", name="Safe place").first.click()
    await dialog.get_by_role("button", name="Go on").click()
    await write(dialog, "dust in the light\nrain on tiles")
    await dialog.get_by_role("radio", name="Calmer").check()
    await dialog.get_by_role("button", name="Next").click()
    await write(dialog, "attic")
    await dialog.get_by_role("button", name="Begin").click()
    await expect(dialog.get_by_text("Breathe in", exact=True)).to_be_visible()
    await dialog.get_by_role("button", name="That is enough").click()
    await dialog.get_by_role("button", name="Leave this one out").click()
    await rate(dialog, 4)
    await expect(dialog.get_by_text("All is answered.")).to_be_visible()
    await looking.get_by_role("button", name="Finish").click()
    await expect(dialog.get_by_text("finished", exact=True)).to_be_visible()

    await dialog.get_by_role("button", name="All exercises").click()
    await dialog.get_by_role("button", name="Ratings over time: Safe place").click()
    await expect(dialog.get_by_role("row").nth(1).get_by_role("cell")).to_have_text(["8", "4"])
