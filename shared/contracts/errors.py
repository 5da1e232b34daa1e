"""Everything that can go wrong between two parties, as closed sets: error codes and close codes (protocol, 1 and 2)."""

from enum import IntEnum, StrEnum

from pydantic import JsonValue

Details = dict[str, JsonValue]


class Code(StrEnum):
    """The ``code`` of an ``error`` frame, of a problem document, or of a refused command."""

    BAD_ANSWER = "bad_answer"
    BAD_EMOJI = "bad_emoji"
    BAD_FRAME = "bad_frame"
    BAD_OP = "bad_op"
    BAD_REQUEST = "bad_request"
    BAD_REV = "bad_rev"
    BAD_TEXT = "bad_text"
    BAD_TONE = "bad_tone"
    CONFLICT = "conflict"
    CONSENT_REQUIRED = "consent_required"
    EMOJI_TAKEN = "emoji_taken"
    ERASED = "erased"
    FORBIDDEN = "forbidden"
    KEY_GONE = "key_gone"
    LIVE_OFF = "live_off"
    NOT_FOUND = "not_found"
    PAST_TIME = "past_time"
    RATE_LIMITED = "rate_limited"
    STALE_EPOCH = "stale_epoch"
    STALE_FORM = "stale_form"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    UNAUTHORIZED = "unauthorized"
    UNAVAILABLE = "unavailable"
    WRONG_STATE = "wrong_state"


MESSAGES: dict[Code, str] = {
    Code.BAD_ANSWER: "This answer doesn't fit its step.",
    Code.BAD_EMOJI: "This is not one emoji.",
    Code.BAD_FRAME: "The frame is not what the protocol asks for.",
    Code.BAD_OP: "An operation doesn't fit the draft.",
    Code.BAD_REQUEST: "The request is not what the protocol asks for.",
    Code.BAD_REV: "The revision doesn't follow the last one.",
    Code.BAD_TEXT: "This text can't be stored.",
    Code.BAD_TONE: "A tone is one emoji, or one of the words for it.",
    Code.CONFLICT: "This contradicts what is there already.",
    Code.CONSENT_REQUIRED: "Consent is missing.",
    Code.EMOJI_TAKEN: "This emoji has a meaning already.",
    Code.ERASED: "This conversation has been erased.",
    Code.FORBIDDEN: "This is not yours to do.",
    Code.KEY_GONE: "The key of this content is no more; it can't be read again.",
    Code.LIVE_OFF: "Live text is off.",
    Code.NOT_FOUND: "There is no such thing here.",
    Code.PAST_TIME: "This time is over.",
    Code.RATE_LIMITED: "Too fast.",
    Code.STALE_EPOCH: "Another decision was made in the meantime.",
    Code.STALE_FORM: "This is not the form in force.",
    Code.TOO_LONG: "Too long.",
    Code.TOO_MANY: "There are as many as there can be.",
    Code.UNAUTHORIZED: "The token doesn't allow this.",
    Code.UNAVAILABLE: "A part of the platform is away; try again with the same id.",
    Code.WRONG_STATE: "It isn't, or is no more, as this needs it to be.",
}


class Close(IntEnum):
    """Why the gateway ends a connection (RFC 6455, 7.4). Clients don't reconnect after 4400, 4401, 4409 and 4410."""

    SERVICE_RESTART = 1012
    BAD_DATA = 4400
    UNAUTHORIZED = 4401
    TIMEOUT = 4408
    REPLACED = 4409
    ERASED = 4410
    TOO_BIG = 4413
    TOO_FAST = 4429
    TOO_SLOW = 4508


class Refused(Exception):  # noqa: N818 - it names an outcome that the other side is told, not a fault of ours
    """Something asked for is not done. Carries no content: a code and ids only.

    Args:
        code: what the asker is told.
        details: members of the error's ``details``; ids, names of fields and numbers.
    """

    def __init__(self, code: Code, details: Details | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.details: Details = details or {}


class Unavailable(Refused):
    """A part is away or too slow. It isn't known whether the thing was done."""

    def __init__(self, part: str, retry_ms: int = 1_000) -> None:
        super().__init__(Code.UNAVAILABLE, {"part": part, "retry_ms": retry_ms})


def refusal(code: Code, details: Details) -> Refused:
    """What a service refused, as its asker raises it."""
    match code:
        case Code.ERASED:
            return Erased(details)
        case Code.KEY_GONE:
            return KeyGone(0)
        case Code.UNAVAILABLE:
            away = Unavailable("service")
            away.details |= details
            return away
        case _:
            return Refused(code, details)


class Erased(Refused):
    """The conversation has been erased, or is being erased, for ever."""

    def __init__(self, details: Details | None = None) -> None:
        super().__init__(Code.ERASED, details)


class KeyGone(Refused):
    """The content was sealed under a version of a key that is no more, though others of it are there."""

    def __init__(self, version: int) -> None:
        super().__init__(Code.KEY_GONE, {"version": version})
