"""What one connection sends keeps its order, also where a message waits for what was typed last."""

import asyncio
from types import SimpleNamespace
from typing import Any

from services.gateway.handlers.messages import _after_typing


async def test_messages_that_wait_keep_their_order() -> None:
    connection: Any = SimpleNamespace(typed=None, held=0)
    sent: list[int] = []
    typed: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    _after_typing(connection, None, lambda: sent.append(0))
    _after_typing(connection, typed, lambda: sent.append(1))
    _after_typing(connection, None, lambda: sent.append(2))
    assert sent == [0]
    typed.set_result(None)  # what waits for it goes in the loop's next round, and nothing before that
    _after_typing(connection, None, lambda: sent.append(3))
    assert sent == [0]
    await asyncio.sleep(0)
    assert sent == [0, 1, 2, 3]
    _after_typing(connection, None, lambda: sent.append(4))
    assert (sent, connection.held) == ([0, 1, 2, 3, 4], 0)
