"""What the notes service refuses, in one place."""

from shared.contracts.errors import Code, Erased, Refused


def not_found() -> Refused:
    return Refused(Code.NOT_FOUND)


def forbidden() -> Refused:
    return Refused(Code.FORBIDDEN)


def erased() -> Refused:
    return Erased()


def conflict(version: int | None = None) -> Refused:
    return Refused(Code.CONFLICT, {"version": version})
