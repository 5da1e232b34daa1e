"""Whether a grant or a withdrawal becomes a decision, is one already, or is refused (protocol, section 2.3)."""

from dataclasses import dataclass
from datetime import datetime

from services.consent import errors
from shared.contracts.commands import Decide
from shared.contracts.frames.values import FormValue
from shared.contracts.ids import ConsentState, Purpose


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

    @property
    def state(self) -> ConsentState:
        return "granted" if self.grant else "withdrawn"


def is_repeat(known: Decision, command: Decide) -> bool:
    """Whether a command with a known decision id says the same. Raises `Refused` (``conflict``)."""
    same = (known.participant, known.purpose, known.grant, known.version, known.sha256) == (
        command.participant,
        command.purpose,
        command.grant,
        command.version if command.grant else None,
        command.sha256 if command.grant else None,
    )
    if not same:
        raise errors.conflict()
    return True


def decide(
    current: Decision | None, form: FormValue | None, command: Decide, first_epoch: int, now: datetime
) -> Decision:
    """The decision that answers the command: the one in force, if it says the same, or the next.

    A withdrawal is never refused for age or epoch.

    Raises:
        Refused: ``stale_form``, ``stale_epoch`` with ``state`` and ``epoch``.
    """
    if command.grant and form is None:
        raise errors.stale_form()
    if current is not None and _says_the_same(current, command):
        return current
    epoch = 0 if current is None else current.epoch
    if command.grant and command.if_epoch is not None and command.if_epoch != epoch:
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
    )


def _says_the_same(current: Decision, command: Decide) -> bool:
    if current.grant != command.grant:
        return False
    return not command.grant or (current.version, current.sha256) == (command.version, command.sha256)
