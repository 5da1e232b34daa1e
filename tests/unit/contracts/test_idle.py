"""Nobody is told how long somebody has been idle: each time that a frame tells is of something that was done or said.

Read from the models of all frames that the gateway sends, whatever is inside them.
"""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.contracts import features
from shared.contracts.frames import server
from shared.contracts.frames.values import LiveValue, ParticipantValue

FRAMES: tuple[type[BaseModel], ...] = (*get_args(server.ServerFrame), *features.OKS.values())
TIME = re.compile(r"(^|_)(at|s|ms|since|until|time|ago|seen|idle|last|age|day|hours?)$")

TOLD = {
    # when something was said or done that both can see, or what its author did
    "at", "started_at", "ended_at", "first_at", "last_at", "begun_at", "changed_at", "published_at", "decided_at",
    "retired_at", "agreed_at", "raised_at", "acknowledged_at", "escalated_at", "since",
    # what is to come
    "expires_at", "starts_at", "until", "older_lapse_at", "hours",
    # how long something took, of messages that were sent: between two of them, or as its author wants it said
    "median_reply_s", "composed_s", "duration_s",
    # the protocol's own pace
    "heartbeat_s", "retry_ms", "tick_ms", "live_per_s", "messages_per_s", "others_per_s",
}  # fmt: skip
PRESENT = (server.Presence, server.Typing, server.LiveChanged, ParticipantValue, LiveValue)
"""What tells of somebody's being here."""


def models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from models(part)


def inside(frame: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> Iterator[tuple[type[BaseModel], str]]:
    """Each member of a frame, and of what is in it."""
    seen = set() if seen is None else seen
    if frame in seen:
        return
    seen.add(frame)
    for name, field in frame.model_fields.items():
        yield frame, name
        for model in models(field.annotation):
            yield from inside(model, seen)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.__name__)
def test_each_time_that_is_told_is_of_something_done(frame: type[BaseModel]) -> None:
    times = {name for _, name in inside(frame) if TIME.search(name)}
    assert times <= TOLD


@pytest.mark.parametrize("model", PRESENT, ids=lambda model: model.__name__)
def test_who_is_here_or_not_comes_without_a_time(model: type[BaseModel]) -> None:
    assert not [name for _, name in inside(model) if TIME.search(name) or name in TOLD]


def test_the_pattern_finds_what_it_looks_for() -> None:
    for name in ("last_seen", "idle_s", "seen_at", "inactive_ms", "last_active_at", "idle", "away_since", "online_ago"):
        assert TIME.search(name)
        assert name not in TOLD
