"""A record's text is opened at the gateway's door, and told among the record's own members."""

import json
from types import SimpleNamespace
from typing import Any, Literal, get_args

import pytest
from pydantic import SecretStr, ValidationError

from services.gateway.handlers import features, records
from shared.contracts import keys
from shared.contracts.features.pacing import PacingOffered, Prompt
from shared.contracts.features.safety import SafetyAlert
from shared.contracts.frames.base import Happened
from shared.contracts.ids import Role, new_id
from shared.contracts.keys import conversation_key
from shared.contracts.records import RecordFact
from shared.runtime.sealing import DataKey, SealBroken, Sealer

TENANT, CONVERSATION, RECORD, SENDER = new_id(), new_id(), new_id(), new_id()
KEY = DataKey(conversation_key(TENANT, CONVERSATION), {1: b"1" * 32}, 1, Sealer(SecretStr("MTIz")))


class Heard(RecordFact):
    kind: Literal["test.heard"] = "test.heard"
    rounds: int


class HeardFrame(Happened):
    type: Literal["test.heard"] = "test.heard"
    rounds: int
    text: str


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(records.FRAMES, "test.heard", HeardFrame)


def heard(content: str, record: str = RECORD) -> Heard:
    return Heard(n=5, record=record, sender=SENDER, at="2026-01-02T03:04:05.678Z", rounds=2, content=content)


def opened(fact: Heard) -> Happened:
    return records.opened(CONVERSATION, fact, KEY)  # type: ignore[arg-type]  # a kind of this test's own


def test_what_was_sealed_is_told() -> None:
    frame = opened(heard(KEY.seal(keys.record(RECORD), b'{"text":"as I meant it"}')))
    assert frame.model_dump(by_alias=True) == {
        "conversation": CONVERSATION,
        "n": 5,
        "record": RECORD,
        "from": SENDER,
        "at": "2026-01-02T03:04:05.678Z",
        "type": "test.heard",
        "rounds": 2,
        "text": "as I meant it",
    }


def test_what_was_sealed_as_another_record_isnt() -> None:
    with pytest.raises(SealBroken):
        opened(heard(KEY.seal(keys.record(RECORD), b'{"text":"no"}'), record=new_id()))


def test_a_content_that_isnt_the_frames_is_no_frame() -> None:
    with pytest.raises(ValidationError):
        opened(heard(KEY.seal(keys.record(RECORD), b'{"words":"no"}')))


class Listening:
    """A connection of somebody in a role, as far as a notice cares."""

    def __init__(self, role: Role) -> None:
        self.claims = SimpleNamespace(role=role)
        self.outgoing = SimpleNamespace(send=lambda payload: self.told.append(json.loads(payload)))
        self.told: list[dict[str, object]] = []


@pytest.mark.parametrize(("audience", "hear"), [(None, ["client", "therapist"]), ("therapist", ["therapist"])])
def test_a_notice_is_for_its_audience(audience: Role | None, hear: list[Role]) -> None:
    here = {role: Listening(role) for role in get_args(Role)}
    room: Any = SimpleNamespace(connections=here)
    prompt = Prompt(id="values-1", theme="values", text="What about this matters to you?")
    offered = PacingOffered(
        tenant=TENANT, conversation=CONVERSATION, audience=audience, share=0.7, version=1, prompts=[prompt]
    )
    features.noticed(room, offered)
    frame = {
        "type": "pacing.offer",
        "conversation": CONVERSATION,
        "share": 0.7,
        "version": 1,
        "prompts": [prompt.model_dump()],
    }
    assert {role: one.told for role, one in here.items()} == {
        role: [frame] if role in hear else [] for role in get_args(Role)
    }


def test_each_notices_frame_has_the_members_of_its_notice() -> None:
    """What is told is taken from the notice as it is; but a raise's text is opened first."""
    for notice, frame in features.NOTICES.items():
        if notice is SafetyAlert:
            continue
        members = {name: field.annotation for name, field in frame.model_fields.items() if name != "type"}
        assert members == {name: notice.model_fields[name].annotation for name in members}
