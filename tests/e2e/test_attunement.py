"""Whether one was heard as one meant it, in real browsers."""

from playwright.async_api import Locator, expect

from tests.e2e.windows import Pair, Window


def message(window: Window) -> Locator:
    return window.log.get_by_role("listitem").filter(has_text="any more")


async def test_until_one_was_heard(pair: Pair) -> None:
    """Asked, said back, not quite, said back again; what is open stays in sight of both, a reload in between."""
    client, therapist = pair
    await client.say("I can't do this any more")
    await message(client).get_by_role("button", name="More about this message").click()
    await message(client).get_by_role("button", name="What did you hear?").click()
    await expect(message(client)).to_contain_text("Therapist hasn’t answered yet.")
    await expect(therapist.page.get_by_role("button", name="Not heard yet: 1")).to_be_visible()
    await therapist.page.get_by_role("button", name="Not heard yet: 1").click()
    field = message(therapist).get_by_role("textbox", name="What I heard")
    await expect(field).to_be_focused()
    await field.fill("You want to stop therapy")
    await client.say("Take your time.")  # what comes meanwhile takes nothing away
    await expect(therapist.log).to_contain_text("Take your time.")
    await expect(field).to_have_value("You want to stop therapy")
    await message(therapist).get_by_role("button", name="Say it back").click()
    await expect(message(client)).to_contain_text("What Therapist heard:You want to stop therapy")
    await message(client).get_by_role("textbox", name="What I meant").fill("Not therapy. My job.")
    await message(client).get_by_role("button", name="Not quite").click()
    await expect(message(therapist)).to_contain_text("Not quite. Not therapy. My job.")
    await therapist.page.reload()
    await message(therapist).get_by_role("textbox", name="What I heard").fill("The job wears you out")
    await message(therapist).get_by_role("button", name="Say it back").click()
    await message(client).get_by_role("button", name="Yes, heard").click()
    for window in pair:
        await expect(message(window)).to_contain_text("✓ Heard as meant.")
        await expect(window.page.get_by_role("button", name="Not heard yet")).to_have_count(0)


async def test_the_other_may_begin_by_saying_it_back(pair: Pair) -> None:
    client, therapist = pair
    await client.say("I can't do this any more")
    await message(therapist).get_by_role("button", name="More about this message").click()
    await message(therapist).get_by_role("button", name="Say back what I hear").click()
    await message(therapist).get_by_role("textbox", name="What I heard").fill("You are tired")
    await message(therapist).get_by_role("button", name="Say it back").click()
    await message(client).get_by_role("button", name="Yes, heard").click()
    await expect(message(therapist)).to_contain_text("✓ Heard as meant.")
