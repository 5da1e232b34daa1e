"""Symbols: the emoji that two people use, and what they agreed that some of them mean.

In the clear an emoji is a tag (`Tag`): the same emoji has the same one in its conversation, and nowhere else.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Answer, From, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id, Seq, Tag
from shared.contracts.records import Question, RecordCommand, RecordFact

MEANING_MAX = 500
"""Code points."""

State = Literal["proposed", "agreed", "revised", "retired"]
How = Literal["message", "reaction"]
Deleted = Literal[True] | None
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]


# --- frames from clients --------------------------------------------------------------------------------------------


class ReactionAdd(Lasting):
    type: Literal["reaction.add"]
    message: Id
    emoji: str


class ReactionRemove(Lasting):
    type: Literal["reaction.remove"]
    message: Id
    emoji: str


class SymbolDefine(Lasting):
    """Propose what an emoji means; ``symbol`` is the client's own id for it, and makes it happen once."""

    type: Literal["symbol.define"]
    symbol: Id
    emoji: str
    meaning: str

    @property
    def own_id(self) -> str | None:
        return self.symbol


class SymbolRevise(Lasting):
    type: Literal["symbol.revise"]
    symbol: Id
    meaning: str


class SymbolAgree(Lasting):
    """``revision``: the wording that one saw; left out: the only one that isn't agreed yet, if there is but one."""

    type: Literal["symbol.agree"]
    symbol: Id
    revision: Revision | None = None


class SymbolRetire(Lasting):
    type: Literal["symbol.retire"]
    symbol: Id


class SymbolList(InConversation):
    """The lexicon in the order in which it grew, retired ones included, behind the symbol ``after``."""

    type: Literal["symbol.list"]
    after: Id | None = None


class SymbolTimeline(InConversation):
    """Uses of an emoji, across sessions; the newest, or what precedes an ``n``."""

    type: Literal["symbol.timeline"]
    emoji: str
    before: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=200)] | None = None


# --- what participants are told -------------------------------------------------------------------------------------


class ReactionAdded(Happened):
    """``deleted``: the message was taken back since, and which emoji it was is gone with it; its ``n`` stays."""

    type: Literal["reaction.added"] = "reaction.added"
    message: Id
    emoji: str | None = LeftOut
    deleted: Deleted = LeftOut


class ReactionRemoved(Happened):
    """``deleted``: as above."""

    type: Literal["reaction.removed"] = "reaction.removed"
    message: Id
    emoji: str | None = LeftOut
    deleted: Deleted = LeftOut


class SymbolDefined(Happened):
    """It is its proposer's until the other agrees."""

    type: Literal["symbol.defined"] = "symbol.defined"
    symbol: Id
    revision: Revision
    emoji: str
    meaning: str


class SymbolRevised(Happened):
    """Another wording; one that was agreed before stays in force until this one is agreed, too."""

    type: Literal["symbol.revised"] = "symbol.revised"
    symbol: Id
    revision: Revision
    meaning: str


class SymbolAgreed(Happened):
    type: Literal["symbol.agreed"] = "symbol.agreed"
    symbol: Id
    revision: Revision


class SymbolRetired(Happened):
    type: Literal["symbol.retired"] = "symbol.retired"
    symbol: Id


class SymbolUsed(Happened):
    """Somebody used a symbol's emoji in a message of theirs (its tone included), or as a reaction to ``message``.

    ``deleted``: as above; then it says of no symbol.
    """

    type: Literal["symbol.used"] = "symbol.used"
    symbol: Id | None = LeftOut
    message: Id
    how: How
    deleted: Deleted = LeftOut


class WordingValue(Value):
    """What a symbol means in one revision; ``agreed_at``: when the other agreed to it."""

    revision: Revision
    sender: From
    meaning: str
    at: str
    agreed_at: str | None = LeftOut


class SymbolValue(Value):
    """``meaning`` is the one in force; ``proposed`` a newer one that the other hasn't agreed to."""

    symbol: Id
    emoji: str
    state: State
    meaning: WordingValue
    proposed: WordingValue | None = LeftOut
    retired_at: str | None = LeftOut


class UseValue(Value):
    """``session``: in which it happened, if in one; ``seq``: of the message."""

    n: Seq
    at: str
    sender: From
    message: Id
    seq: Seq
    how: How
    session: Id | None


class SymbolsOk(Answer):
    symbols: list[SymbolValue]
    more: bool


class TimelineOk(Answer):
    """Ascending, as history is."""

    uses: list[UseValue]
    more: bool


# --- commands, facts and replies ------------------------------------------------------------------------------------


class AddReaction(RecordCommand):
    """Content: `ReactionContent`."""

    type: Literal["session.add_reaction"] = "session.add_reaction"
    message: Id
    emoji: Tag


class RemoveReaction(RecordCommand):
    """Content: `ReactionContent`."""

    type: Literal["session.remove_reaction"] = "session.remove_reaction"
    message: Id
    emoji: Tag


class DefineSymbol(RecordCommand):
    """Its id is the record's. Content: `SymbolContent`."""

    type: Literal["session.define_symbol"] = "session.define_symbol"
    emoji: Tag


class ReviseSymbol(RecordCommand):
    """Content: `MeaningContent`."""

    type: Literal["session.revise_symbol"] = "session.revise_symbol"
    symbol: Id


class AgreeSymbol(RecordCommand):
    type: Literal["session.agree_symbol"] = "session.agree_symbol"
    symbol: Id
    revision: Revision | None


class RetireSymbol(RecordCommand):
    type: Literal["session.retire_symbol"] = "session.retire_symbol"
    symbol: Id


class ListSymbols(Question):
    type: Literal["session.list_symbols"] = "session.list_symbols"
    after: Id | None
    limit: int


class ReadTimeline(Question):
    type: Literal["session.read_timeline"] = "session.read_timeline"
    emoji: Tag
    before: Seq | None
    limit: int


class ReactionAddedFact(RecordFact):
    kind: Literal["reaction.added"] = "reaction.added"
    message: Id
    deleted: Deleted = LeftOut


class ReactionRemovedFact(RecordFact):
    kind: Literal["reaction.removed"] = "reaction.removed"
    message: Id
    deleted: Deleted = LeftOut


class SymbolDefinedFact(RecordFact):
    kind: Literal["symbol.defined"] = "symbol.defined"
    symbol: Id
    revision: Revision


class SymbolRevisedFact(RecordFact):
    kind: Literal["symbol.revised"] = "symbol.revised"
    symbol: Id
    revision: Revision


class SymbolAgreedFact(RecordFact):
    kind: Literal["symbol.agreed"] = "symbol.agreed"
    symbol: Id
    revision: Revision


class SymbolRetiredFact(RecordFact):
    kind: Literal["symbol.retired"] = "symbol.retired"
    symbol: Id


class SymbolUsedFact(RecordFact):
    kind: Literal["symbol.used"] = "symbol.used"
    symbol: Id | None = LeftOut
    message: Id
    how: How
    deleted: Deleted = LeftOut


class StoredWording(Value):
    """``record``: under which the content was sealed. Content: `SymbolContent` of the first, else `MeaningContent`."""

    revision: Revision
    record: Id
    author: Id
    at: str
    agreed_at: str | None
    content: Sealed


class StoredSymbol(Value):
    """``first`` says which emoji it is; ``in_force`` what it means; ``proposed`` what it shall mean."""

    symbol: Id
    state: State
    first: Sealed
    in_force: StoredWording
    proposed: StoredWording | None
    retired_at: str | None


class SymbolsListed(Reply):
    type: Literal["session.symbols_listed"] = "session.symbols_listed"
    symbols: list[StoredSymbol]
    more: bool


class TimelineRead(Reply):
    type: Literal["session.timeline_read"] = "session.timeline_read"
    uses: list[UseValue]
    more: bool


class ReactionContent(Value):
    emoji: str


class SymbolContent(Value):
    emoji: str
    meaning: str


class MeaningContent(Value):
    meaning: str


ClientFrame = (
    ReactionAdd | ReactionRemove
    | SymbolDefine | SymbolRevise | SymbolAgree | SymbolRetire | SymbolList | SymbolTimeline
)  # fmt: skip
ServerFrame = (
    ReactionAdded | ReactionRemoved
    | SymbolDefined | SymbolRevised | SymbolAgreed | SymbolRetired | SymbolUsed
)  # fmt: skip
OKS: dict[str, type[Answer]] = {"symbol.list": SymbolsOk, "symbol.timeline": TimelineOk}
Command = (
    AddReaction | RemoveReaction
    | DefineSymbol | ReviseSymbol | AgreeSymbol | RetireSymbol | ListSymbols | ReadTimeline
)  # fmt: skip
Fact = (
    ReactionAddedFact | ReactionRemovedFact
    | SymbolDefinedFact | SymbolRevisedFact | SymbolAgreedFact | SymbolRetiredFact | SymbolUsedFact
)  # fmt: skip
Told = SymbolsListed | TimelineRead
CONTENTS: tuple[type[Value], ...] = (ReactionContent, SymbolContent, MeaningContent)
