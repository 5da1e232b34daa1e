"""What the consent service refuses, in one place."""

from shared.contracts.consent_commands import Decide
from shared.contracts.errors import Code, Erased, Refused


def not_found(field: str | None = None) -> Refused:
    return Refused(Code.NOT_FOUND, {"field": field})


def erased() -> Refused:
    return Erased()


def conflict(expected: int | None = None) -> Refused:
    """``expected``: the version that would be the next."""
    return Refused(Code.CONFLICT, {"expected": expected})


def forbidden(field: str) -> Refused:
    return Refused(Code.FORBIDDEN, {"field": field})


def stale_form(field: str) -> Refused:
    """``version``: it is another one than is in force; ``sha256``: its text is another one than was shown."""
    return Refused(Code.STALE_FORM, {"field": field})


def wrong(command: Decide, field: str, reason: str) -> Refused:
    """A member that can't be, in the words of who sent it."""
    code = Code.BAD_FRAME if command.via == "device" else Code.BAD_REQUEST
    return Refused(code, {"field": field, "reason": reason})


def stale_epoch(state: str | None, epoch: int) -> Refused:
    return Refused(Code.STALE_EPOCH, {"state": state, "epoch": epoch})


def bad_request(field: str) -> Refused:
    return Refused(Code.BAD_REQUEST, {"field": field})


def log_broken(last: str | None = None) -> Refused:
    """What is stored isn't what was logged or signed: nothing of it is signed any more. ``last``: what was, last."""
    return Refused(Code.CONFLICT, {"reason": "log_broken", "checkpoint": last})
