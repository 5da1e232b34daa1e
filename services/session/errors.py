"""What the session service refuses, in one place."""

from pydantic import JsonValue

from shared.contracts.errors import Code, Details, Refused


def not_found(field: str | None = None) -> Refused:
    return Refused(Code.NOT_FOUND, {"field": field} if field else None)


def conflict() -> Refused:
    return Refused(Code.CONFLICT)


def bad_frame(field: str) -> Refused:
    return Refused(Code.BAD_FRAME, {"field": field})


def forbidden() -> Refused:
    return Refused(Code.FORBIDDEN)


def wrong_state(state: JsonValue, **more: JsonValue) -> Refused:
    """``state`` is what it is now, in ids, numbers and closed words: who asked may have been overtaken."""
    return Refused(Code.WRONG_STATE, {"state": state, **more})


def past_time(field: str) -> Refused:
    return Refused(Code.PAST_TIME, {"field": field})


def consent_required(purpose: str, participants: list[str]) -> Refused:
    return Refused(Code.CONSENT_REQUIRED, {"purpose": purpose, "participants": list(participants)})


def too_many(most: int) -> Refused:
    """There are ``most`` of them already."""
    return Refused(Code.TOO_MANY, {"most": most})


def emoji_taken(details: Details) -> Refused:
    """Another symbol has the emoji; ``details`` say which."""
    return Refused(Code.EMOJI_TAKEN, details)
