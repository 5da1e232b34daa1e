"""Safety: this gateway answers by itself and tells whom it can at once; the record follows as soon as can be.

Who asks for help is told where there is some, whatever else is away. Where the session service doesn't answer in
`SOON_S`, everybody who is connected hears of it before it is recorded. The command is one that the broker keeps: once
it has it, the raise is recorded though this gateway dies. Before that it is tried again, by this process, for a day.
"""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from services.gateway import metrics
from services.gateway.egress.fitting import fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.raises import STANDS_S, UnderWay
from services.gateway.handlers.records import Asked, Feature
from services.gateway.handlers.room import Room
from shared.contracts import keys
from shared.contracts.errors import Code, Refused
from shared.contracts.features import safety as c
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import new_id, rfc3339
from shared.contracts.records import RecordAccepted
from shared.runtime.sealing import DataKey, SealBroken
from shared.safety import crisis

log = structlog.get_logger()

SOON_S = 0.5
"""How long the record may take before people are told without it."""
RETRY_S = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
UNDER_WAY_MOST = 1_000
"""Raises that one gateway tries again; who comes then is told to who is connected, and tried once."""
PAGE = 50


def _resources(hub: Hub, room: Room, participant: str, region: str | None = None) -> c.ResourcesValue:
    return crisis.chosen(hub.safety.of(room.tenant).resources, room.locale(participant), region)


async def _read_resources(
    hub: Hub, room: Room, connection: Connection, frame: c.SafetyResources, ref: str
) -> c.ResourcesOk:
    return c.ResourcesOk(ref=ref, resources=_resources(hub, room, connection.participant, frame.region))


# --- raising ----------------------------------------------------------------------------------------------------------


async def _raise(hub: Hub, room: Room, connection: Connection, frame: c.SafetyRaise, ref: str) -> c.RaiseOk:
    """Raises `Refused`, with the resources: ``bad_text``, ``conflict``; `Erased`."""
    resources = _resources(hub, room, connection.participant)
    try:
        if frame.text is not None:
            check_text(frame.text, c.HELP_TEXT_MAX)
        return await _raised(hub, room, connection, frame, ref, resources)
    except Refused as refused:  # who asks for help is told where there is some, whatever is wrong with the frame
        refused.details["resources"] = resources.model_dump(mode="json")
        raise


async def _raised(
    hub: Hub, room: Room, connection: Connection, frame: c.SafetyRaise, ref: str, resources: c.ResourcesValue
) -> c.RaiseOk:
    """Raises `Refused`: ``conflict``; `Erased`."""
    record = frame.record or new_id()
    under_way = room.raises.under_way.get(record)
    if under_way is None:
        standing = room.raises.standing(connection.participant)
        if len(standing) >= c.OPEN_MOST and all(one.raised != record for one in standing):
            return _joined(hub, room, connection, frame, standing[0], ref, resources)
        under_way = _begin(hub, room, connection, frame, record)
    if (under_way.frame.sender, under_way.frame.text) != (connection.participant, frame.text):
        raise Refused(Code.CONFLICT)
    try:
        accepted = await asyncio.shield(under_way.soon)
    except Refused as refused:  # more came by other gateways meanwhile than this one knew of
        standing = room.raises.standing(connection.participant)
        if refused.code is not Code.WRONG_STATE or not standing:
            raise
        return _joined(hub, room, connection, frame, standing[0], ref, resources)
    return c.RaiseOk(
        ref=ref,
        record=record,
        recorded=accepted is not None,
        n=None if accepted is None else accepted.n,
        at=under_way.frame.at if accepted is None else accepted.at,
        resources=resources,
    )


def _joined(
    hub: Hub,
    room: Room,
    connection: Connection,
    frame: c.SafetyRaise,
    stands: OpenRaise,
    ref: str,
    resources: c.ResourcesValue,
) -> c.RaiseOk:
    """One more would say no more, and is not begun: so it costs neither memory nor anybody else's place.

    Its words, where it has some, are told with those that stand to who is connected, and are in no record.
    """
    recorded = frame.text is None and stands.raised in room.raises.open
    if frame.text is not None:
        told = _told(room, connection, stands.raised, frame.text, joined=True)
        room.to_all(told, but=connection)
        hub.peers.alert(room, _notice(room, told, _sealed(room, told)))
    return c.RaiseOk(ref=ref, record=stands.raised, recorded=recorded, joined=True, at=stands.at, resources=resources)


def _told(
    room: Room, connection: Connection, record: str, text: str | None, *, joined: bool | None = None
) -> c.SafetyAlerted:
    at = rfc3339(datetime.fromtimestamp(time.time(), UTC))
    sender = connection.participant
    return c.SafetyAlerted(conversation=room.id, record=record, sender=sender, at=at, text=text, joined=joined)


def _begin(hub: Hub, room: Room, connection: Connection, frame: c.SafetyRaise, record: str) -> UnderWay:
    loop = asyncio.get_running_loop()
    told = _told(room, connection, record, frame.text)
    under_way = UnderWay(connection, told, loop.create_future(), once=hub.raising >= UNDER_WAY_MOST)
    under_way.soon.add_done_callback(lambda soon: soon.cancelled() or soon.exception())  # who asked may have gone
    room.raises.under_way[record] = under_way
    hub.raising += 1
    late = loop.call_later(SOON_S, partial(_late, hub, room, under_way))
    # Its own task: who raises may close the window at once, and it stands all the same.
    hub.spawn(_see_through(hub, room, under_way, frame, late))
    return under_way


def _late(hub: Hub, room: Room, under_way: UnderWay) -> None:
    """The record takes its time: answer without it, and tell everybody who is connected."""
    if under_way.soon.done():
        return
    under_way.soon.set_result(None)
    frame = under_way.frame
    if under_way.recorded.is_set():
        return  # they were told by the record itself
    metrics.ALERTS.inc()
    room.raises.alerts[frame.record] = frame
    room.to_all(frame, but=under_way.connection)
    hub.peers.alert(room, _notice(room, frame, _sealed(room, frame)))


def _sealed(room: Room, frame: c.SafetyAlerted) -> str | None:
    if frame.text is not None:
        with suppress(Refused):  # without its key the text comes with the record
            content = c.HelpContent(text=frame.text).model_dump_json().encode()
            return room.key().seal(keys.record(frame.record), content)
    return None


def _notice(room: Room, frame: c.SafetyAlerted, content: str | None = None, *, given_up: bool = False) -> c.SafetyAlert:
    return c.SafetyAlert(
        tenant=room.tenant,
        conversation=room.id,
        record=frame.record,
        sender=frame.sender,
        at=frame.at,
        content=content,
        given_up=given_up,
        joined=bool(frame.joined),
    )


async def _see_through(
    hub: Hub, room: Room, under_way: UnderWay, frame: c.SafetyRaise, late: asyncio.TimerHandle
) -> None:
    """Have it recorded, however long that takes."""
    loop = asyncio.get_running_loop()
    until = loop.time() + STANDS_S
    attempt = 0
    try:
        while not await _recorded(hub, room, under_way, frame):
            if loop.time() > until or under_way.once:
                log.error("raise_given_up", conversation=room.id, raised=under_way.frame.record)
                _give_up(hub, room, under_way.frame)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S[min(attempt, len(RETRY_S) - 1)]):
                    await under_way.recorded.wait()
            if under_way.recorded.is_set():
                return
            attempt += 1
    finally:
        late.cancel()
        hub.raising -= 1
        room.raises.under_way.pop(under_way.frame.record, None)


def _give_up(hub: Hub, room: Room, frame: c.SafetyAlerted) -> None:
    """It was told to who was connected; to who comes, it isn't shown as something that waits, here or elsewhere."""
    if room.raises.alerts.pop(frame.record, None) is not None:
        hub.peers.alert(room, _notice(room, frame, given_up=True))


async def _recorded(hub: Hub, room: Room, under_way: UnderWay, frame: c.SafetyRaise) -> bool:
    """Try once. False: it isn't known to be done, and is to be tried again."""
    record = under_way.frame.record
    try:
        key = await hub.keys.of(room.key_name)
        asked = Asked(hub, room, under_way.connection, frame, record, key)
        command = c.RaiseSafety(
            **asked.base,
            raised_at=under_way.frame.at,
            escalate_after_s=hub.safety.of(room.tenant).resources.escalate_after_s,
            content=None if frame.text is None else asked.seal(c.HelpContent(text=frame.text)),
        )
        accepted = await hub.requests.ask(hub.session_queue(room.id), command, RecordAccepted, persistent=True)
    except Refused as refused:
        if refused.code in (Code.UNAVAILABLE, Code.KEY_GONE):  # nothing can be sealed any more: at least it is told
            _late(hub, room, under_way)
        if refused.code is Code.UNAVAILABLE:
            return False
        log.warning("raise_refused", code=refused.code, conversation=room.id)
        _give_up(hub, room, under_way.frame)
        if not under_way.soon.done():
            under_way.soon.set_exception(refused)
        return True
    if not under_way.soon.done():
        under_way.soon.set_result(accepted)
    return True


def alerted(room: Room, notice: c.SafetyAlert) -> c.SafetyAlerted | None:
    """What another gateway was asked. None: it is recorded, and was told; or enough of this person's stand already.

    What joined is told, though enough stand, and not kept.
    """
    raises = room.raises
    if notice.given_up:
        raises.alerts.pop(notice.record, None)
        return None
    if not notice.joined and (notice.record in raises.open or len(raises.standing(notice.sender)) >= c.OPEN_MOST):
        return None
    text = None
    if notice.content is not None:
        with suppress(Refused, SealBroken):  # the text comes with the record
            text = c.HelpContent.model_validate_json(room.key().open(keys.record(notice.record), notice.content)).text
    frame = c.SafetyAlerted(conversation=room.id, record=notice.record, sender=notice.sender, at=notice.at, text=text)
    if notice.joined:
        return None if text is None else frame.model_copy(update={"joined": True})
    raises.alerts[notice.record] = frame
    return frame


# --- what became of it ------------------------------------------------------------------------------------------------


def _acknowledge(asked: Asked, frame: c.SafetyAcknowledge) -> c.AcknowledgeSafety:
    return c.AcknowledgeSafety(**asked.base, raised=frame.raised)


def _value(key: DataKey, stored: c.StoredRaise) -> c.RaiseValue:
    text = None
    if stored.content:
        text = c.HelpContent.model_validate_json(key.open(keys.record(stored.raised), stored.content)).text
    return c.RaiseValue(**stored.model_dump(exclude={"content"}, by_alias=False), text=text)


async def _list(hub: Hub, room: Room, connection: Connection, frame: c.SafetyList, ref: str) -> c.RaisesOk:
    """As many as fit a frame."""
    question = c.ListRaises(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        open=bool(frame.open),
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.RaisesListed)
    key = await hub.keys.of(room.key_name)
    page = fit(_value(key, stored) for stored in reply.raises)
    return c.RaisesOk(ref=ref, raises=page, more=reply.more or len(page) < len(reply.raises))


FEATURE = Feature(
    builds={c.SafetyAcknowledge: _acknowledge},
    answers={c.SafetyRaise: _raise, c.SafetyList: _list, c.SafetyResources: _read_resources},
    only={c.SafetyAcknowledge: "therapist"},
    notices={c.SafetyAlert: c.SafetyAlerted},
    unlimited=frozenset({c.SafetyRaise, c.SafetyResources}),
)
