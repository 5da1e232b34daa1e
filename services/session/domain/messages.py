"""Whether a message is posted, was posted before, or is refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.session import errors
from services.session.domain.heads import Head
from shared.contracts.commands import SendMessage
from shared.contracts.errors import Refused
from shared.contracts.ids import Tag

Lexicon = Mapping[Tag, str]
"""The symbols of a conversation, by their emoji."""
NO_LEXICON: Lexicon = {}


@dataclass(frozen=True, slots=True)
class Used:
    """That a message uses a symbol, with a place of its own behind the message."""

    symbol: str
    n: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A message with its place. ``new``: it is to be stored; else it was there already, ``deleted`` since or not."""

    command: SendMessage
    seq: int
    n: int
    at: datetime
    new: bool
    deleted: bool = False
    used: tuple[Used, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A message with the place that it takes, unless something stands against it."""

    command: SendMessage
    seq: int
    n: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds under a message's id."""

    seq: int
    n: int
    at: datetime
    fingerprint: str
    deleted: bool = False


Decision = Posted | Refused
Place = tuple[str, str]
"""A conversation and a message id in it."""


def decide(
    heads: dict[str, Head],
    known: dict[Place, Known],
    lexicons: Mapping[str, Lexicon],
    commands: Iterable[SendMessage],
) -> list[Decision]:
    """Decide in order; ``heads`` and ``known`` grow with each message that is posted."""
    return [
        _decide_one(heads.get(c.conversation), known, lexicons.get(c.conversation, NO_LEXICON), c) for c in commands
    ]


def place(head: Head, commands: Sequence[SendMessage]) -> list[Placed]:
    """Places for messages of one conversation, if all are its own people's and none is there twice; else none."""
    ids = {command.message for command in commands}
    if head.erasure is not None or head.left_by is not None or len(ids) != len(commands):
        return []
    if not all(_belongs(head, command) for command in commands):
        return []
    return [
        Placed(command, head.last_seq + index, head.last_n + index) for index, command in enumerate(commands, start=1)
    ]


def _belongs(head: Head, command: SendMessage) -> bool:
    return head.tenant == command.tenant and head.has(command.sender)


def _decide_one(head: Head | None, known: dict[Place, Known], lexicon: Lexicon, command: SendMessage) -> Decision:
    if head is None or not _belongs(head, command):
        return errors.not_found()
    if head.erasure is not None:
        return head.erasure.refusal()
    before = known.get((command.conversation, command.message))
    if before is not None:
        if before.fingerprint != command.fingerprint:
            return errors.conflict()
        return Posted(command, before.seq, before.n, before.at, new=False, deleted=before.deleted)
    if head.left_by is not None:
        return errors.wrong_state("left")
    if command.in_reply_to is not None and (command.conversation, command.in_reply_to) not in known:
        return errors.not_found("in_reply_to")
    seq, n, at = head.next_seq(), head.next_n(), head.next_at()
    used = tuple(Used(lexicon[tag], head.next_n()) for tag in command.uses if tag in lexicon)
    posted = Posted(command, seq, n, at, new=True, used=used)
    known[command.conversation, command.message] = Known(posted.seq, posted.n, posted.at, command.fingerprint)
    return posted
