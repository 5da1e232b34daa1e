"""A message for later, an absence, leaving and reporting, in two real browsers."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window


async def opened(window: Window, name: str) -> Locator:
    await window.menu(name)
    return window.page.get_by_role("dialog", name=name.partition(":")[0])


async def test_a_message_waits_is_changed_and_taken_back(pair: Pair) -> None:
    client, therapist = pair
    mine = await opened(client, "For later")
    await mine.get_by_role("textbox", name="What to send later").last.fill("In the morning.")
    await mine.get_by_role("button", name="Send it then").click()
    await expect(mine.get_by_role("alert").last).to_have_text("Choose a time that is to come.")
    await mine.get_by_label("Send it at").last.fill("2031-01-01T09:00")
    await mine.get_by_role("button", name="Send it then").click()
    await expect(mine.get_by_role("paragraph").filter(has_text="In the morning.")).to_be_visible()
    await expect(client.page.get_by_role("button", name="For later: 1", include_hidden=True)).to_have_count(1)
    await mine.get_by_role("button", name="Take it back").click()
    await expect(mine.get_by_text("Nothing waits.")).to_be_visible()
    await expect(therapist.log.get_by_text("In the morning.")).to_have_count(0)


async def test_away_left_and_reported(pair: Pair) -> None:
    client, therapist = pair
    theirs = await opened(therapist, "More")
    await theirs.get_by_role("button", name="I am away").click()
    banner = client.page.locator(".banner")
    await expect(banner).to_contain_text("Your therapist is away")
    theirs = await opened(therapist, "More")
    await theirs.get_by_role("button", name="I am back").click()
    await expect(banner).to_be_hidden()

    mine = await opened(client, "More")
    await mine.get_by_label("From").fill("22:00")
    await mine.get_by_label("To", exact=True).fill("07:30")
    await mine.get_by_role("button", name="Keep").click()
    await expect(mine.get_by_text("No reminder comes in these hours")).to_be_visible()
    await mine.get_by_text("Report this conversation").first.click()
    await mine.get_by_label("Why").select_option("boundaries")
    await mine.get_by_role("button", name="Report this conversation").click()
    await expect(mine.get_by_text("It is reported")).to_be_visible()
    await mine.get_by_role("button", name="Leave this conversation").click()
    await mine.get_by_role("button", name="Leave this conversation").click()
    await expect(banner).to_contain_text("You have left this conversation.")
    await expect(therapist.page.locator(".banner")).to_contain_text("has left this conversation")
    mine = await opened(client, "More")
    await mine.get_by_role("button", name="Return to it").click()
    await expect(banner).to_be_hidden()
