"""Answers to the steps of an exercise, and asking on while a part of the platform is away."""

import asyncio
import uuid
from typing import Any

from tests.support.participants import Frame, Participant

AWAY_S = 60.0

ANSWERS: dict[str, Any] = {
    "rating": {"kind": "rating", "rating": 7},
    "text": {"kind": "text", "text": "a house by the sea"},
    "list": {"kind": "list", "items": ["wind", "salt", "warm stones"]},
    "breathing": {"kind": "breathing", "cycles": 3},
}


def new() -> str:
    return str(uuid.uuid4())


async def insist(who: Participant, kind: str, **fields: object) -> Frame:
    """Its ``ok``; asked again, with the same id, for as long as a part of the platform is away."""
    asked = {"record": new(), **fields}
    async with asyncio.timeout(AWAY_S):
        while True:
            frame = await who.ask(kind, **asked)
            if frame["type"] == "ok":
                return frame
            assert frame["code"] == "unavailable", frame
            await asyncio.sleep(frame["details"]["retry_ms"] / 1000)


def step_of(run: Frame) -> Frame:
    """The step that waits, as the run's definition has it."""
    waiting = run["run"]["step"]
    if waiting in ("before", "after"):
        return {"id": waiting, "answer": {"kind": "rating"}}
    step: Frame = next(step for step in run["definition"]["steps"] if step["id"] == waiting)
    return step


def fitting(step: Frame) -> Any:
    """An answer that fits; of a choice the first option."""
    asked = step["answer"]
    if asked["kind"] == "choice":
        return {"kind": "choice", "chosen": [asked["options"][0]["id"]]}
    if asked["kind"] == "list":
        return {"kind": "list", "items": ["one", "two", "three"][: max(asked["least"], min(asked["most"], 3))]}
    return ANSWERS[asked["kind"]]


async def through(client: Participant, run: str, steps: int | None = None) -> list[str]:
    """Answer what waits, one step after another, or so many of them; which steps those were."""
    answered: list[str] = []
    while steps is None or len(answered) < steps:
        found = await client.ok("exercise.get", run=run)
        if found["run"]["step"] is None:
            break
        step = step_of(found)
        await insist(client, "exercise.answer", run=run, step=step["id"], answer=fitting(step))
        answered.append(step["id"])
    return answered
