"""Bytes to frames: what is not JSON closes the connection, what is not the protocol is a ``bad_frame``."""

import json
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from services.gateway.errors import Closing
from shared.contracts.errors import Close, Code, Refused
from shared.contracts.frames.client import AnyFrame, ClientFrame

_frames: TypeAdapter[AnyFrame] = TypeAdapter(ClientFrame)
Parsed = dict[str, object]
DEEPEST = 8


class BadFrame(Refused):
    """A frame that isn't the protocol, with what is known of it."""

    def __init__(self, field: str, parsed: Parsed) -> None:
        super().__init__(Code.BAD_FRAME, {"field": field})
        ref = parsed.get("ref")
        self.ref = ref if isinstance(ref, str) and 1 <= len(ref) <= 64 else None
        self.kind = _text(parsed.get("type"))
        self.conversation = _text(parsed.get("conversation"))


def _text(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None


def parse(raw: str) -> AnyFrame:
    """A typed frame.

    Raises:
        Closing: 4400, not a JSON object.
        BadFrame: unknown type, a member is missing or mistyped.
    """
    try:
        return _frames.validate_json(raw)
    except ValidationError as error:
        return _again(raw, error)


def _again(raw: str, error: ValidationError) -> AnyFrame:
    """Decide with the standard library, which knows a lone surrogate from bad JSON."""
    parsed = _object(raw)
    if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
        raise BadFrame(_field(error), parsed)
    mended = mend(parsed)
    assert isinstance(mended, dict)
    if mended.get("ref") != parsed.get("ref"):
        raise BadFrame("ref", {**parsed, "ref": None})
    try:
        return _frames.validate_json(json.dumps(mended))
    except ValidationError as again:
        raise BadFrame(_field(again), mended) from None


def _object(raw: str) -> Parsed:
    try:
        parsed = json.loads(raw, parse_constant=_no_constant, parse_int=_number)
    except (ValueError, RecursionError):
        raise Closing(Close.BAD_DATA) from None
    if not isinstance(parsed, dict):
        raise Closing(Close.BAD_DATA)
    return parsed


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _number(digits: str) -> int | float:
    """No number of the protocol has so many digits, and Python refuses to read thousands of them."""
    return int(digits) if len(digits) <= 20 else float(digits)


def mend(value: object, depth: int = 0) -> object:
    """A lone surrogate becomes NUL, which no text may hold either; so the text's own rule refuses it.

    Nothing that the protocol knows lies deeper than `DEEPEST`; what does is an unknown member's, and is left out.
    """
    if isinstance(value, str):
        return "".join("\0" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list | dict) and depth == DEEPEST:
        return None
    if isinstance(value, list):
        return [mend(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {mend(key): mend(item, depth + 1) for key, item in value.items()}
    return value


NO_OBJECT = ("model_attributes_type", "model_type", "dict_type")


def _field(error: ValidationError) -> str:
    """The name of the member that is wrong; of several, the first."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    whole = len(first["loc"]) <= 1  # else it is a member that is no object, or one of an unknown kind
    if whole and (first["type"].startswith("union_tag") or first["type"] in NO_OBJECT):
        return "type"
    path = [str(part) for part in first["loc"][1:] if not isinstance(part, str) or "tuple" not in part]
    if not path:
        return {"hello": "resume", "history": "after", "record.list": "after", "composition.delete": "draft"}.get(
            str(first["loc"][0]) if first["loc"] else "", "type"
        )
    return path[0]
