"""Whether a draft is new, replaces what is there, or contradicts it."""

from dataclasses import dataclass
from datetime import datetime

from services.notes import errors
from shared.contracts.commands import SaveNote


@dataclass(frozen=True, slots=True)
class Note:
    """A progress note's draft; its content is sealed."""

    id: str
    author: str
    version: int
    format: str
    fingerprint: str
    content: bytes
    at: datetime


def version_after(known: Note | None, command: SaveNote) -> int:
    """The version that the note has once the command is carried out.

    The same content again, where its answer may have been lost, changes nothing and gives the version that it has.

    Raises:
        Refused: ``conflict``, the note is somebody else's, or ``version`` isn't the one that is there.
    """
    if known is None:
        if command.version is not None:
            raise errors.conflict()
        return 1
    if known.author != command.author:
        raise errors.conflict()
    is_same = known.fingerprint == command.fingerprint
    if is_same and command.version in (None, known.version, known.version - 1):
        return known.version
    if command.version not in (None, known.version):
        raise errors.conflict(known.version)
    return known.version + 1
