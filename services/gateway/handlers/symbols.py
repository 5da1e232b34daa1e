"""Emoji on their way in and out: what is one, under which tag it is known, and what two people agreed that it means."""

from services.gateway.egress.fitting import fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.records import Asked, Feature
from services.gateway.handlers.room import Room
from shared.contracts import keys
from shared.contracts.emoji import identities, identity
from shared.contracts.errors import Code, Refused
from shared.contracts.features.symbols import (
    MEANING_MAX,
    AddReaction,
    AgreeSymbol,
    DefineSymbol,
    ListSymbols,
    MeaningContent,
    ReactionAdd,
    ReactionContent,
    ReactionRemove,
    ReadTimeline,
    RemoveReaction,
    RetireSymbol,
    ReviseSymbol,
    StoredSymbol,
    StoredWording,
    SymbolAgree,
    SymbolContent,
    SymbolDefine,
    SymbolList,
    SymbolRetire,
    SymbolRevise,
    SymbolsListed,
    SymbolsOk,
    SymbolTimeline,
    SymbolValue,
    TimelineOk,
    TimelineRead,
    WordingValue,
)
from shared.contracts.ids import Tag
from shared.contracts.text import fault
from shared.runtime.sealing import DataKey

PAGE = 50
SYMBOLS = 40
"""Symbols asked for at once: with two wordings each, of 500 code points, they nearly fill a frame."""


def tag(key: DataKey, emoji: str) -> Tag:
    """By which the session service knows an emoji. Raises `Refused` (``bad_emoji``)."""
    one = identity(emoji)
    if one is None:
        raise Refused(Code.BAD_EMOJI, {"field": "emoji"})
    return key.tag("emoji", one)


def uses(key: DataKey, text: str, tone: str | None) -> tuple[Tag, ...]:
    """The tags of the emoji in a message, its tone included."""
    found = identities(text)
    if tone is not None and not tone.isascii() and (one := identity(tone)) is not None and one not in found:
        found.append(one)
    return tuple(key.tag("emoji", one) for one in found)


def _check_meaning(meaning: str) -> None:
    """Raises `Refused`: ``too_long``, ``bad_text``."""
    why = fault(meaning, MEANING_MAX)
    if why == "too_long":
        raise Refused(Code.TOO_LONG, {"field": "meaning", "most": MEANING_MAX})
    if why is not None:
        raise Refused(Code.BAD_TEXT, {"field": "meaning", "reason": why})


def _add(asked: Asked, frame: ReactionAdd) -> AddReaction:
    emoji = tag(asked.key, frame.emoji)
    content = asked.seal(ReactionContent(emoji=frame.emoji))
    return AddReaction(**asked.base, message=frame.message, emoji=emoji, content=content)


def _remove(asked: Asked, frame: ReactionRemove) -> RemoveReaction:
    emoji = tag(asked.key, frame.emoji)
    content = asked.seal(ReactionContent(emoji=frame.emoji))
    return RemoveReaction(**asked.base, message=frame.message, emoji=emoji, content=content)


def _define(asked: Asked, frame: SymbolDefine) -> DefineSymbol:
    emoji = tag(asked.key, frame.emoji)
    _check_meaning(frame.meaning)
    content = asked.seal(SymbolContent(emoji=frame.emoji, meaning=frame.meaning))
    return DefineSymbol(**asked.base, emoji=emoji, content=content)


def _revise(asked: Asked, frame: SymbolRevise) -> ReviseSymbol:
    _check_meaning(frame.meaning)
    content = asked.seal(MeaningContent(meaning=frame.meaning))
    return ReviseSymbol(**asked.base, symbol=frame.symbol, content=content)


def _agree(asked: Asked, frame: SymbolAgree) -> AgreeSymbol:
    return AgreeSymbol(**asked.base, symbol=frame.symbol, revision=frame.revision)


def _retire(asked: Asked, frame: SymbolRetire) -> RetireSymbol:
    return RetireSymbol(**asked.base, symbol=frame.symbol)


def _wording(key: DataKey, stored: StoredWording) -> WordingValue:
    opened = key.open(keys.record(stored.record), stored.content)
    return WordingValue(
        revision=stored.revision,
        sender=stored.author,
        meaning=MeaningContent.model_validate_json(opened).meaning,
        at=stored.at,
        agreed_at=stored.agreed_at,
    )


def _value(key: DataKey, stored: StoredSymbol) -> SymbolValue:
    first = SymbolContent.model_validate_json(key.open(keys.record(stored.symbol), stored.first))
    return SymbolValue(
        symbol=stored.symbol,
        emoji=first.emoji,
        state=stored.state,
        meaning=_wording(key, stored.in_force),
        proposed=None if stored.proposed is None else _wording(key, stored.proposed),
        retired_at=stored.retired_at,
    )


async def _list(hub: Hub, room: Room, connection: Connection, frame: SymbolList, ref: str) -> SymbolsOk:
    command = ListSymbols(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        after=frame.after,
        limit=SYMBOLS,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, SymbolsListed)
    key = await hub.keys.of(room.key_name)
    fitting = fit(_value(key, stored) for stored in reply.symbols)
    return SymbolsOk(ref=ref, symbols=fitting, more=reply.more or len(fitting) < len(reply.symbols))


async def _timeline(hub: Hub, room: Room, connection: Connection, frame: SymbolTimeline, ref: str) -> TimelineOk:
    key = await hub.keys.of(room.key_name)
    command = ReadTimeline(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        emoji=tag(key, frame.emoji),
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), command, TimelineRead)
    return TimelineOk(ref=ref, uses=reply.uses, more=reply.more)


FEATURE = Feature(
    builds={
        ReactionAdd: _add,
        ReactionRemove: _remove,
        SymbolDefine: _define,
        SymbolRevise: _revise,
        SymbolAgree: _agree,
        SymbolRetire: _retire,
    },
    answers={SymbolList: _list, SymbolTimeline: _timeline},
)
