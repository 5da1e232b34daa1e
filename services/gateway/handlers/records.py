"""Features' requests on their way to the session service, and what came of them on its way to participants.

Text is sealed here and opened here; what a record says besides goes through as it is, checked by its frame's model.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from services.gateway.egress.fitting import FRAME_BYTES
from services.gateway.handlers.connection import Connection
from shared.contracts import features, keys
from shared.contracts.commands import ReadRecords
from shared.contracts.errors import KeyGone
from shared.contracts.events import RecordsRead
from shared.contracts.frames import client, server
from shared.contracts.frames.base import Answer, Happened, InConversation, Lasting
from shared.contracts.frames.values import Value
from shared.contracts.ids import Role, new_id
from shared.contracts.records import Notice, RecordAccepted, RecordCommand
from shared.runtime.sealing import DataKey, SealBroken

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room

PAGE = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to last, with what its command is made of."""

    hub: "Hub"
    room: "Room"
    connection: Connection
    frame: InConversation
    record: str
    key: DataKey

    @property
    def base(self) -> dict[str, Any]:
        """The members that each `RecordCommand` has. The fingerprint covers all that the frame says."""
        said = self.frame.model_dump_json(exclude={"ref", "record"}, exclude_none=True)
        return {
            "tenant": self.room.tenant,
            "replyto": self.hub.address,
            "conversation": self.room.id,
            "participant": self.connection.participant,
            "record": self.record,
            "fingerprint": self.key.fingerprint(self.connection.participant, self.record, said),
        }

    def seal(self, content: Value) -> str:
        return self.key.seal(keys.record(self.record), content.model_dump_json(exclude_none=True).encode())


Build = Callable[[Asked, Any], RecordCommand | Awaitable[RecordCommand]]
"""The command that a frame asks for, at once or after a question to a service. Raises `Refused`."""
Reply = Callable[["Hub", "Room", Connection, Any, str], Awaitable[Answer]]
"""Answers a frame that asks and changes nothing. Raises `Refused`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature does in the gateway, by frame.

    ``only``: what is for one role; ``notices``: their frames; ``unlimited``: what is never too fast.
    """

    builds: Mapping[type[Lasting], Build] = field(default_factory=dict)
    answers: Mapping[type[InConversation], Reply] = field(default_factory=dict)
    only: Mapping[type[InConversation], Role] = field(default_factory=dict)
    notices: Mapping[type[Notice], type[Value]] = field(default_factory=dict)
    unlimited: frozenset[type[InConversation]] = frozenset()


async def ask(hub: "Hub", room: "Room", connection: Connection, frame: Lasting, ref: str, build: Build) -> Answer:
    """Have it carried out. Raises `Refused`, as the feature says."""
    asked = Asked(hub, room, connection, frame, frame.own_id or new_id(), room.key())
    built = build(asked, frame)
    command = built if isinstance(built, RecordCommand) else await built
    accepted = await hub.requests.ask(hub.session_queue(room.id), command, RecordAccepted)
    return server.Ok(ref=ref, record=accepted.record, n=accepted.n, at=accepted.at)


FRAMES: dict[str, type[Happened]] = {
    kind: frame
    for frame in get_args(features.ServerFrame)
    if issubclass(frame, Happened)
    for kind in get_args(frame.model_fields["type"].annotation)
}
"""The frame of each kind of record has the kind's name."""


def to_frame(room: "Room", fact: features.Fact) -> Happened:
    """The frame that tells a participant. Raises `SealBroken`; as `Room.key` does."""
    return opened(room.id, fact, None if fact.content is None else room.key())


def opened(conversation: str, fact: features.Fact, key: DataKey | None) -> Happened:
    """A record's frame, with the members of its content among its own. Raises `SealBroken`, `KeyGone`."""
    members = fact.model_dump(exclude={"kind", "content"}) | {"type": fact.kind, "conversation": conversation}
    if key is not None and fact.content:
        members |= json.loads(key.open(keys.record(fact.record), fact.content))
    return FRAMES[fact.kind].model_validate_json(json.dumps(members))


async def listed(hub: "Hub", room: "Room", frame: client.RecordList, ref: str) -> server.Ok:
    """A page of records, ascending, cut to fit a frame; ``more``: in the direction asked for."""
    command = ReadRecords(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        after=frame.after,
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, RecordsRead)
    key = await hub.keys.of(room.key_name)
    from_end = frame.after is None
    kept: list[dict[str, Any]] = []
    size, left = 0, len(reply.records)
    for fact in reversed(reply.records) if from_end else reply.records:
        try:
            payload = opened(room.id, fact, key).model_dump_json(exclude={"conversation"})
        except (SealBroken, KeyGone):  # nobody can read it any more
            left -= 1
            continue
        size += len(payload.encode()) + 1
        if kept and size > FRAME_BYTES:
            break
        kept.append(json.loads(payload))
    more = reply.more or len(kept) < left
    return server.Ok(ref=ref, records=kept[::-1] if from_end else kept, more=more)
