"""A client that follows the protocol to the letter, and keeps the account while it does.

It resends with the same id after ``unavailable`` and after a cut, reconnects with full jitter, resumes by ``after`` or
``after_n``, reloads by ``history`` when it is told that a resume isn't possible, and waits when it is asked to go.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random

import aiohttp

from tests.chaos.account import Account, Frame, Message, Place, View

BASE_S, CAP_S = 0.5, 30.0
CONNECT_S = 8.0
ANSWER_S = 10.0
"""The gateway promises an answer within 5 s: a connection that owes one for longer is dead."""
NEVER_AGAIN = {4400, 4401, 4409, 4410}
PAGE = 200


class Client:
    """One participant's app: one connection at a time, for as long as the row lasts."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        account: Account,
        participant: str,
        token: str,
        gateways: Callable[[], str],
        random: Random,
        *,
        by_n: bool = False,
        window: int = 1,
    ) -> None:
        self._http = http
        self.account = account
        self.participant = participant
        self.token = token
        self._gateways = gateways
        self._random = random
        self._by_n = by_n
        self._device = str(uuid.uuid4())
        self.view = View(account, f"{participant[:8]}{' by n' if by_n else ''}")
        self.latencies: list[tuple[float, float]] = []
        self._window = asyncio.Semaphore(window)
        self._unacknowledged: dict[str, Message] = {}
        self._refs: dict[str, tuple[Message, bool]] = {}
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._attempt = 0
        self._wait_s: float | None = None
        self._leaving = False
        self._reload: asyncio.Future[Frame] | None = None
        self._kept: deque[Frame] | None = None
        self._changed = asyncio.Event()

    # --- writing ---------------------------------------------------------------------------------------------------

    async def write(self, text: str) -> Message:
        """Begin to send a message, as soon as the window has room."""
        await self._window.acquire()
        message = Message(str(uuid.uuid4()), text, self.participant)
        self.account.messages[message.id] = message
        self._unacknowledged[message.id] = message
        await self._send(message)
        return message

    async def _send(self, message: Message) -> None:
        socket = self._socket
        if socket is None or self._leaving or message.id not in self._unacknowledged:
            return
        now = time.monotonic()
        message.first_sent = message.first_sent or now
        message.sent += 1
        ref = uuid.uuid4().hex
        self._refs[ref] = (message, message.sent > 1)
        asyncio.get_running_loop().call_later(ANSWER_S, self._unanswered, socket, ref)
        fields = {"conversation": self.account.conversation, "message": message.id, "text": message.text}
        with suppress(OSError, RuntimeError):
            await socket.send_str(json.dumps({"type": "message.send", "ref": ref, **fields}, ensure_ascii=False))

    def _unanswered(self, socket: aiohttp.ClientWebSocketResponse, ref: str) -> None:
        if ref in self._refs and socket is self._socket:
            self.account.counts["unanswered"] += 1
            self.cut()

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers."""
        if self._socket is not None and (transport := self._transport(self._socket)) is not None:
            transport.pause_reading()

    def go_on_reading(self) -> None:
        if self._socket is not None and (transport := self._transport(self._socket)) is not None:
            transport.resume_reading()

    def cut(self) -> None:
        """End the connection without a word, as a phone does that loses its network."""
        socket = self._socket
        if socket is not None and (transport := self._transport(socket)) is not None:
            transport.abort()

    @staticmethod
    def _transport(socket: aiohttp.ClientWebSocketResponse) -> asyncio.Transport | None:
        connection = socket._conn
        return None if connection is None else connection.transport

    # --- the connection --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Be connected, until cancelled."""
        while True:
            code = await self._visit()
            self._refs.clear()
            self._reload = self._kept = None
            self._socket = None
            self._leaving = False
            if code in NEVER_AGAIN:
                self.account.verdict.wrong.append(f"{self.view.name} was closed with {code}")
                return
            self.account.counts["reconnects"] += 1
            await asyncio.sleep(self._pause_s())

    def _pause_s(self) -> float:
        if self._wait_s is not None:
            pause_s, self._wait_s = self._wait_s, None
            return pause_s
        most = min(CAP_S, BASE_S * 2**self._attempt)
        self._attempt += 1
        return self._random.uniform(0, most)

    async def _visit(self) -> int | None:
        """One connection from its hello to its end; its close code."""
        try:
            async with asyncio.timeout(CONNECT_S):
                url = self._gateways().replace("http", "ws", 1) + "/v1/ws"
                socket = await self._http.ws_connect(url, protocols=("unsaid.v1",), max_msg_size=0)
                position = {"after_n": self.view.n} if self._by_n else {"after": self.view.seq}
                resume = [{"conversation": self.account.conversation, **position}]
                hello = {"type": "hello", "token": self.token, "device": self._device, "resume": resume}
                await socket.send_str(json.dumps(hello))
                welcome = await socket.receive()
        except (OSError, TimeoutError, aiohttp.ClientError):
            return None
        self.view.connected()
        if welcome.type is not aiohttp.WSMsgType.TEXT:
            await socket.close()
            return socket.close_code
        try:
            frame = json.loads(welcome.data)
            if frame["type"] != "welcome":
                await self._take(frame)
                return None
            self._socket = socket
            self._changed.set()
            for unacknowledged in list(self._unacknowledged.values()):
                await self._send(unacknowledged)
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(json.loads(message.data))
        finally:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(2):
                    await socket.close()
        return socket.close_code

    # --- what comes ------------------------------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        if self._reload is not None and frame.get("ref") == "reload":
            self._reload.set_result(frame)
            return
        if self._kept is not None and frame["type"] in {"message.posted", "ok"}:
            self._kept.append(frame)  # what is newer waits until the hole is read
            return
        match frame["type"]:
            case "message.posted":
                self.view.posted(frame)
                self._changed.set()
            case "ok":
                self._ok(frame)
            case "error":
                self._error(frame)
            case "reconnect":
                self._leaving = True
                self._wait_s = frame["retry_ms"] / 1000
            case "resume.reset":
                self.account.counts["resets"] += 1
                self._kept = deque()
                self._reloading = asyncio.create_task(self._reload_until(frame["last_seq"]))
            case _:
                pass

    def _ok(self, frame: Frame) -> None:
        message, resent = self._refs.pop(frame["ref"])
        place = Place(frame["seq"], frame["n"], frame["at"])
        now = time.monotonic()
        self._attempt = 0
        self.view.ok(message, place, resent=resent)
        self.account.acknowledged(message, place, now)
        if self._unacknowledged.pop(message.id, None) is not None:
            self.latencies.append((now, now - message.first_sent))
            self._window.release()
        self._changed.set()

    def _error(self, frame: Frame) -> None:
        code, details = frame["code"], frame.get("details") or {}
        if code not in {"unavailable", "rate_limited"}:
            self.account.verdict.wrong.append(f"{self.view.name} was shown the error {code}")
            return
        self.account.counts[code] += 1
        message, _ = self._refs.pop(frame.get("ref", ""), (None, False))
        if message is None:  # of the hello's resume: another connection tries again
            self.cut()
        else:
            asyncio.get_running_loop().call_later(details["retry_ms"] / 1000, self._send_again, message)

    def _send_again(self, message: Message) -> None:
        self._sending = asyncio.create_task(self._send(message))

    async def _reload_until(self, last_seq: int) -> None:
        """Read by ``history`` what a resume couldn't tell."""
        socket = self._socket
        while socket is not None and not socket.closed and self.view.seq < last_seq:
            self._reload = asyncio.get_running_loop().create_future()
            asked = {"conversation": self.account.conversation, "after": self.view.seq, "limit": PAGE}
            await socket.send_str(json.dumps({"type": "history", "ref": "reload", **asked}))
            answer = await self._reload
            if answer["type"] == "error":
                self.account.counts[answer["code"]] += 1
                await asyncio.sleep((answer.get("details") or {}).get("retry_ms", 500) / 1000)
                continue
            for element in answer["messages"]:
                self.view.posted(element)
        kept, self._kept, self._reload = self._kept, None, None
        for frame in kept or ():
            if frame["type"] == "ok" or frame["seq"] > self.view.seq:
                await self._take(frame)

    # --- waiting ---------------------------------------------------------------------------------------------------

    async def acknowledged(self, message: Message) -> None:
        """Until this message is acknowledged."""
        while message.place is None:
            self._changed.clear()
            await self._changed.wait()

    async def settled(self) -> None:
        """Until everything written is acknowledged."""
        for message in list(self._unacknowledged.values()):
            await self.acknowledged(message)

    async def connected(self) -> None:
        """Until it is welcome."""
        while self._socket is None:
            self._changed.clear()
            await self._changed.wait()

    async def has(self, seq: int) -> None:
        """Until everything up to this has been seen."""
        while self.view.seq < seq:
            self._changed.clear()
            await self._changed.wait()
