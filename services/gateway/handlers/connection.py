"""One participant's connection: who it speaks for, what it may ask, and its way out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from services.gateway import metrics
from services.gateway.domain.rates import Bucket, Excess
from services.gateway.domain.tokens import Connect
from services.gateway.egress.outgoing import Outgoing
from services.gateway.errors import Closing
from services.gateway.store import Limits
from shared.contracts.errors import Close, Code, Refused
from shared.contracts.frames.values import Value
from shared.contracts.ids import new_id


@dataclass(slots=True, eq=False)
class Connection:
    """An authenticated connection. `close` asks for its end; the websocket carries it out in a moment."""

    claims: Connect
    device: str
    limits: Limits
    outgoing: Outgoing
    close: Callable[[int], None]
    id: str = field(default_factory=new_id)
    participant: str = field(init=False)
    conversations: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    """Conversations that it was in, and that have been erased since."""
    unpadded: bool = False
    """Its tenant requires obscuring, and it didn't offer it: it may not show live text."""
    heard: float = 0.0
    live: Bucket = field(init=False)
    messages: Bucket = field(init=False)
    others: Bucket = field(init=False)
    excess: Excess = field(default_factory=Excess)
    typed: "asyncio.Future[object] | None" = None
    """What was typed last is still on its way to other gateways; messages wait for it, some milliseconds at most."""
    held: int = 0
    """Messages that wait so."""
    epochs: dict[tuple[str, str], int] = field(default_factory=dict)
    """Epoch of one's own consents, by conversation and purpose, as last sent on this connection."""

    def __post_init__(self) -> None:
        self.participant = self.claims.sub
        self.live = Bucket(self.limits.live_per_s)
        self.messages = Bucket(self.limits.messages_per_s)
        self.others = Bucket(self.limits.others_per_s)

    @property
    def is_therapist(self) -> bool:
        return self.claims.role == "therapist"

    def send(self, frame: Value) -> None:
        self.outgoing.send(frame.model_dump_json().encode())

    def charge(self, bucket: Bucket, now: float) -> None:
        """Take a token. Raises `Refused` (``rate_limited``); `Closing` after too many of them."""
        retry_ms = bucket.take(now)
        if retry_ms:
            metrics.REFUSED.labels(Code.RATE_LIMITED).inc()
            if self.excess.add(now):
                raise Closing(Close.TOO_FAST)
            raise Refused(Code.RATE_LIMITED, {"retry_ms": retry_ms})
