"""Compositions: who may do what with one."""

from dataclasses import dataclass
from datetime import datetime

from services.session import errors


@dataclass(frozen=True, slots=True)
class Composition:
    """How a draft was written. ``seq``: of the message that it became; ``marks``: those of who asks."""

    draft: str
    author: str
    begun_at: datetime
    opened: bool
    deleted: bool
    seq: int | None
    ops: int
    marks: int


def there(found: Composition | None) -> Composition:
    """Raises `Refused`: ``not_found`` where there is none, or none any more."""
    if found is None or found.deleted:
        raise errors.not_found("draft")
    return found


def require_author(found: Composition, participant: str) -> None:
    """Raises `Refused`: ``forbidden``."""
    if found.author != participant:
        raise errors.forbidden()


def already_marked(before: str | None, fingerprint: str) -> bool:
    """Whether the mark is there already. Raises `Refused`: ``conflict``, with other content."""
    if before is not None and before != fingerprint:
        raise errors.conflict()
    return before is not None
