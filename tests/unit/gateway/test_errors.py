"""What is refused goes to the wire as the protocol says, and never as anything else."""

import pytest

from services.gateway.errors import to_frame, to_problem
from shared.contracts.errors import MESSAGES, Close, Code, Refused, Unavailable
from shared.contracts.ids import new_id

CONVERSATION = new_id()


@pytest.mark.parametrize("code", Code)
def test_each_code_has_a_message_and_a_frame(code: Code) -> None:
    frame = to_frame(Refused(code), "r", "typing", CONVERSATION)
    assert frame.model_dump(exclude_none=True) == {
        "type": "error",
        "ref": "r",
        "code": code,
        "message": MESSAGES[code],
    }


def test_an_error_without_a_ref_says_which_frame_it_answers() -> None:
    refused = Refused(Code.LIVE_OFF, {"retry_ms": 5})
    frame = to_frame(refused, None, "live.edit", CONVERSATION)
    assert frame.ref is None
    assert frame.details == {"retry_ms": 5, "type": "live.edit", "conversation": CONVERSATION}
    assert to_frame(refused, None, "hello", None).details == {"retry_ms": 5, "type": "hello"}
    assert to_frame(Refused(Code.BAD_FRAME, {"field": "type"}), None, None, None).details == {"field": "type"}


STATUS = {
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.ERASED: 410,
    Code.KEY_GONE: 410,
    Code.BAD_REQUEST: 422,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
}


@pytest.mark.parametrize(("code", "status"), STATUS.items())
def test_each_problem_has_its_status_and_stable_code(code: Code, status: int) -> None:
    told, body = to_problem(Refused(code))
    assert told == status
    assert body["status"] == status
    assert body["code"] == code.value
    assert body["type"] == "about:blank"
    assert body["title"] == told.phrase
    assert body["detail"] == MESSAGES[code]


@pytest.mark.parametrize("code", [Code.STALE_EPOCH, Code.STALE_FORM])
def test_a_stale_decision_is_a_conflict_with_its_reason(code: Code) -> None:
    status, body = to_problem(Refused(code, {"state": "withdrawn", "epoch": 7}))
    assert (status, body["code"], body["reason"]) == (409, "conflict", code.value)
    assert (body["state"], body["epoch"]) == ("withdrawn", 7)


@pytest.mark.parametrize("code", set(Code) - set(STATUS) - {Code.STALE_EPOCH, Code.STALE_FORM})
def test_partners_hear_of_no_other_codes(code: Code) -> None:
    status, body = to_problem(Refused(code, {"field": "text"}))
    assert (status, body["code"], body["field"]) == (422, "bad_request", "text")


def test_partners_do_not_hear_which_part_is_away() -> None:
    _, body = to_problem(Unavailable("session.0"))
    assert "part" not in body
    assert body["retry_ms"] == 1_000


def test_a_refusal_and_its_text_hold_no_content() -> None:
    assert str(Refused(Code.BAD_TEXT, {"field": "text"})) == "bad_text"


def test_the_close_codes_are_the_protocols() -> None:
    assert {int(code) for code in Close} == {1012, 4400, 4401, 4408, 4409, 4410, 4413, 4429, 4508}
