"""`./unsaid bench live`: the sides of live text. Nothing of it is answered or stored, so only arrivals are timed."""

import json
import uuid
from typing import Any

import picows

from bench.load import NUMBER, text
from bench.platform import CODE, UnsaidSide
from services.gateway.egress.obscured import padded

MARK = len("#000000000")


class LiveSide(UnsaidSide):
    """Consents, switches live text on, and then types the number of each frame in place of the last one."""

    def __init__(self, conversation: str, token: str) -> None:
        super().__init__(conversation, token)
        self._draft = str(uuid.uuid4())
        self._rev = 0

    def send(self, number: int) -> None:
        self._rev += 1
        cut = f'[0,"d",0,{MARK}],' if self._rev > 1 else ""
        self.write(
            f'{{"type":"live.edit","conversation":"{self.conversation}","draft":"{self._draft}","rev":{self._rev},'
            f'"ops":[{cut}[12,"i",0,"{text(number)[:MARK]}"]]}}'
        )

    def receive(self, data: bytes) -> None:
        if not self.ready.done():
            self._consent(json.loads(data))
        elif b'"type":"live.' in data:
            if found := NUMBER.search(data):
                self.account.arrive(int(found.group(1)))
        elif b'"type":"error"' in data:
            code = CODE.search(data)
            self.refused(code.group(1).decode() if code else "unknown")

    def _consent(self, frame: Any) -> None:  # noqa: ANN401 - JSON
        match frame:
            case {"type": "ok", "ref": "hello"}:
                self._ask("consent.forms")
            case {"type": "ok", "ref": "consent.forms", "forms": [*forms]}:
                form = next(each for each in forms if each["purpose"] == "live_text")
                self._ask("consent.grant", purpose="live_text", version=form["version"], sha256=form["sha256"])
            case {"type": "ok", "ref": "consent.grant"}:
                self._ask("live.toggle", on=True)
            case {"type": "ok", "ref": "live.toggle"}:
                self.ready.set_result(None)
            case {"type": "error"}:
                self.refused(str(frame["code"]))
            case _:
                pass  # what others do meanwhile

    def _ask(self, kind: str, **members: object) -> None:
        self.write(json.dumps({"type": kind, "ref": kind, "conversation": self.conversation, **members}))


class ObscuredSide(LiveSide):
    """The same on an obscured connection: frames of one size; at ten a second it types one a tick."""

    def greet(self) -> None:
        self.write(json.dumps({"type": "hello", "ref": "hello", "token": self._token, "obscure": True}))

    def write(self, data: str) -> None:
        self.transport.send(picows.WSMsgType.TEXT, padded(data.encode()))

    def receive(self, data: bytes) -> None:
        if self.ready.done() and b'"type":"live.edit"' in data:
            for found in NUMBER.finditer(data):  # what came since the last tick is one frame
                self.account.arrive(int(found.group(1)))
        else:
            super().receive(data)
