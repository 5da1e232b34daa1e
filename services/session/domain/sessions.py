"""Whether a session starts or ends."""

from dataclasses import dataclass
from datetime import datetime

from services.session import errors
from services.session.domain.heads import Head
from shared.contracts.commands import EndSession, StartSession


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    started_n: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A session's place in its conversation: everything from its first ``n`` to its last."""

    session: str
    from_n: int
    to_n: int
    started_at: datetime
    ended_at: datetime | None


def may_start(head: Head | None, command: StartSession) -> Head:
    """The head, if the asker may start a session at all. Raises `Refused`."""
    if head is None or head.tenant != command.tenant or not head.has(command.participant):
        raise errors.not_found()
    if head.erasure is not None:
        raise head.erasure.refusal()
    if command.participant != head.therapist:
        raise errors.forbidden()
    if head.left_by is not None:
        raise errors.wrong_state("left")
    return head


def start(used: Session | None, running: Session | None, command: StartSession) -> Session | None:
    """The session that answers the command; None: a new one starts. Raises `Refused`."""
    before = used or running
    if before is None and command.missing:
        raise errors.consent_required("informed_consent", command.missing)
    return before


def end(head: Head | None, running: Session | None, command: EndSession) -> tuple[Head, Session]:
    """The session that ends. Raises `Refused`."""
    if head is None or head.tenant != command.tenant or not head.has(command.participant):
        raise errors.not_found()
    if head.erasure is not None:
        raise head.erasure.refusal()
    if running is None:
        raise errors.conflict()
    return head, running
