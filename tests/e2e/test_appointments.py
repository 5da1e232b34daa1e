"""Appointments in two real browsers: planned, changed, followed by a calendar, held; and the facts of the session."""

import re

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window


async def opened(window: Window) -> Locator:
    await window.menu("Appointments")
    return window.page.get_by_role("dialog", name="Appointments")


async def test_from_planning_to_the_facts(pair: Pair) -> None:
    client, therapist = pair
    theirs = await opened(therapist)
    await theirs.get_by_label("When").last.fill("2031-01-01T09:00")
    await theirs.get_by_label("Minutes").last.fill("25")
    await theirs.get_by_role("button", name="Plan it").click()
    await expect(theirs.get_by_text("25 minutes")).to_be_visible()

    mine = await opened(client)
    await expect(mine.get_by_text("25 minutes")).to_be_visible()
    await expect(mine.get_by_role("button", name="Plan it")).to_have_count(0)
    await mine.get_by_role("button", name="Follow in my calendar").click()
    await expect(mine.get_by_role("textbox", name="Address for your calendar")).to_have_value(re.compile(r"\.ics$"))
    await mine.get_by_role("button", name="Take the address back").click()
    await expect(mine.get_by_text("leads nowhere")).to_be_visible()

    await mine.get_by_role("button", name="Call it off").click()
    await expect(theirs.get_by_text("Nothing is planned.")).to_be_visible()
    await theirs.get_by_role("button", name="Close", exact=True).click()
    await mine.get_by_role("button", name="Close", exact=True).click()

    await therapist.page.get_by_role("button", name="Start session").click()
    await client.say("one two three")
    mine = await opened(client)
    await mine.get_by_role("button", name="The last session in facts").click()
    await expect(mine.get_by_text("you: 1 messages, 100 % of the words")).to_be_visible()
