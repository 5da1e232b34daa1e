"""A person sees their decisions, takes a receipt, and checks it without a network, in a real browser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from services.gateway.ingress.http.page import DIST
from tests.e2e.windows import Pair, Window
from tests.support.participants import Conversation


async def _receipts(window: Window, folder: Path) -> tuple[Path, Path]:
    """HTML and JSON of the newest decision."""
    page = window.page
    await window.menu("Consents")
    await page.get_by_role("button", name="Your decisions").click()
    newest = page.get_by_role("listitem").filter(has_text="You agreed: Live text").first
    await expect(newest).to_contain_text("version 1")
    found = []
    for name in ("Receipt:", "Receipt as data:"):
        async with page.expect_download() as coming:
            await newest.get_by_role("button", name=name).click()
        download = await coming.value
        path = folder / download.suggested_filename
        await download.save_as(path)
        found.append(path)
    return found[0], found[1]


async def _checked(page: Page, key: str, receipt: Path) -> str:
    await page.get_by_label("The public key").fill(key)
    await page.get_by_label("The receipt").set_input_files(receipt)
    await expect(page.get_by_role("status")).not_to_be_empty()
    return await page.get_by_role("status").inner_text()


async def test_a_receipt_is_checked_without_a_network(
    pair: Pair, browser: Browser, conversation: Conversation, tmp_path: Path
) -> None:
    client, _ = pair
    await client.agree_to_live_text()
    html, data = await _receipts(client, tmp_path)
    assert client.problems == []
    key = (await conversation.partner.text("/v1/consent-log/key")).strip()
    context = await browser.new_context(offline=True)
    page = await context.new_page()
    await page.goto((DIST / "check.html").as_uri())
    for receipt in (html, data):
        assert (await _checked(page, key, receipt)).startswith("Proved")
        await page.reload()
    # what the file shows may be anything: the page shows what is proved
    shown, made_up = html.read_text(), tmp_path / "made up.html"
    made_up.write_text(shown.replace("<dd>granted</dd>", "<dd>withdrawn</dd>"))
    assert made_up.read_text() != shown
    assert (await _checked(page, key, made_up)).startswith("Proved")
    proved = page.get_by_role("region", name="What is proved")
    await expect(proved.get_by_text("grant", exact=True)).to_be_visible()
    await expect(proved).to_contain_text(json.loads(data.read_text())["pii_processing"]["privacy_notice_text"])
    await expect(page.get_by_text("withdrawn")).to_have_count(0)
    await page.reload()
    # without a key it says whose word that is; with another it proves nothing
    assert "compare it" in await _checked(page, "", data)
    await page.reload()
    other = key.replace(key[-6], "A" if key[-6] != "A" else "B")
    assert (await _checked(page, other, data)).startswith("Not proved")
    told = json.loads(data.read_text())
    changes: dict[str, Callable[[dict[str, Any]], None]] = {
        "purpose": lambda r: r["pii_processing"]["purposes"][0].update(purpose="note_disclosure"),
        "at": lambda r: r["events"][0].update(event_time="2026-01-01T00:00:00.000Z"),
        "text": lambda r: r["pii_processing"].update(privacy_notice_text="I agreed to something else."),
        "person": lambda r: r["receipt"].update(pii_principal_id=r["receipt"]["record_id"]),
        "proof": lambda r: r.update(proof=r["proof"].replace("index ", "index 1")),
    }
    for name, change in changes.items():
        altered = json.loads(json.dumps(told))
        change(altered)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(altered))
        await page.reload()
        assert (await _checked(page, key, path)).startswith("Not proved"), name
    await context.close()


async def test_the_page_that_checks_is_served_too(pair: Pair, browser: Browser, conversation: Conversation) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    await page.goto(f"{conversation.partner.gateway}/app/check.html")
    await expect(page.get_by_label("The receipt")).to_be_visible()
    assert problems == []
    await context.close()
