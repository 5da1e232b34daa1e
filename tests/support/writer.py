"""Writers that follow the protocol and keep their own account of what was acknowledged."""

import asyncio
import uuid

from tests.support.participants import Closed, Conversation, Frame, Participant, Partner


class Writer:
    """A client that follows the protocol: it resends with the same id until it has its ``ok``, and reconnects."""

    def __init__(self, conversation: Conversation, token: str) -> None:
        self._conversation = conversation
        self._token = token
        self._connection: Participant | None = None
        self.acknowledged: dict[int, tuple[str, str]] = {}

    async def connected(self) -> Participant:
        while self._connection is None:
            try:
                gateway = self._conversation.partner.gateway
                self._connection = await Participant.arrive(gateway, self._conversation.id, self._token, device="w")
            except (OSError, Closed, TimeoutError, AssertionError):
                await asyncio.sleep(0.2)  # the client's own back-off
        return self._connection

    async def write(self, text: str) -> None:
        message = str(uuid.uuid4())
        while True:
            try:
                frame = await (await self.connected()).ask("message.send", message=message, text=text)
            except (OSError, Closed, TimeoutError):
                await self.leave()
                continue
            if frame["type"] == "ok":
                self.acknowledged[frame["seq"]] = (message, text)
                return
            assert frame["code"] == "unavailable", frame
            await asyncio.sleep(frame["details"]["retry_ms"] / 1000)

    async def leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.leave()


async def history(partner: Partner, conversation: str) -> list[Frame]:
    """All messages, as a partner reads them."""
    found: list[Frame] = []
    after: int | None = 0
    while after is not None:
        path = f"/v1/conversations/{conversation}/messages?after={after}&limit=200"
        status, page = await partner.ask_on("GET", path)
        assert status == 200, page
        found += page["messages"]
        after = page["next_after"]
    return found
