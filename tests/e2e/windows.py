"""One person's window."""

import re

from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, WebSocketRoute, expect

from tests.support.participants import Conversation

# Every text that the other's draft was shown as.
REMEMBER = """
window.shownDrafts = [];
new MutationObserver(() => {
  for (const bubble of document.querySelectorAll(".draft .bubble")) window.shownDrafts.push(bubble.textContent);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
SIZE: ViewportSize = {"width": 760, "height": 720}


class Window:
    """A browser window of its own, at the page of one participant."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.composer = page.get_by_role("textbox", name="Write a message")
        self.log = page.get_by_role("log")
        self.state = page.locator(".connection")
        self.problems: list[str] = []
        self._sockets: list[WebSocketRoute] = []
        self._cut = False
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.problems.append(str(e)))

    @classmethod
    async def open(cls, browser: Browser, conversation: Conversation, participant: str) -> "Window":
        """One that asks for reduced motion, so that what has arrived is shown at once."""
        context = await browser.new_context(viewport=SIZE, locale="en-GB", reduced_motion="reduce")
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        self = cls(context, await context.new_page())
        await self.page.add_init_script(REMEMBER)
        await self.page.route_web_socket("**/v1/ws", self._through)
        token = await conversation.token(participant, scope="participant")
        await self.page.goto(f"{conversation.partner.gateway}/app/#t={token}&c={conversation.id}")
        return self

    async def _through(self, socket: WebSocketRoute) -> None:
        if self._cut:
            await socket.close()
            return
        self._sockets += [socket, socket.connect_to_server()]

    async def cut(self) -> None:
        """Close the websocket, and any new one. (The browser's own offline mode leaves an open one alone.)"""
        self._cut = True
        for socket in self._sockets:
            await socket.close()
        self._sockets.clear()

    async def mend(self) -> None:
        self._cut = False

    async def agree(self) -> None:
        """Read and accept the form that is shown."""
        await self.page.get_by_role("button", name="I agree").click()
        await expect(self.page.get_by_role("dialog")).to_have_count(0)

    async def agree_to_live_text(self) -> None:
        await self.agree_to("Live text")

    async def agree_to(self, purpose: str) -> None:
        """Read and accept the form of a purpose, named as the list of consents begins to name it."""
        await self.menu("Consents")
        await self.page.get_by_role("button", name=f"Read and decide: {purpose}").click()
        await self.page.get_by_role("button", name="I agree").click()
        await self.page.get_by_role("button", name=f"Withdraw: {purpose}").wait_for()
        await self.page.get_by_role("button", name="Close").click()

    async def menu(self, name: str) -> None:
        """Press a button of the menu, unfolding it where it must be; ``name`` is what its name begins with."""
        item = self.page.locator("header").get_by_role("button", name=re.compile(f"^{re.escape(name)}"))
        if not await item.is_visible():
            await self.page.get_by_role("button", name="Menu", exact=True).click()
        await item.click()

    async def show(self, step: str) -> None:
        await self.page.get_by_text(step, exact=True).click()

    async def say(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    @property
    def draft(self) -> Locator:
        return self.page.locator(".draft .bubble")

    async def drafted(self, text: str) -> None:
        """The other's draft is shown as exactly this, spaces at its end included; an empty one isn't shown."""
        shown = "t => (document.querySelector('.draft .bubble')?.textContent ?? '') === t"
        await self.page.wait_for_function(shown, arg=text)


Pair = tuple[Window, Window]
"""The client's and the therapist's."""
