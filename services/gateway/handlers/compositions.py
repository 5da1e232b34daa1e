"""Compositions as people ask for them: read, opened, let go, marked. Whose text it is decides who sees what of it."""

from itertools import groupby

from services.gateway.domain.compositions import join, visible
from services.gateway.domain.strokes import Stroke, decode
from services.gateway.egress.fitting import FRAME_BYTES
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.room import Room
from shared.contracts import keys as records
from shared.contracts.commands import (
    DeleteCompositions,
    ListCompositions,
    MarkComposition,
    OpenComposition,
    ReadComposition,
)
from shared.contracts.contents import MarkContent
from shared.contracts.errors import Code, Refused, Unavailable
from shared.contracts.events import (
    CompositionChanged,
    CompositionRead,
    CompositionsListed,
    CompositionSummary,
    Done,
    StoredMark,
    StoredPart,
)
from shared.contracts.frames import client, server
from shared.contracts.frames.client import Op
from shared.contracts.frames.values import CompositionSummaryValue, CompositionValue, MarkValue
from shared.contracts.text import NOTE_MAX
from shared.runtime.sealing import DataKey

PAGE = 50
OPS_BYTES = FRAME_BYTES // 2
"""The rest of a frame is for marks."""

Frame = (
    client.CompositionGet | client.CompositionList | client.CompositionOpen | client.CompositionDelete
    | client.CompositionMark
)  # fmt: skip


async def answer(hub: Hub, room: Room, connection: Connection, frame: Frame, ref: str) -> server.Ok:
    """Raises `Refused`: ``not_found``, ``forbidden``, ``bad_text``, ``conflict``, ``bad_frame`` (``at_op``)."""
    match frame:
        case client.CompositionGet():
            return await _get(hub, room, connection, frame, ref)
        case client.CompositionList():
            return await _list(hub, room, connection, frame, ref)
        case client.CompositionOpen():
            await _open(hub, room, connection, frame)
        case client.CompositionDelete():
            await _delete(hub, room, connection, frame)
        case client.CompositionMark():
            await _mark(hub, room, connection, frame)
    return server.Ok(ref=ref)


def _value(found: CompositionSummary) -> CompositionSummaryValue:
    return CompositionSummaryValue(
        draft=found.draft,
        author=found.author,
        begun_at=found.begun_at,
        message_sent=found.seq is not None,
        seq=found.seq,
        opened=found.opened,
        ops=found.ops,
        marks=found.marks,
    )


async def _get(hub: Hub, room: Room, connection: Connection, frame: client.CompositionGet, ref: str) -> server.Ok:
    """The author gets all of it; the other what was shown live at the time, until the author opens it."""
    who = connection.participant
    command = ReadComposition(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=who, draft=frame.draft
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, CompositionRead)
    about = reply.composition
    if about.author != who:
        _require_consent(hub, room, about.author)
    key = await hub.keys.of(room.key_name)
    strokes = join(_runs(key, frame.draft, reply.parts))
    all_of_it = about.opened or about.author == who
    ops = [stroke.op for stroke in strokes] if all_of_it else visible(strokes)
    page = _fit(ops[frame.after_op or 0 :])
    value = CompositionValue(
        draft=about.draft,
        author=about.author,
        begun_at=about.begun_at,
        message_sent=about.seq is not None,
        seq=about.seq,
        opened=about.opened,
        ops=page,
        marks=_marks(key, reply.marks),
    )
    return server.Ok(ref=ref, composition=value, more=(frame.after_op or 0) + len(page) < len(ops))


def _require_consent(hub: Hub, room: Room, author: str) -> None:
    """What was kept under a consent that has ended is the author's alone, as its form says.

    Raises:
        Refused: ``consent_required``; `Unavailable`: whether it is in force can't be known now.
    """
    granted = room.consents_to(author, "composition_replay") and author not in room.unkept
    room.used(author, "composition_replay", through=granted)
    if not granted:
        raise Refused(Code.CONSENT_REQUIRED, {"purpose": "composition_replay", "participants": [author]})
    if not hub.lease_holds(room):
        raise Unavailable("consent")


def _runs(key: DataKey, draft: str, parts: list[StoredPart]) -> list[list[Stroke]]:
    return [
        [
            stroke
            for part in run
            for stroke in decode(key.open(records.composition_part(draft, part.run, part.number), part.content))
        ]
        for _, run in groupby(parts, key=lambda part: part.run)
    ]


def _fit(ops: list[Op]) -> list[Op]:
    """As many as a frame holds, at least one."""
    size = 0
    for index, op in enumerate(ops):
        size += 32 + (len(op[3]) * 6 if op[1] == "i" else 0)
        if index and size > OPS_BYTES:
            return ops[:index]
    return ops


def _marks(key: DataKey, stored: list[StoredMark]) -> list[MarkValue]:
    """Those that a frame holds beside the operations."""
    marks: list[MarkValue] = []
    size = 0
    for one in stored:
        text = MarkContent.model_validate_json(key.open(records.mark(one.mark), one.content)).text
        mark = MarkValue(mark=one.mark, at_op=one.at_op, text=text, at=one.at)
        size += len(mark.model_dump_json().encode()) + 1
        if size > OPS_BYTES:
            break
        marks.append(mark)
    return marks


async def _list(hub: Hub, room: Room, connection: Connection, frame: client.CompositionList, ref: str) -> server.Ok:
    command = ListCompositions(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, CompositionsListed)
    return server.Ok(ref=ref, compositions=[_value(one) for one in reply.compositions], more=reply.more)


async def _open(hub: Hub, room: Room, connection: Connection, frame: client.CompositionOpen) -> None:
    command = OpenComposition(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        draft=frame.draft,
    )
    await hub.requests.ask(hub.session_queue(room.id), command, Done)


async def _delete(hub: Hub, room: Room, connection: Connection, frame: client.CompositionDelete) -> None:
    """What is still in memory goes first, so that nothing of it is sent behind the deletion."""
    who = connection.participant
    if frame.draft is not None and room.live.is_somebody_elses(frame.draft, who):
        raise Refused(Code.FORBIDDEN)
    hub.keeping.drop(room, who, frame.draft)
    command = DeleteCompositions(
        tenant=room.tenant, replyto=hub.address, conversation=room.id, participant=who, draft=frame.draft
    )
    await hub.requests.ask(hub.session_queue(room.id), command, Done)


async def _mark(hub: Hub, room: Room, connection: Connection, frame: client.CompositionMark) -> None:
    check_text(frame.text, NOTE_MAX)
    who = connection.participant
    key = await hub.keys.of(room.key_name)
    command = MarkComposition(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=who,
        draft=frame.draft,
        mark=frame.mark,
        at_op=frame.at_op,
        fingerprint=key.fingerprint(who, frame.draft, frame.mark, str(frame.at_op), frame.text),
        content=key.seal(records.mark(frame.mark), MarkContent(text=frame.text).model_dump_json().encode()),
    )
    await hub.requests.ask(hub.session_queue(room.id), command, Done)


def changed(hub: Hub, room: Room, event: CompositionChanged) -> None:
    """Told by the session service: one was opened, or destroyed, here or through another gateway."""
    if event.change == "opened" and event.draft is not None:
        room.to_all(server.CompositionOpened(conversation=room.id, draft=event.draft, sender=event.author))
    else:
        hub.keeping.drop(room, event.author, event.draft)
        room.to_all(server.CompositionDeleted(conversation=room.id, draft=event.draft, sender=event.author))
