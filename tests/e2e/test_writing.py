"""Every way of writing in a text field, in a real browser: the other sees what stands there, and what was meant."""

from playwright.async_api import CDPSession, expect

from tests.e2e.windows import Pair, Window


async def _keys(window: Window) -> CDPSession:
    return await window.context.new_cdp_session(window.page)


async def _same(shown: Pair) -> None:
    client, therapist = shown
    await therapist.drafted(await client.composer.input_value())


async def test_selecting_cutting_undoing_and_replacing(shown: Pair) -> None:
    client, _ = shown
    await client.composer.press_sequentially("I am so angry with him")
    await _same(shown)
    for keys in (
        ["Control+Shift+ArrowLeft", "u", "s"],
        ["Home", "Control+Shift+ArrowRight", "Delete"],
        ["Control+z", "Control+z", "Control+Shift+z"],
        ["End", "Control+Backspace", "ArrowLeft", "Backspace", "Delete"],
        ["Control+a", "Control+x"],
        ["Control+z"],
        ["Shift+Enter", "a", "a", "a", "ArrowLeft", "ArrowLeft", "a", "Backspace"],
    ):
        for key in keys:
            await client.composer.press(key)
        await _same(shown)
    assert await client.composer.input_value() != ""


async def test_an_input_method_at_work(shown: Pair) -> None:
    client, therapist = shown
    await client.composer.focus()
    keys = await _keys(client)
    for half in ("k", "か", "かn", "かん", "かんj", "かんじ"):
        await keys.send(
            "Input.imeSetComposition", {"text": half, "selectionStart": len(half), "selectionEnd": len(half)}
        )
    await therapist.drafted("かんじ")
    await keys.send("Input.imeSetComposition", {"text": "漢字", "selectionStart": 2, "selectionEnd": 2})
    await keys.send("Input.insertText", {"text": "感じ"})
    await therapist.drafted("感じ")
    await _same(shown)


async def test_autocorrection_right_to_left_and_what_is_one_to_the_eye(shown: Pair) -> None:
    client, therapist = shown
    await client.composer.press_sequentially("teh ")
    await client.composer.evaluate(
        "f => { f.setSelectionRange(0, 3); document.execCommand('insertText', false, 'the') }"
    )
    await therapist.drafted("the ")
    await client.composer.press("End")
    for text in ("שלום ", "👩‍👩‍👧", "👍🏽", "🇩🇪", "e\u0301", "क्षि"):
        await client.page.keyboard.insert_text(text)
        await _same(shown)
    for _ in range(4):
        await client.composer.press("ArrowLeft")
    await client.composer.press("Backspace")
    await client.page.keyboard.insert_text("👨‍👧")
    await _same(shown)


async def test_a_breath_held_by_key_and_by_button(shown: Pair) -> None:
    client, therapist = shown
    await client.composer.press_sequentially("I ")
    await therapist.drafted("I ")
    await client.page.keyboard.down("F2")
    await expect(client.page.get_by_role("status").filter(has_text="Held back")).to_be_visible()
    await client.composer.press_sequentially("hate him")
    for _ in range(8):
        await client.composer.press("Backspace")
    await client.composer.press_sequentially("am sad")
    await client.page.keyboard.up("F2")
    await therapist.drafted("I am sad")
    hold = client.page.get_by_role("button", name="Hold back")
    await hold.click()
    await expect(hold).to_have_attribute("aria-pressed", "true")
    await client.composer.press_sequentially(", and more")
    await client.composer.press("Enter")
    await expect(therapist.log).to_contain_text("I am sad, and more")
    assert await _history(therapist) & {"I h", "I ha", "I hate", "I am sad, "} == set()


async def test_a_paste_stays_here_until_it_is_shown(shown: Pair) -> None:
    client, therapist = shown
    await client.composer.press_sequentially("He wrote: ")
    await therapist.drafted("He wrote: ")
    await client.page.evaluate("() => navigator.clipboard.writeText('my address is')")
    await client.composer.press("Control+v")
    await expect(client.composer).to_have_value("He wrote: my address is")
    await expect(client.page.get_by_text("What you pasted stays with you.")).to_be_visible()
    await client.page.get_by_role("button", name="Take it out").click()
    await client.composer.press_sequentially("nothing")
    await therapist.drafted("He wrote: nothing")
    await client.composer.press("Control+v")
    await client.composer.press_sequentially("!")
    await client.page.get_by_role("button", name="Show it").click()
    await therapist.drafted("He wrote: nothingmy address is!")
    assert "He wrote: my address is" not in await _history(therapist)


async def test_the_others_typing_moves_nothing(shown: Pair) -> None:
    client, therapist = shown
    for number in range(12):
        await client.say(f"line {number}\nof several\nthat fill\nthe window")
    await expect(therapist.log.locator("li")).to_have_count(12)
    await therapist.composer.fill("my own")
    await therapist.composer.evaluate("f => f.setSelectionRange(2, 4)")
    await therapist.page.locator("section.log").evaluate("e => { e.scrollTop = 40 }")
    await client.composer.press_sequentially("and now")
    await client.composer.press("Shift+Enter")
    await client.composer.press_sequentially("two lines")
    await therapist.drafted("and now\ntwo lines")
    assert await therapist.page.locator("section.log").evaluate("e => e.scrollTop") == 40
    await expect(therapist.composer).to_be_focused()
    assert await therapist.composer.evaluate("f => [f.selectionStart, f.selectionEnd]") == [2, 4]


async def test_deletions_are_seen_to_go(shown: Pair) -> None:
    client, therapist = shown
    await therapist.page.emulate_media(reduced_motion="no-preference")
    await client.composer.press_sequentially("I hate", delay=40)
    await therapist.drafted("I hate")
    for _ in range(4):
        await client.composer.press("Backspace")
    await expect(therapist.draft.locator("del")).to_have_text("hate")
    await expect(therapist.draft.locator("del")).to_have_count(0)
    await therapist.drafted("I ")


async def _history(window: Window) -> set[str]:
    """Every text that the other's draft was shown as, since the page was opened."""
    return set(await window.page.evaluate("() => window.shownDrafts"))
