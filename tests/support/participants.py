"""A participant and a partner, driving the gateway from outside by the protocol alone."""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp

Frame = dict[str, Any]
ANSWER_S = 8.0
LATE_S = 20.0
AWAY_S = 60.0
"""How long a partner asks again while a part of the platform is away."""


class Closed(Exception):  # noqa: N818 - an outcome
    """The gateway closed the connection, with this code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(str(code))
        self.code = code


class Partner:
    """A partner's back end."""

    def __init__(self, gateway: str, client_id: str, client_secret: str) -> None:
        self.gateway = gateway
        self._credentials = (client_id, client_secret)
        self._http = aiohttp.ClientSession()
        self._token: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        await self._http.close()

    async def token(self) -> str:
        if self._token is None:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._credentials[0],
                "client_secret": self._credentials[1],
            }
            async with self._http.post(self.gateway + "/v1/oauth/token", data=form) as response:
                self._token = (await response.json())["access_token"]
        assert self._token is not None
        return self._token

    async def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Frame]:
        """Status and JSON body of a request with this partner's token."""
        with_token = {"Authorization": f"Bearer {await self.token()}", **(headers or {})}
        data = None if body is None else json.dumps(body)
        async with self._http.request(method, self.gateway + path, data=data, headers=with_token) as response:
            return response.status, await response.json(content_type=None)

    async def text(self, path: str, **headers: str) -> str:
        """The body of an answer that isn't JSON, or is to be compared as it is."""
        with_token = {"Authorization": f"Bearer {await self.token()}", **headers}
        async with self._http.get(self.gateway + path, headers=with_token) as response:
            body = await response.text()
            assert response.status == 200, body
            return body

    async def ask_on(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Frame]:
        """The same, again and again while a part of the platform is away."""
        async with asyncio.timeout(AWAY_S):
            while True:
                status, answer = await self.ask(method, path, body, headers)
                if status != 503:
                    return status, answer
                await asyncio.sleep(answer["retry_ms"] / 1000)

    async def conversation(self) -> "Conversation":
        """A new conversation of two new people."""
        return await self.conversation_of(str(uuid.uuid4()), str(uuid.uuid4()))

    async def conversation_of(self, client: str, therapist: str) -> "Conversation":
        """A new conversation of the people with these external ids."""
        people = [
            {"role": role, "external_id": external, "display_name": role.title()}
            for role, external in (("client", client), ("therapist", therapist))
        ]
        once = {"Idempotency-Key": str(uuid.uuid4())}
        status, body = await self.ask_on("POST", "/v1/conversations", {"participants": people}, once)
        assert status == 201, body
        ids = {p["role"]: p["id"] for p in body["participants"]}
        return Conversation(self, body["id"], ids["client"], ids["therapist"])


@dataclass(frozen=True)
class Conversation:
    partner: Partner
    id: str
    client: str
    therapist: str
    here: list["Participant"] = field(default_factory=list)
    """All that were let in, so that they can be shown out."""

    async def token(self, participant: str, **fields: object) -> str:
        path = f"/v1/conversations/{self.id}/tokens"
        status, body = await self.partner.ask_on("POST", path, {"participant": participant, **fields})
        assert status == 201, body
        token: str = body["token"]
        return token

    async def join(self, participant: str, **hello: Any) -> "Participant":
        """A connection of one of the two, welcomed."""
        return await self.arrive(await self.token(participant), **hello)

    async def arrive(self, token: str, gateway: str | None = None, **hello: object) -> "Participant":
        """A connection with this token, welcomed; at another gateway than the partner's, if named."""
        guest = await self.knock(gateway)
        await guest.send("hello", token=token, **hello)
        guest.welcome = await guest.until("welcome")
        return guest

    async def knock(self, gateway: str | None = None, **options: Any) -> "Participant":
        """A connection that hasn't said hello."""
        guest = await Participant.connect(gateway or self.partner.gateway, self.id, **options)
        self.here.append(guest)
        return guest

    async def leave(self) -> None:
        for guest in self.here:
            await guest.leave()

    async def both(self) -> tuple["Participant", "Participant"]:
        client, therapist = await self.join(self.client), await self.join(self.therapist)
        await client.until("presence", participant=self.therapist, online=True)
        return client, therapist


class Participant:
    """One websocket connection. Frames that come are kept in order until asked for."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
        self._http = http
        self.socket = socket
        self.conversation = conversation
        self.frames: deque[Frame] = deque()
        self.seen: list[Frame] = []
        self.sent: set[str] = set()
        """Types of the frames that were sent."""
        self.welcome: Frame = {}
        self._arrived = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, gateway: str, conversation: str, **options: Any) -> "Participant":
        """A connection that hasn't said hello."""
        http = aiohttp.ClientSession()
        try:
            url = gateway.replace("http", "ws", 1) + "/v1/ws"
            socket = await http.ws_connect(url, protocols=options.pop("protocols", ("unsaid.v1",)), **options)
        except BaseException:
            await http.close()
            raise
        return cls(http, socket, conversation)

    @classmethod
    async def arrive(cls, gateway: str, conversation: str, token: str, **hello: object) -> "Participant":
        self = await cls.connect(gateway, conversation)
        try:
            await self.send("hello", token=token, **hello)
            self.welcome = await self.until("welcome")
        except BaseException:
            await self.leave()
            raise
        return self

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                frame = json.loads(message.data)
                self.frames.append(frame)
                self.seen.append(frame)
                self._arrived.set()
        self._arrived.set()

    async def send(self, kind: str, **fields: object) -> None:
        self.sent.add(kind)
        await self.socket.send_str(json.dumps({"type": kind, **fields}, ensure_ascii=False))

    async def say(self, kind: str, **fields: object) -> None:
        """A frame about this conversation, without a ref."""
        await self.send(kind, conversation=self.conversation, **fields)

    async def ask(self, kind: str, **fields: object) -> Frame:
        """A frame about this conversation, with a ref; its ``ok`` or ``error``."""
        ref = uuid.uuid4().hex
        await self.send(kind, ref=ref, **{"conversation": self.conversation, **fields})
        return await self.where(lambda f: f.get("ref") == ref)

    async def ok(self, kind: str, **fields: object) -> Frame:
        frame = await self.ask(kind, **fields)
        assert frame["type"] == "ok", frame
        return frame

    async def refused(self, kind: str, **fields: object) -> str:
        """The code of the error that answers."""
        frame = await self.ask(kind, **fields)
        assert frame["type"] == "error", frame
        code: str = frame["code"]
        return code

    async def until(self, kind: str, **members: object) -> Frame:
        """The next frame of this type with these members; what came before it is passed over."""
        return await self.where(lambda f: f["type"] == kind and all(f.get(k) == v for k, v in members.items()))

    async def until_late(self, kind: str, **members: object) -> Frame:
        """As `until`, for what the protocol lets take its time."""
        return await self.where(
            lambda f: f["type"] == kind and all(f.get(k) == v for k, v in members.items()), wait_s=LATE_S
        )

    async def where(self, wanted: Callable[[Frame], bool], wait_s: float = ANSWER_S) -> Frame:
        """The next frame that is wanted; the others stay. Raises `Closed`, `TimeoutError`."""
        async with asyncio.timeout(wait_s):
            while True:
                for index, frame in enumerate(self.frames):
                    if wanted(frame):
                        del self.frames[index]
                        return frame
                if self._reading.done():
                    raise Closed(self.socket.close_code)
                self._arrived.clear()
                await self._arrived.wait()

    async def closed(self) -> int | None:
        """Wait for the end; its close code."""
        async with asyncio.timeout(ANSWER_S):
            await asyncio.wait([self._reading])
        return self.socket.close_code

    async def settled(self) -> list[Frame]:
        """Everything that has come up to now: a round trip through the conversation's own queue shows it is all."""
        await self.ok("history", limit=1)
        frames = list(self.frames)
        self.frames.clear()
        return frames

    async def consent(self, *purposes: str) -> None:
        """Grant these purposes on the forms in force."""
        forms = {form["purpose"]: form for form in (await self.ok("consent.forms"))["forms"]}
        for purpose in purposes:
            form = forms[purpose]
            await self.ok("consent.grant", purpose=purpose, version=form["version"], sha256=form["sha256"])

    async def post(self, text: str, **fields: object) -> Frame:
        """Send a message with a fresh id; its ``ok``."""
        return await self.ok("message.send", message=str(uuid.uuid4()), text=text, **fields)

    async def send_raw(self, text: str) -> None:
        await self.socket.send_str(text)

    async def untouched(self) -> None:
        """Nothing has come to this connection since it was last looked at, and it still answers.

        Figures of pacing come by themselves, some moments after a message.
        """
        assert [frame for frame in await self.settled() if frame["type"] != "pacing.updated"] == []

    async def leave(self) -> None:
        if not self.socket.closed:
            await self.socket.close()
        await self._http.close()
        self._reading.cancel()
