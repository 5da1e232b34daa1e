"""How what is refused goes to the wire: error frames for participants, problem documents for partners."""

from http import HTTPStatus

from shared.contracts.errors import MESSAGES, Code, Details, Refused
from shared.contracts.frames.server import Error

STATUS: dict[Code, HTTPStatus] = {
    Code.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    Code.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.CONFLICT: HTTPStatus.CONFLICT,
    Code.STALE_EPOCH: HTTPStatus.CONFLICT,
    Code.STALE_FORM: HTTPStatus.CONFLICT,
    Code.ERASED: HTTPStatus.GONE,
    Code.KEY_GONE: HTTPStatus.GONE,
    Code.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
REASONS = (Code.STALE_EPOCH, Code.STALE_FORM)


def wrong_state(state: str) -> Refused:
    return Refused(Code.WRONG_STATE, {"state": state})


class Closing(Exception):  # noqa: N818 - an outcome
    """The connection is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(str(int(code)))
        self.code = int(code)


def to_frame(refused: Refused, ref: str | None, kind: str | None, conversation: str | None) -> Error:
    """The ``error`` frame; without a ``ref``, its details say which frame it answers."""
    details: Details = {k: v for k, v in refused.details.items() if v is not None}
    if ref is None and kind is not None:
        details["type"] = kind
        if conversation is not None:
            details["conversation"] = conversation
    return Error(ref=ref, code=refused.code, message=MESSAGES[refused.code], details=details or None)


def to_problem(refused: Refused) -> tuple[HTTPStatus, Details]:
    """Status and body of an RFC 9457 problem document. A stale consent is a conflict with its reason."""
    status = STATUS.get(refused.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    code = refused.code
    body: Details = {k: v for k, v in refused.details.items() if v is not None and k != "part"}
    if code in REASONS:
        body["reason"] = code.value
        code = Code.CONFLICT
    elif code not in STATUS:
        code = Code.BAD_REQUEST
    body |= {"type": "about:blank", "title": status.phrase, "status": int(status), "code": code.value}
    body["detail"] = MESSAGES[refused.code]
    return status, body
