"""Safety in two real browsers: help one tap away and without a connection, the plan written together, intake."""

import re

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window

TEXT = "I am not safe tonight"


async def opened(window: Window, name: str) -> Locator:
    await window.menu(name)
    return window.page.get_by_role("dialog", name=name)


async def test_help_is_one_tap_away_and_stays_in_view_until_it_is_seen(pair: Pair) -> None:
    client, therapist = pair
    mine = await opened(client, "Help")
    await expect(mine.get_by_role("link", name="Call 112")).to_have_attribute("href", "tel:112")
    await mine.get_by_role("combobox", name="Where you are").select_option("France")
    await expect(mine.get_by_role("link", name="Call 3114")).to_have_attribute("href", "tel:3114")
    await mine.get_by_role("textbox", name="What is happening").fill(TEXT)
    await mine.get_by_role("button", name="Tell Therapist").click()
    await expect(mine.get_by_role("status")).to_contain_text("Therapist is being told.")
    await mine.get_by_role("button", name="Close").click()
    await expect(client.page.get_by_role("alert").filter(has_text="It waits to be seen.")).to_be_visible()

    raised = therapist.page.get_by_role("alert").filter(has_text=TEXT)
    await expect(raised).to_be_visible()
    await therapist.page.reload()
    await expect(raised).to_be_visible()
    await raised.get_by_role("button", name="I have seen it").click()
    for window in pair:
        await expect(window.page.get_by_role("alert").filter(has_text=re.compile("asked for help"))).to_have_count(0)


async def test_without_a_connection_the_numbers_are_there_and_it_is_told_later(pair: Pair) -> None:
    client, therapist = pair
    await expect(client.state).to_have_text("Connected")
    await client.cut()
    mine = await opened(client, "Help")
    await expect(mine.get_by_role("link", name="Call 112")).to_be_visible()
    await mine.get_by_role("textbox", name="What is happening").fill(TEXT)
    await mine.get_by_role("button", name="Tell Therapist").click()
    await expect(mine.get_by_role("status")).to_contain_text("Please don’t wait for it: call.")
    await client.mend()
    await expect(therapist.page.get_by_role("alert").filter(has_text=TEXT)).to_be_visible(timeout=30_000)


async def test_the_plan_is_written_together(pair: Pair) -> None:
    client, therapist = pair
    theirs, mine = await opened(therapist, "Safety plan"), await opened(client, "Safety plan")
    for dialog in (theirs, mine):
        await expect(dialog.get_by_role("button", name="Save")).to_be_enabled()
    await mine.get_by_role("textbox", name="What I can do by myself").fill("walk to the river")
    await theirs.get_by_role("textbox", name="Warning signs that I notice").fill("I stop answering")
    await theirs.get_by_role("button", name="Save").click()
    await expect(theirs.get_by_role("status")).to_contain_text("version 1")
    await expect(mine.get_by_role("status")).to_contain_text("It was changed meanwhile")
    await expect(mine.get_by_role("textbox", name="Warning signs that I notice")).to_have_value("I stop answering")
    await expect(mine.get_by_role("textbox", name="What I can do by myself")).to_have_value("walk to the river")
    await mine.get_by_role("button", name="Save").click()
    await expect(mine.get_by_role("status")).to_contain_text("version 2")
    await expect(theirs.get_by_role("textbox", name="What I can do by myself")).to_have_value("walk to the river")


async def test_what_is_advised_at_intake_is_the_therapists_alone(pair: Pair) -> None:
    client, therapist = pair
    mine = await opened(client, "Before we begin")
    await mine.get_by_role("button", name="Send").click()
    await expect(mine.get_by_role("status")).to_have_text("Something isn’t answered yet.")
    for choice in ("Not at all", "I do", "There is", "I don’t"):
        await mine.get_by_role("radio", name=choice, exact=True).last.check()
    for question, rating in (("How well can you say in writing", "2"), ("How much do alcohol", "0")):
        group = mine.get_by_role("group", name=re.compile(question))
        await group.get_by_role("radio", name=rating, exact=True).check()
    await mine.get_by_role("button", name="Send").click()
    await expect(mine.get_by_role("status")).to_contain_text("Thank you.")
    theirs = await opened(therapist, "Before we begin")
    await expect(theirs.get_by_text("Writing comes hard.")).to_be_visible()
    await mine.get_by_role("button", name="Close").click()
    mine = await opened(client, "Before we begin")
    await expect(mine.get_by_role("group", name=re.compile("How well")).get_by_role("radio", name="2")).to_be_checked()
    await expect(mine.get_by_text("Writing comes hard.")).to_have_count(0)
