"""Reactions, a pair's lexicon, and where its symbols were used."""

from services.session import errors
from services.session.domain import symbols as domain
from services.session.domain.heads import Head
from services.session.domain.messages import Posted
from services.session.domain.sessions import Span
from services.session.handlers.records import Feature, Step
from services.session.store.records import Message, Records
from services.session.store.summaries import Summaries
from services.session.store.symbols import Symbols
from shared.contracts.features.symbols import (
    AddReaction,
    AgreeSymbol,
    DefineSymbol,
    ListSymbols,
    ReactionAddedFact,
    ReactionRemovedFact,
    ReadTimeline,
    RemoveReaction,
    RetireSymbol,
    ReviseSymbol,
    SymbolAgreedFact,
    SymbolDefinedFact,
    SymbolRetiredFact,
    SymbolRevisedFact,
    SymbolsListed,
    SymbolUsedFact,
    TimelineRead,
)
from shared.contracts.ids import derived_id, rfc3339
from shared.runtime.postgres import Connection

HIGHEST = 2**63 - 1


async def _message(step: Step, message: str) -> Message:
    """The message that is reacted to. Raises `Refused`: ``not_found``, ``wrong_state`` (deleted)."""
    found = await Records(step.tx).message(step.head.id, message)
    if found is None:
        raise errors.not_found("message")
    if found.deleted:
        raise errors.wrong_state("deleted")
    return found


async def add_reaction(step: Step, command: AddReaction) -> None:
    """Raises `Refused`: as `_message`; ``wrong_state``: it is there already."""
    message = await _message(step, command.message)
    store, head, who = Symbols(step.tx), step.head, command.participant
    if await store.reacted(head.id, command.message, who, command.emoji):
        raise errors.wrong_state("added")
    fact = step.record(ReactionAddedFact, message=command.message, content=command.content)
    used = await store.in_use(head.id, command.emoji)
    if used is not None:
        step.record(SymbolUsedFact, symbol=used.id, message=command.message, how="reaction")
    await store.insert_reaction(
        head.tenant, head.id, command.emoji, fact.n, head.last_at, command.message, message.seq, who
    )


async def remove_reaction(step: Step, command: RemoveReaction) -> None:
    """A use that was taken back is none: it leaves the timeline. Raises `Refused`: as above; ``wrong_state``."""
    await _message(step, command.message)
    store, head, who = Symbols(step.tx), step.head, command.participant
    if not await store.reacted(head.id, command.message, who, command.emoji):
        raise errors.wrong_state("removed")
    await store.delete_reaction(head.id, command.message, who, command.emoji)
    step.record(ReactionRemovedFact, message=command.message, content=command.content)


async def define(step: Step, command: DefineSymbol) -> None:
    """Raises `Refused`, as `domain.define` does."""
    store, head = Symbols(step.tx), step.head
    in_use, alive = await store.in_use(head.id, command.emoji), await store.count_alive(head.id)
    new = domain.define(command.record, command.participant, in_use, alive)
    fact = step.record(SymbolDefinedFact, symbol=new.id, revision=new.revision, content=command.content)
    await store.insert(head.tenant, head.id, new, command.emoji, fact.n)
    await store.insert_wording(head.tenant, head.id, new, fact.n)


async def revise(step: Step, command: ReviseSymbol) -> None:
    """Raises `Refused`, as `domain.revise` does."""
    store, head = Symbols(step.tx), step.head
    changed = domain.revise(await store.symbol(head.id, command.symbol), command.participant)
    fact = step.record(SymbolRevisedFact, symbol=changed.id, revision=changed.revision, content=command.content)
    await store.insert_wording(head.tenant, head.id, changed, fact.n)
    await store.change(head.id, changed, head.last_at)


async def agree(step: Step, command: AgreeSymbol) -> None:
    """Raises `Refused`, as `domain.agree` does."""
    store, head = Symbols(step.tx), step.head
    changed = domain.agree(await store.symbol(head.id, command.symbol), command.participant, command.revision)
    step.record(SymbolAgreedFact, symbol=changed.id, revision=changed.revision)
    await store.agree_wording(head.id, changed, head.last_at)
    await store.change(head.id, changed, head.last_at)


async def retire(step: Step, command: RetireSymbol) -> None:
    """Raises `Refused`, as `domain.retire` does."""
    store, head = Symbols(step.tx), step.head
    changed = domain.retire(await store.symbol(head.id, command.symbol), command.participant)
    step.record(SymbolRetiredFact, symbol=changed.id)
    await store.change(head.id, changed, head.last_at)


async def listed(tx: Connection, head: Head, command: ListSymbols) -> SymbolsListed:
    found = await Symbols(tx).listed(head.id, command.after, command.limit + 1)
    page = found[: command.limit]
    return SymbolsListed(causationid=command.id, symbols=page, more=len(found) > len(page))


async def timeline(tx: Connection, head: Head, command: ReadTimeline) -> TimelineRead:
    before = HIGHEST if command.before is None else command.before
    found = await Symbols(tx).timeline(head.id, command.emoji, before, command.limit + 1)
    page = found[: command.limit]
    return TimelineRead(causationid=command.id, uses=page[::-1], more=len(found) > len(page))


async def used(tx: Connection, posted: Posted) -> list[SymbolUsedFact]:
    """What follows from a message with emoji: that it used symbols, recorded if the message is new."""
    command, records = posted.command, Records(tx)
    if not posted.new:
        found, _ = await records.after(command.conversation, posted.n, len(command.uses))
        return [fact for fact in found if isinstance(fact, SymbolUsedFact) and fact.message == command.message]
    facts = [
        SymbolUsedFact(
            n=use.n,
            record=derived_id(command.message, f"use {index}"),  # says nothing of the symbol, should the message go
            sender=command.sender,
            at=rfc3339(posted.at),
            symbol=use.symbol,
            message=command.message,
            how="message",
        )
        for index, use in enumerate(posted.used)
    ]
    if facts:
        await records.insert_uses(command.conversation, facts, posted.at)
    return facts


async def taken_back(tx: Connection, conversation: str, message: str) -> None:
    """A message is no more: what it used, and what it was answered with, is no use any more."""
    await Symbols(tx).delete_uses(conversation, message)


async def empty(tx: Connection, conversation: str) -> None:
    await Symbols(tx).empty(conversation)


async def in_session(tx: Connection, head: Head, span: Span) -> object:
    return await Summaries(tx).symbols(head.id, span)


FEATURE = Feature(
    writes={
        AddReaction: add_reaction,
        RemoveReaction: remove_reaction,
        DefineSymbol: define,
        ReviseSymbol: revise,
        AgreeSymbol: agree,
        RetireSymbol: retire,
    },
    reads={ListSymbols: listed, ReadTimeline: timeline},
    empty=empty,
    summary={"symbols": in_session},
)
