"""What the consent service refuses, in one place."""

from shared.contracts.errors import Code, Refused


def not_found() -> Refused:
    return Refused(Code.NOT_FOUND)


def conflict() -> Refused:
    return Refused(Code.CONFLICT)


def stale_form() -> Refused:
    return Refused(Code.STALE_FORM)


def stale_epoch(state: str | None, epoch: int) -> Refused:
    return Refused(Code.STALE_EPOCH, {"state": state, "epoch": epoch})
