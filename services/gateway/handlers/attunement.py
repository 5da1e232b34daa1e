"""Attunement: what was heard, sealed on its way in and opened on its way out."""

from services.gateway.egress.fitting import FRAME_BYTES, fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.records import Asked, Feature
from services.gateway.handlers.room import Room
from shared.contracts import keys
from shared.contracts.features.attunement import (
    AnswerCheck,
    AskCheck,
    AttuneAnswer,
    AttuneAsk,
    AttuneList,
    AttuneReflect,
    CheckAnsweredFact,
    CheckReflectedFact,
    ChecksListed,
    ChecksOk,
    CheckValue,
    ListChecks,
    ReflectCheck,
    SaidContent,
    SaidValue,
    StoredCheck,
)
from shared.contracts.text import TEXT_MAX
from shared.runtime.sealing import DataKey

PAGE = 50
CHECKS_BYTES = FRAME_BYTES - 50_000
"""The rest of a frame is for figures."""


def _ask(asked: Asked, frame: AttuneAsk) -> AskCheck:
    return AskCheck(**asked.base, message=frame.message)


def _reflect(asked: Asked, frame: AttuneReflect) -> ReflectCheck:
    check_text(frame.text, TEXT_MAX)
    return ReflectCheck(**asked.base, check=frame.check, content=asked.seal(SaidContent(text=frame.text)))


def _answer(asked: Asked, frame: AttuneAnswer) -> AnswerCheck:
    content = None
    if frame.text is not None:
        check_text(frame.text, TEXT_MAX)
        content = asked.seal(SaidContent(text=frame.text))
    return AnswerCheck(**asked.base, check=frame.check, heard=frame.heard, content=content)


def _said(key: DataKey, fact: CheckReflectedFact | CheckAnsweredFact) -> SaidValue:
    text = None
    if fact.content:
        text = SaidContent.model_validate_json(key.open(keys.record(fact.record), fact.content)).text
    heard = fact.heard if isinstance(fact, CheckAnsweredFact) else None
    return SaidValue(round=fact.round, sender=fact.sender, at=fact.at, text=text, heard=heard)


def _value(key: DataKey, stored: StoredCheck) -> CheckValue:
    """With as much of what was said in it as half a frame holds, the newest."""
    said = fit((_said(key, fact) for fact in reversed(stored.said)), CHECKS_BYTES // 2)[::-1]
    return CheckValue(
        check=stored.check,
        n=stored.n,
        message=stored.message,
        seq=stored.seq,
        author=stored.author,
        sender=stored.asked_by,
        at=stored.at,
        session=stored.session,
        state=stored.state,
        round=stored.round,
        said=said,
        earlier=stored.earlier + len(stored.said) - len(said),
    )


async def _list(hub: Hub, room: Room, connection: Connection, frame: AttuneList, ref: str) -> ChecksOk:
    command = ListChecks(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        only_open=frame.open or False,
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, ChecksListed)
    key = await hub.keys.of(room.key_name)
    fitting = fit((_value(key, stored) for stored in reversed(reply.checks)), CHECKS_BYTES)[::-1]
    more = reply.more or len(fitting) < len(reply.checks)
    return ChecksOk(ref=ref, checks=fitting, more=more, sessions=reply.sessions)


FEATURE = Feature(
    builds={AttuneAsk: _ask, AttuneReflect: _reflect, AttuneAnswer: _answer},
    answers={AttuneList: _list},
)
