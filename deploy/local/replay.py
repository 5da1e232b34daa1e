"""`./unsaid replay FILE`: play recorded typing, or a recorded talk, through the running platform, and compare.

Typing (``.jsonl``): one object a line, ``{"ops": [[wait_ms, "i", pos, text] | [wait_ms, "d", pos, count]], "text"}``.
Each is typed as live text in a conversation of its own, at life's pace times the speed; the reader's text must equal
the author's after every frame that was sent, by the same operations, and the recording's in the end. A talk (``.csv``
with the columns ``transcript_id``, ``interlocutor`` and ``utterance_text``) is sent as messages, one conversation for
each transcript.
"""

import asyncio
import csv
import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import TypeAdapter, ValidationError

from deploy.local.trouble import Trouble
from services.gateway.domain.drafts import apply
from shared.contracts.errors import Refused
from shared.contracts.frames.client import Op

FRAME_S = 0.1
OPS_MOST = 200
ANSWER_S = 30.0
Frame = dict[str, Any]
_ops: TypeAdapter[list[Op]] = TypeAdapter(list[Op])


@dataclass
class Report:
    """What was played and what arrived."""

    conversations: int = 0
    operations: int = 0
    frames: int = 0
    messages: int = 0
    different: int = 0
    whole: int = 0
    """Times when the reader got a draft's text instead of the edits, and so lost their rhythm."""
    delays_ms: list[float] = field(default_factory=list)

    def line(self) -> str:
        delays = sorted(self.delays_ms)
        p50, p99 = (delays[int(len(delays) * q)] if delays else 0.0 for q in (0.5, 0.99))
        return (
            f"{self.conversations} conversations, {self.operations} operations in {self.frames} frames, "
            f"{self.messages} messages, {self.different} different at the reader, {self.whole} without rhythm; "
            f"delay p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        )


@dataclass(frozen=True)
class Typing:
    ops: list[Op]
    text: str


def read_typing(path: Path) -> list[Typing]:
    """Raises `Trouble`: not such a file."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found.append(Typing(_ops.validate_python([tuple(op) for op in row["ops"]]), str(row["text"])))
        except (ValueError, KeyError, TypeError, ValidationError):
            raise Trouble(f"{path.name}, line {number}: not recorded typing", "see `./unsaid replay --help`") from None
    return found


def read_talks(path: Path) -> list[list[tuple[str, str]]]:
    """Transcripts as (role, text). Raises `Trouble`: not such a file."""
    talks: dict[str, list[tuple[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            try:
                talks.setdefault(row["transcript_id"], []).append((row["interlocutor"], row["utterance_text"]))
            except KeyError:
                raise Trouble(f"{path.name} is not a recorded talk", "see `./unsaid replay --help`") from None
    return list(talks.values())


@dataclass(frozen=True)
class Expected:
    """What a reader should have after a frame, by which operations, and when it was sent."""

    text: str
    ops: list[Op]
    sent: float


class Side:
    """One participant's connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
        self.socket = socket
        self.conversation = conversation

    async def send(self, kind: str, **members: object) -> None:
        await self.socket.send_str(json.dumps({"type": kind, "conversation": self.conversation, **members}))

    async def next(self, *kinds: str) -> Frame:
        """The next frame of one of these types. Raises `Trouble`: an error, the end, or nothing in time."""
        async with asyncio.timeout(ANSWER_S):
            async for message in self.socket:
                frame: Frame = json.loads(message.data)
                if frame["type"] in kinds:
                    return frame
                if frame["type"] == "error":
                    raise Trouble(f"the gateway refused: {frame['code']}", "see `./unsaid logs gateway`")
        raise Trouble("the gateway closed the connection", "see `./unsaid logs gateway`")

    async def ask(self, kind: str, **members: object) -> Frame:
        await self.send(kind, ref="r", **members)
        return await self.next("ok")


class Player:
    """Plays recordings against a running platform."""

    def __init__(self, local: Path, speed: float, http: aiohttp.ClientSession, other: str | None = None) -> None:
        try:
            self._local = json.loads(local.read_text())
        except FileNotFoundError:
            raise Trouble("the platform isn't running", "start it with `./unsaid up`") from None
        self._gateway: str = self._local["gateway"]
        self._other = other or self._gateway
        self._speed = speed
        self._http = http
        self._token = ""
        self.report = Report()

    async def begin(self) -> None:
        form = {key: self._local[key] for key in ("client_id", "client_secret")}
        async with self._http.post(
            self._gateway + "/v1/oauth/token", data={"grant_type": "client_credentials", **form}
        ) as response:
            self._token = (await response.json())["access_token"]

    async def _post(self, path: str, body: object) -> Frame:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._http.post(self._gateway + path, json=body, headers=headers) as response:
            found: Frame = await response.json(content_type=None)
            if response.status >= 300:
                raise Trouble(f"the gateway refused: {found.get('code')}", "see `./unsaid logs gateway`")
            return found

    async def _pair(self) -> dict[str, Side]:
        people = [
            {"role": role, "external_id": f"replay-{uuid.uuid4()}", "display_name": role.title()}
            for role in ("client", "therapist")
        ]
        made = await self._post("/v1/conversations", {"participants": people})
        sides = {}
        for person in made["participants"]:
            path = f"/v1/conversations/{made['id']}/tokens"
            token = (await self._post(path, {"participant": person["id"]}))["token"]
            gateway = self._gateway if person["role"] == "client" else self._other
            url = gateway.replace("http", "ws", 1) + "/v1/ws"
            side = Side(await self._http.ws_connect(url, protocols=("unsaid.v1",)), made["id"])
            await side.send("hello", token=token)
            await side.next("welcome")
            sides[person["role"]] = side
        return sides

    async def type(self, typing: Typing) -> None:
        """Type one recording; the reader follows it frame by frame."""
        sides = await self._pair()
        author, reader = sides["client"], sides["therapist"]
        forms = (await author.ask("consent.forms"))["forms"]
        form = next(f for f in forms if f["purpose"] == "live_text")
        await author.ask("consent.grant", purpose="live_text", version=form["version"], sha256=form["sha256"])
        await author.ask("live.toggle", on=True)
        draft = str(uuid.uuid4())
        expected: list[Expected] = []
        following = asyncio.create_task(self._follow(reader, expected))
        text, rev = "", 0
        for ops in frames(typing.ops, self._speed):
            await asyncio.sleep(sum(op[0] for op in ops) / 1000 / self._speed)
            text, rev = apply(text, ops, "letters"), rev + 1
            expected.append(Expected(text, ops, time.perf_counter()))
            await author.send("live.edit", draft=draft, rev=rev, ops=ops)
        if text != typing.text:
            raise Trouble("a recording's operations don't end in its text", "check the file")
        await author.ask("message.send", message=draft, text=text)
        self.report.different += await following
        self.report.conversations += 1
        self.report.operations += len(typing.ops)
        self.report.frames += rev
        self.report.messages += 1
        for side in sides.values():
            await side.socket.close()

    async def _follow(self, reader: Side, expected: "list[Expected]") -> int:
        """Apply what comes; how many frames left the reader with another text than the author's."""
        text, different = "", 0
        while True:
            frame = await reader.next("live.edit", "live.reset", "message.posted")
            if frame["type"] == "message.posted":
                return different + int(frame["text"] != text)
            wanted = expected[frame["rev"] - 1]
            if frame["type"] == "live.reset":
                text = frame["text"]
                self.report.whole += 1
            else:
                ops = _ops.validate_python([tuple(op) for op in frame["ops"]])
                text = apply(text, ops, "letters")
                different += ops != wanted.ops
            different += text != wanted.text
            self.report.delays_ms.append((time.perf_counter() - wanted.sent) * 1000)

    async def talk(self, turns: list[tuple[str, str]]) -> None:
        """Send one transcript, turn by turn; each is read by the other before the next."""
        sides = await self._pair()
        for role, text in turns:
            author, reader = sides[role], sides["client" if role == "therapist" else "therapist"]
            began = time.perf_counter()
            await author.ask("message.send", message=str(uuid.uuid4()), text=text)
            posted = await reader.next("message.posted")
            self.report.delays_ms.append((time.perf_counter() - began) * 1000)
            self.report.different += posted["text"] != text
            self.report.messages += 1
        self.report.conversations += 1
        for side in sides.values():
            await side.socket.close()


def frames(ops: list[Op], speed: float) -> list[list[Op]]:
    """Operations as a client would send them: what falls within 100 ms goes in one frame."""
    found: list[list[Op]] = []
    span = 0.0
    for op in ops:
        span += op[0] / 1000 / speed
        if not found or span > FRAME_S or len(found[-1]) == OPS_MOST:
            found.append([])
            span = 0.0
        found[-1].append(op)
    return found


async def main(local: Path, path: Path, speed: float, other: str | None = None) -> Report:
    """Play a file. Raises `Trouble`; `Refused` can't happen with a recording that fits its text."""
    if path.suffix == ".csv":
        talks, typings = read_talks(path), []
    else:
        talks, typings = [], read_typing(path)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        player = Player(local, speed, http, other)
        await player.begin()
        try:
            async with asyncio.TaskGroup() as group:
                for typing in typings:
                    group.create_task(player.type(typing))
                for turns in talks:
                    group.create_task(player.talk(turns))
        except* (Trouble, Refused, TimeoutError, aiohttp.ClientError) as several:
            first = several.exceptions[0]
            if isinstance(first, Trouble):
                raise first from None
            raise Trouble(f"the replay broke off ({type(first).__name__})", "see `./unsaid logs gateway`") from None
        return player.report
