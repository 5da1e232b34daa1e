"""Sending messages, many at once."""

from collections.abc import Sequence
from typing import Protocol

from services.session import egress, metrics
from services.session.domain import messages as domain
from services.session.domain.heads import Head
from services.session.domain.messages import Decision, Posted
from services.session.store import Store
from shared.contracts.commands import SendMessage
from shared.contracts.errors import Refused
from shared.contracts.events import CommandRefused, MessageFact
from shared.contracts.ids import rfc3339
from shared.runtime import subscriptions
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


class Learner(Protocol):
    """Keeps what was read, for the next time."""

    def learn(self, head: Head, holders: Sequence[str]) -> None: ...


async def send(tx: Connection, store: Store, learner: Learner, commands: Sequence[SendMessage]) -> list[Tell]:
    """Store what is new; a repeated message is told again, since its first telling may have been lost."""
    conversations = sorted({command.conversation for command in commands})
    heads = await store.lock_heads(conversations)
    places = {(c.conversation, c.message) for c in commands}
    places |= {(c.conversation, c.in_reply_to) for c in commands if c.in_reply_to is not None}
    decisions = domain.decide(heads, await store.known_messages(list(places)), commands)
    new = [d for d in decisions if isinstance(d, Posted) and d.new]
    if new:
        await store.insert_messages(new)
    holders = await subscriptions.addresses(tx, conversations)
    for head in heads.values():
        learner.learn(head, holders.get(head.id, []))
    return [
        tell
        for command, decision in zip(commands, decisions, strict=True)
        for tell in tells_of(command, decision, holders.get(command.conversation, []))
    ]


def tells_of(command: SendMessage, decision: Decision, holders: Sequence[str]) -> list[Tell]:
    """What follows from a decision: the fact for all, which answers the sender, or a refusal for the sender alone."""
    if isinstance(decision, Refused):
        metrics.MESSAGES.labels(decision.code).inc()
        reply = CommandRefused(causationid=command.id, code=decision.code, details=decision.details)
        return [answer(command, reply)]
    at = rfc3339(decision.at)
    fact = MessageFact(
        n=decision.n,
        seq=decision.seq,
        message=command.message,
        sender=command.sender,
        in_reply_to=command.in_reply_to,
        at=at,
        content=command.content,
    )
    metrics.MESSAGES.labels("posted" if decision.new else "repeated").inc()
    # A repetition is answered by the fact as well: it may be a redelivery of a command whose first telling was lost,
    # and then its sender must get the message as the `ok`, not as both.
    return egress.recorded(command, fact, holders, answers=True)
