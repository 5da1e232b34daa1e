"""The door for frames: what is not JSON, what is not the protocol, and the name of the member that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.gateway.errors import Closing
from services.gateway.ingress.parsing import BadFrame, parse
from shared.contracts.errors import Close, Code
from shared.contracts.frames import client

SAMPLES = Path(__file__).parents[2] / "contract" / "samples"
C, D = "6f9619ff-8b86-4d01-b42d-00c04fc964f1", "4f4c5a5b-0a9c-4a5e-9b73-6e8f0a2b4c55"
EDIT = {"type": "live.edit", "conversation": C, "draft": D, "rev": 1, "ops": [[0, "i", 0, "a"]]}
LEFT_OUT = object()


def sample(kind: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((SAMPLES / f"client.{kind}.json").read_text(encoding="utf-8"))
    return parsed


KINDS = sorted(path.name.removeprefix("client.").removesuffix(".json") for path in SAMPLES.glob("client.*.json"))
FRAMES = {kind: sample(kind) for kind in KINDS}


def bad(raw: str | dict[str, Any]) -> BadFrame:
    with pytest.raises(BadFrame) as refused:
        parse(raw if isinstance(raw, str) else json.dumps(raw))
    assert refused.value.code is Code.BAD_FRAME
    return refused.value


def field_of(raw: str | dict[str, Any]) -> object:
    return bad(raw).details["field"]


def changed(frame: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    rest = {key: item for key, item in frame.items() if key != name}
    return rest if value is LEFT_OUT else {**rest, name: value}


# --- members ---------------------------------------------------------------------------------------------------------

MEMBERS = [(kind, name) for kind, frame in FRAMES.items() for name in frame if name != "type"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"])
def test_a_moment_that_there_is_not_is_named(at: str) -> None:
    """Also one whose offset carries it over the edge of the calendar."""
    assert field_of(changed(FRAMES["message.later"], "at", at)) == "at"
    assert field_of(changed(FRAMES["consent.grant"], "expires_at", at)) == "expires_at"


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_mistyped_member_is_named(kind: str, name: str) -> None:
    frame = FRAMES[kind]
    wrongs: tuple[Any, ...] = ([], {}, 1.5, -1, "", [{}], "9" * 70, {"a": 1})
    for wrong in wrongs:
        if name in {"token", "pad"} and isinstance(wrong, str):
            continue  # any text may be a token here, the next check refuses it; and any may be a filling
        if name in {"text", "emoji", "meaning", "what"} and isinstance(wrong, str):
            continue  # these have rules and codes of their own
        if name == "resume" and wrong == []:
            continue  # nothing to resume
        if name == "device" and wrong == "9" * 70:
            continue  # a name like another
        assert field_of(changed(frame, name, wrong)) == name, (kind, name, wrong)


REQUIRED = [
    (kind, name) for kind, name in MEMBERS if type(parse(json.dumps(FRAMES[kind]))).model_fields[name].is_required()
]
ONE_OF = {("composition.delete", "draft"), ("composition.delete.all", "all")}
OPTIONAL = sorted(set(MEMBERS) - set(REQUIRED) - ONE_OF)


@pytest.mark.parametrize("members", [{}, {"draft": None}, {"draft": D, "all": True}, {"all": None, "draft": None}])
def test_a_deletion_names_a_draft_or_all(members: dict[str, object]) -> None:
    assert field_of({"type": "composition.delete", "conversation": C, **members}) == "draft"
    named = parse(json.dumps({"type": "composition.delete", "conversation": C, "draft": D, "all": None}))
    assert isinstance(named, client.CompositionDelete)


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_a_missing_member_is_named_and_null_is_missing(kind: str, name: str) -> None:
    assert field_of(changed(FRAMES[kind], name, LEFT_OUT)) == name
    assert field_of(changed(FRAMES[kind], name, None)) == name


@pytest.mark.parametrize(("kind", "name"), OPTIONAL)
def test_an_optional_member_may_be_null(kind: str, name: str) -> None:
    without = parse(json.dumps(changed(FRAMES[kind], name, LEFT_OUT)))
    assert parse(json.dumps(changed(FRAMES[kind], name, None))) == without


@pytest.mark.parametrize("number", ["true", '"1"', "1.0", "1e0", "-0.0", "null", "9007199254740993", "1e400"])
def test_numbers_are_strict(number: str) -> None:
    raw = json.dumps(FRAMES["message.read"]).replace(": 17", f": {number}")
    assert field_of(raw) == "seq"


def test_a_number_of_thousands_of_digits_is_only_mistyped() -> None:
    raw = json.dumps(FRAMES["message.read"]).replace(": 17", ": " + "9" * 6_000)
    assert field_of(raw) == "seq"


@pytest.mark.parametrize("on", [1, 0, "true", None, [True]])
def test_true_and_false_are_strict(on: object) -> None:
    assert field_of(changed(FRAMES["typing"], "on", on)) == "on"


@pytest.mark.parametrize(
    "wrong", [C.upper(), C[:-1], C + "0", "{" + C + "}", C.replace("-", ""), f" {C}", C + "\n", "urn:uuid:" + C]
)
def test_ids_are_lower_case_uuids(wrong: str) -> None:
    assert field_of(changed(FRAMES["typing"], "conversation", wrong)) == "conversation"


@pytest.mark.parametrize("kind", [None, 7, [], {}, "", "message.unsend", "Hello", "message.posted", "ok"])
def test_an_unknown_type(kind: object) -> None:
    assert field_of(changed(FRAMES["typing"], "type", kind)) == "type"
    assert field_of("{}") == "type"


OPS: list[Any] = [
    [],
    [[]],
    [None],
    [[0, "i", 0]],
    [[0, "i", 0, "a", 1]],
    [[0, "i", 0, ""]],
    [[0, "i", -1, "a"]],
    [[0, "i", 0.0, "a"]],
    [[0, "i", 0, 1]],
    [[0, "d", 0, 0]],
    [[0, "d", 0, "a"]],
    [[0, "d", 0, -1]],
    [[0, "x", 0, 1]],
    [[-1, "i", 0, "a"]],
    [[60_001, "i", 0, "a"]],
    [["0", "i", 0, "a"]],
    [[True, "i", 0, "a"]],
    [{"0": 0}],
    [[0, "i", 0, "a"]] * 201,
    "ops",
]


@pytest.mark.parametrize("ops", OPS, ids=range(len(OPS)))
def test_mistyped_operations(ops: object) -> None:
    assert field_of({**EDIT, "ops": ops}) == "ops"


def test_the_widest_operations_pass() -> None:
    frame = parse(json.dumps({**EDIT, "ops": [[60_000, "d", 2**31 - 1, 2**31 - 1]] * 200}))
    assert isinstance(frame, client.LiveEdit)
    assert len(frame.ops) == 200


@pytest.mark.parametrize("rev", [0, -1, 2**53, "1", 1.0, True])
def test_mistyped_revisions(rev: object) -> None:
    assert field_of({**EDIT, "rev": rev}) == "rev"
    assert field_of(changed(FRAMES["live.reset"], "rev", rev)) == "rev"


def test_history_goes_one_way_and_resume_names_a_position() -> None:
    assert field_of({**FRAMES["history"], "before": 3}) in ("after", "before")
    assert field_of({**FRAMES["hello"], "resume": [{"conversation": C}]}) == "resume"
    assert field_of({**FRAMES["hello"], "resume": [{"after": 1}]}) == "resume"
    both = parse(json.dumps({**FRAMES["hello"], "resume": [{"conversation": C, "after": 1, "after_n": 2}]}))
    assert isinstance(both, client.Hello)


# --- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["", "x" * 65, 7, ["r"], {"r": 1}, True])
def test_a_ref_that_is_none_is_named_and_not_repeated(ref: object) -> None:
    refused = bad({"type": "typing", "conversation": C, "on": True, "ref": ref})
    assert refused.details["field"] == "ref"
    assert refused.ref is None
    assert (refused.kind, refused.conversation) == ("typing", C)


@pytest.mark.parametrize("ref", ["r", "x" * 64, "𝄞" * 64, "\x00"])
def test_what_is_known_of_a_bad_frame_is_kept_for_its_answer(ref: str) -> None:
    refused = bad({"type": "typing", "conversation": C, "on": 3, "ref": ref})
    assert (refused.ref, refused.kind, refused.conversation) == (ref, "typing", C)


def test_a_bad_frame_repeats_no_more_than_a_name_of_what_it_was() -> None:
    refused = bad({"type": "x" * 5_000, "conversation": "y" * 5_000})
    assert refused.kind == "x" * 64
    assert refused.conversation == "y" * 64


# --- not JSON --------------------------------------------------------------------------------------------------------

NOT_FRAMES = [
    "",
    " ",
    "{",
    "nope",
    "null",
    "true",
    "7",
    '"text"',
    "[]",
    '[{"type":"typing"}]',
    "{'type':'typing'}",
    '{"type":"typing",}',
    '{"type":"typing"} {}',
    '{"type":NaN}',
    '{"a":Infinity}',
    '{"a":-Infinity}',
    '\ufeff{"type":"typing"}',
    '{"type":"typ\ning"}',
    '{"type":"\\x41"}',
    '{"type":"\\ud83"}',
    '{"a":01}',
    "[" * 60_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000,
]


@pytest.mark.parametrize("raw", NOT_FRAMES, ids=range(len(NOT_FRAMES)))
def test_what_is_not_a_json_object_closes_the_connection(raw: str) -> None:
    with pytest.raises(Closing) as closing:
        parse(raw)
    assert closing.value.code == Close.BAD_DATA


@pytest.mark.parametrize("depth", [150, 250, 900])
def test_deep_nesting_in_an_unknown_member_is_ignored(depth: int) -> None:
    raw = json.dumps(FRAMES["typing"])[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    assert isinstance(parse(raw), client.Typing)


@pytest.mark.parametrize("depth", [150, 250, 900])
def test_deep_nesting_in_a_known_member_is_mistyped(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    assert field_of(json.dumps(FRAMES["typing"]).replace("true", nested)) == "on"
    assert field_of(json.dumps(EDIT).replace('"a"', nested)) == "ops"


# --- lone surrogates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("escape", ["\\ud83d", "\\udc00", "\\ude00\\ud83d", "a\\uD83Db"])
def test_a_lone_surrogate_in_a_text_is_left_to_the_texts_own_rule(escape: str) -> None:
    raw = json.dumps(FRAMES["message.send.least"]).replace("Short.", escape)
    frame = parse(raw)
    assert isinstance(frame, client.MessageSend)
    assert "\0" in frame.text
    edit = parse(json.dumps(EDIT).replace('"a"', f'"{escape}"'))
    assert isinstance(edit, client.LiveEdit)
    assert "\0" in str(edit.ops[0][3])


def test_a_lone_surrogate_counts_as_one_code_point() -> None:
    raw = json.dumps(FRAMES["message.send.least"]).replace("Short.", "a" * 7_999 + "\\ud83d")
    frame = parse(raw)
    assert isinstance(frame, client.MessageSend)
    assert len(frame.text) == 8_000


def test_a_pair_of_surrogates_is_a_character() -> None:
    frame = parse(json.dumps(FRAMES["message.send.least"]).replace("Short.", "\\ud834\\udd1e"))
    assert isinstance(frame, client.MessageSend)
    assert frame.text == "𝄞"


def test_a_lone_surrogate_elsewhere() -> None:
    typing = json.dumps({**FRAMES["typing"], "x": "SWAP"})
    assert isinstance(parse(typing.replace("SWAP", "\\ud83d")), client.Typing)
    refused = bad(json.dumps({**FRAMES["typing"], "ref": "SWAP"}).replace("SWAP", "\\ud83d"))
    assert (refused.details["field"], refused.ref) == ("ref", None)
    assert field_of(typing.replace('"typing"', '"typ\\ud83d"')) == "type"
    assert field_of(typing.replace(C, "\\ud83d")) == "conversation"
    assert field_of(json.dumps({**EDIT, "rev": "SWAP"}).replace("SWAP", "\\ud83d")) == "rev"
