"""Whether a grant or a withdrawal becomes a decision, is one already, or is refused (protocol, section 2.3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.consent import errors
from services.consent.domain.forms import Form
from shared.contracts.consent_commands import Decide
from shared.contracts.frames.values import DeciderValue
from shared.contracts.ids import ConsentState, Purpose, moment

SKEW = timedelta(seconds=5)
"""How far a partner's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on record: never changed, only followed by another."""

    conversation: str
    id: str
    participant: str
    purpose: Purpose
    grant: bool
    version: int | None
    sha256: str | None
    locale: str | None
    epoch: int
    at: datetime
    via: str
    device: str | None
    by: DeciderValue | None = None
    expires_at: datetime | None = None
    decided_at: datetime | None = None

    @property
    def state(self) -> ConsentState:
        """What was decided."""
        return "granted" if self.grant else "withdrawn"


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a decision says what is in force. ``ends_at``: when it expires, or its form's version lapses."""

    participant: str
    purpose: Purpose
    grant: bool
    epoch: int
    ends_at: datetime | None

    def state_at(self, when: datetime) -> ConsentState:
        """What is in force at a moment at which nothing had followed this: the one answer for every purpose."""
        return "granted" if self.grant and (self.ends_at is None or when < self.ends_at) else "withdrawn"


def is_repeat(known: Decision, command: Decide) -> bool:
    """Whether a command with a known decision id says the same. Raises `Refused` (``conflict``)."""
    same = (known.participant, known.by, known.purpose, known.grant, known.version, known.sha256) == (
        command.participant,
        command.by,
        command.purpose,
        command.grant,
        command.version if command.grant else None,
        command.sha256 if command.grant else None,
    )
    if not same or (command.expires_at is not None and not _expires_by(known, moment(command.expires_at))):
        raise errors.conflict()
    return True


def decide(current: Decision | None, form: Form | None, command: Decide, first_epoch: int, now: datetime) -> Decision:
    """The decision that answers the command: the one in force, if it says the same, or the next.

    A withdrawal is never refused for age or epoch.

    Raises:
        Refused: ``stale_epoch`` with ``state`` and ``epoch``; ``bad_request`` or ``bad_frame``, naming the field: it is
            dated in the future, or would have expired already.
    """
    decided_at = _decided_at(command, now)
    expires_at = _expiry(form, command, now)
    if current is not None and _says_the_same(current, command, expires_at):
        return current
    epoch = 0 if current is None else current.epoch
    # A gateway may know a consent as withdrawn by the generation, of which a restored database knows nothing.
    seen = {epoch, first_epoch - 1} if current is None else {epoch}
    if command.grant and command.if_epoch is not None and command.if_epoch not in seen:
        raise errors.stale_epoch(None if current is None else current.state, epoch)
    return Decision(
        conversation=command.conversation,
        id=command.decision,
        participant=command.participant,
        purpose=command.purpose,
        grant=command.grant,
        version=None if form is None else form.version,
        sha256=None if form is None else form.sha256,
        locale=None if form is None else form.locale,
        epoch=max(epoch + 1, first_epoch),
        at=now,
        via=command.via,
        device=command.device,
        by=command.by,
        expires_at=expires_at,
        decided_at=decided_at,
    )


def check_decider(command: Decide, people: Collection[str]) -> None:
    """One's own decision, or that of somebody who may: never the other person's of the conversation.

    Raises:
        Refused: ``not_found``, ``forbidden``.
    """
    if command.participant not in people:
        raise errors.not_found()
    if command.by is not None and command.by.person in people:
        raise errors.forbidden("by.person")


def _decided_at(command: Decide, now: datetime) -> datetime | None:
    if command.decided_at is None:
        return None
    decided = moment(command.decided_at)
    if decided > now + SKEW:
        raise errors.wrong(command, "decided_at", "in_future")
    return min(decided, now)


def _expiry(form: Form | None, command: Decide, now: datetime) -> datetime | None:
    """Until when a grant is in force: as asked, and no longer than its form allows."""
    if form is None:
        return None
    ends = [] if form.valid_days is None else [now + timedelta(days=form.valid_days)]
    if command.expires_at is not None:
        asked = moment(command.expires_at)
        if asked <= now:
            raise errors.wrong(command, "expires_at", "past")
        ends.append(asked)
    return min(ends, default=None)


def _expires_by(known: Decision, asked: datetime) -> bool:
    return known.expires_at is not None and known.expires_at <= asked


def _says_the_same(current: Decision, command: Decide, expires_at: datetime | None) -> bool:
    if current.grant != command.grant:
        return False
    said = (current.version, current.sha256, current.expires_at)
    return not command.grant or said == (command.version, command.sha256, expires_at)
