"""Sending messages, many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from services.session import egress, metrics
from services.session.domain import messages as domain
from services.session.domain.heads import Head
from services.session.domain.messages import Decision, Known, Place, Posted
from services.session.handlers import symbols
from services.session.store import Store
from services.session.store.symbols import Symbols
from shared.contracts.commands import SendMessage
from shared.contracts.contents import MessageContent
from shared.contracts.errors import Code, Refused
from shared.contracts.events import CommandRefused, MessageFact
from shared.contracts.ids import rfc3339
from shared.contracts.keys import conversation_key
from shared.contracts.keys import message as record
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.keys.ring import Keyring
from shared.runtime.postgres import Connection


class Learner(Protocol):
    """Keeps what was read, for the next time."""

    def lexicon(self, head: Head) -> domain.Lexicon | None:
        """The symbols of a conversation that stands where it stood; None: they aren't known."""

    def learn(self, head: Head, holders: Sequence[str], lexicon: domain.Lexicon) -> None: ...


async def _told_before(keys: Keyring, known: dict[Place, Known], commands: Sequence[SendMessage]) -> dict[str, Refused]:
    """Look closer where a message is there whose fingerprint is another one.

    It may be of before there were data keys: then ``known`` gets the one that it would have now. Where the key is away
    that can't be told; gives those commands with what their senders hear.
    """
    untold: dict[str, Refused] = {}
    for command in commands:
        place = command.conversation, command.message
        before = known.get(place)
        if before is None or before.fingerprint == command.fingerprint:
            continue
        try:
            key = await keys.of(conversation_key(command.tenant, command.conversation))
            content = MessageContent.model_validate_json(key.open(record(command.message), command.content))
        except Refused as refused:
            untold[command.id] = refused
            continue
        parts = command.sender, command.message, content.text, command.in_reply_to, content.tone
        if key.same(before.fingerprint, *parts):
            known[place] = replace(before, fingerprint=command.fingerprint)
    return untold


async def _lexicons(tx: Connection, learner: Learner, heads: Iterable[Head]) -> dict[str, domain.Lexicon]:
    """By conversation. Each is read whole, once: from then on its messages without a symbol go the quick way."""
    known = {head.id: learner.lexicon(head) for head in heads}
    found = {conversation: lexicon for conversation, lexicon in known.items() if lexicon is not None}
    if len(found) < len(known):
        found |= await Symbols(tx).lexicons([conversation for conversation in known if conversation not in found])
    return found


async def send(
    tx: Connection, store: Store, keys: Keyring, learner: Learner, commands: Sequence[SendMessage]
) -> list[Tell]:
    """Store what is new; a repeated message is told again, since its first telling may have been lost."""
    conversations = sorted({command.conversation for command in commands})
    heads = await store.lock_heads(conversations)
    places = {(c.conversation, c.message) for c in commands}
    places |= {(c.conversation, c.in_reply_to) for c in commands if c.in_reply_to is not None}
    known = await store.known_messages(list(places))
    untold = await _told_before(keys, known, commands)
    lexicons = await _lexicons(tx, learner, heads.values())
    decided = zip(commands, domain.decide(heads, known, lexicons, commands), strict=True)
    decisions = [untold.get(c.id, d) if isinstance(d, Refused) and d.code is Code.CONFLICT else d for c, d in decided]
    new = [d for d in decisions if isinstance(d, Posted) and d.new]
    if new:
        await store.insert_messages(new)
    holders = await subscriptions.addresses(tx, conversations)
    tells: list[Tell] = []
    for command, decision in zip(commands, decisions, strict=True):
        holding = holders.get(command.conversation, [])
        tells += tells_of(command, decision, holding)
        if isinstance(decision, Posted) and command.uses:
            used = await symbols.used(tx, decision)
            tells += [tell for fact in used for tell in egress.recorded(command, fact, holding, answers=False)]
    for head in heads.values():
        if any(posted.used and posted.command.conversation == head.id for posted in new):
            await store.raise_head(head)
        learner.learn(head, holders.get(head.id, []), lexicons.get(head.id, domain.NO_LEXICON))
    return tells


def tells_of(command: SendMessage, decision: Decision, holders: Sequence[str]) -> list[Tell]:
    """What follows from a decision: the fact for all, which answers the sender, or a refusal for the sender alone."""
    if isinstance(decision, Refused):
        metrics.MESSAGES.labels(decision.code).inc()
        reply = CommandRefused(causationid=command.id, code=decision.code, details=decision.details)
        return [answer(command, reply)] if command.replyto else []
    at = rfc3339(decision.at)
    fact = MessageFact(
        n=decision.n,
        seq=decision.seq,
        message=command.message,
        sender=command.sender,
        in_reply_to=command.in_reply_to,
        at=at,
        content="" if decision.deleted else command.content,
    )
    metrics.MESSAGES.labels("posted" if decision.new else "repeated").inc()
    # A repetition is answered by the fact as well: it may be a redelivery of a command whose first telling was lost,
    # and then its sender must get the message as the `ok`, not as both.
    return egress.recorded(command, fact, holders, answers=True)
