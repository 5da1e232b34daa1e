"""A talk of an hour's shape uses every feature; that the session service dies thrice on the way changes nothing."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.due import local, time_passes
from tests.support.exercising import insist, new, through
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform

LATE_S = 60.0
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:[\d.]+)?(Z|[+-]\d\d:\d\d)?")
IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNLIKE = {"ref", "median_reply_s", "duration_s"}
"""What differs in any two talks."""
LISTS = ("warning_signs", "coping", "people", "places", "professionals", "making_safe")
ANSWERS = {
    "harm": {"kind": "choice", "chosen": ["some_days"]},
    "safe_at_home": {"kind": "choice", "chosen": ["safe"]},
    "private_place": {"kind": "choice", "chosen": ["has_one"]},
    "writing": {"kind": "rating", "rating": 8},
    "senses": {"kind": "choice", "chosen": ["no_such"]},
    "substances": {"kind": "rating", "rating": 1},
}


class Script:
    """Two people in a conversation; ``dies``: what happens where the service could be killed."""

    def __init__(self, platform: Platform, talk: Conversation, dies: Callable[[], Awaitable[None]]) -> None:
        self.platform = platform
        self.talk = talk
        self.dies = dies
        self.ids: dict[str, str] = {}

    def id(self, name: str) -> str:
        return self.ids.setdefault(name, new())

    async def play(self) -> Any:
        """All of it; how things stand at its end, for both."""
        self.client, self.therapist = await self.talk.both()
        for one in (self.client, self.therapist):
            await one.consent("informed_consent")
        await self._begins()
        await self._symbols()
        await self.dies()
        await self._heard()
        await self._exercise()
        await self.dies()
        await self._agreed()
        await self._safety()
        await self._between()
        return [self._alike(await self._stands(who)) for who in (self.client, self.therapist)]

    async def _comes(self, kind: str, **members: object) -> None:
        """What was put aside for later comes due, and both hear of it."""
        await time_passes(self.platform, self.talk)
        for who in (self.client, self.therapist):
            await who.where(
                lambda f: f["type"] == kind and all(f.get(k) == v for k, v in members.items()), wait_s=LATE_S
            )

    async def _says(self, who: Participant, name: str, text: str, **fields: object) -> None:
        await insist(who, "message.send", message=self.id(name), text=text, **fields)

    async def _begins(self) -> None:
        await insist(self.client, "suitability.answer", version=1, answers=ANSWERS)
        session = self.id("session")
        await insist(self.therapist, "session.schedule", session=session, when=local(), minutes=50)
        await insist(self.therapist, "session.start", session=session)
        await self._says(self.client, "hello", "I am like a tortoise today", tone="tired", composed_s=40)
        await self._says(self.therapist, "asked", "What does the tortoise do?")
        for meant in ("closed_question", "open_question"):
            await insist(self.therapist, "message.mark", message=self.id("asked"), intervention=meant)
        await self._says(self.client, "regret", "what I regret")
        await insist(self.client, "message.delete", message=self.id("regret"))

    async def _symbols(self) -> None:
        symbol = self.id("symbol")
        await insist(self.client, "symbol.define", symbol=symbol, emoji="🐢", meaning="slow")
        await insist(self.therapist, "symbol.agree", symbol=symbol, revision=1)
        await self._says(self.client, "turtle", "🐢 it hides")
        await insist(self.therapist, "reaction.add", message=self.id("turtle"), emoji="🐢")
        await self.dies()
        await insist(self.client, "symbol.revise", symbol=symbol, meaning="slow, and safe")
        await insist(self.therapist, "symbol.agree", symbol=symbol, revision=2)
        await insist(self.client, "reaction.add", message=self.id("asked"), emoji="👍")
        await insist(self.client, "reaction.remove", message=self.id("asked"), emoji="👍")

    async def _heard(self) -> None:
        check = self.id("check")
        await insist(self.client, "attune.ask", message=self.id("turtle"), check=check)
        for heard in (False, True):
            await insist(self.therapist, "attune.reflect", check=check, text="You feel slow")
            await insist(self.client, "attune.answer", check=check, heard=heard, text="safe")
        await insist(self.therapist, "attune.ask", message=self.id("hello"), check=self.id("open check"))

    async def _exercise(self) -> None:
        run = self.id("run")
        await insist(self.therapist, "exercise.start", record=run, exercise="urge_surfing")
        await through(self.client, run, 2)
        await insist(self.therapist, "exercise.pause", run=run)
        await self.dies()
        await insist(self.client, "exercise.resume", run=run)
        await through(self.client, run)
        await insist(self.client, "exercise.finish", run=run)

    async def _agreed(self) -> None:
        agreement = self.id("agreement")
        await insist(self.client, "agreement.propose", record=agreement, what="walk", remind=local())
        await insist(
            self.therapist, "agreement.revise", agreement=agreement, wording=1, what="walk once", remind=local()
        )
        await insist(self.client, "agreement.accept", agreement=agreement, wording=2, remind=True)
        await self._comes("agreement.reminded", agreement=agreement)
        await insist(self.client, "agreement.report", agreement=agreement, how="partly", text="a little")
        await insist(self.therapist, "session.end")

    async def _safety(self) -> None:
        raised = self.id("raised")
        await insist(self.client, "safety.raise", record=raised, text="not safe tonight")
        await self._comes("safety.escalated", raised=raised)
        await insist(self.therapist, "safety.acknowledge", raised=raised)
        plan = {name: [f"my {name}"] for name in LISTS}
        await insist(self.therapist, "safety_plan.save", based_on=0, plan=plan)
        await insist(self.client, "safety_plan.save", based_on=1, plan={**plan, "coping": ["the river"]})

    async def _between(self) -> None:
        then = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
        missed = self.id("missed session")
        await insist(self.therapist, "session.schedule", session=missed, when=local(), minutes=50)
        await self._comes("session.missed", session=missed)
        planned = self.id("planned")
        await insist(self.client, "message.later", message=planned, text="at night", at=then)
        await insist(self.client, "message.later_change", message=planned, wording=1, text="at dawn", at=then)
        await self._comes("message.posted", message=planned)
        await insist(self.therapist, "away.set", until=then)
        await self._comes("away.ended")
        await insist(self.client, "quiet.set", hours={"starts": "22:00", "ends": "07:00", "zone": "Europe/Paris"})
        await insist(self.client, "conversation.report", reason="other", text="just to try it")
        await insist(self.client, "conversation.leave")
        await insist(self.client, "conversation.return")

    async def _stands(self, who: Participant) -> list[Frame]:
        """All that can be read of the features, by one of the two."""
        session, run = self.id("session"), self.id("run")
        asked: list[tuple[str, dict[str, object]]] = [
            ("history", {}), ("record.list", {"limit": 200}), ("symbol.list", {}), ("symbol.timeline", {"emoji": "🐢"}),
            ("attune.list", {}), ("exercise.list", {}), ("exercise.get", {"run": run}),
            ("exercise.series", {"exercise": "urge_surfing"}), ("agreement.list", {}), ("session.list", {}),
            ("session.summary", {"session": session}), ("message.later_list", {}), ("safety.list", {}),
            ("safety_plan.get", {}), ("suitability.get", {}), ("quiet.get", {}), ("pacing.get", {}),
            ("pacing.get", {"session": session}), ("pacing.series", {}),
        ]  # fmt: skip
        return [await who.ok(kind, **fields) for kind, fields in asked]

    def _alike(self, frames: list[Frame]) -> Any:
        """The same without times, and with each id named by what it is, or by when it comes first."""
        names = {found: name for name, found in self.ids.items()}
        names |= {self.talk.client: "client", self.talk.therapist: "therapist", self.talk.id: "talk"}

        def named(found: re.Match[str]) -> str:
            return names.setdefault(found[0], f"other {len(names)}")

        raw = json.dumps([_without(frame) for frame in frames], sort_keys=True)
        return json.loads(TIMES.sub("T", IDS.sub(named, raw)))


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if isinstance(value, dict):
        return {name: _without(item) for name, item in value.items() if name not in UNLIKE}
    return value


@pytest.mark.timeout(300)
async def test_an_hour_with_the_service_killed_three_times_ends_like_one_without(
    platform: Platform, partner: Partner
) -> None:
    killed = 0

    async def lives() -> None: ...

    async def dies() -> None:
        """In the middle of what is asked next, which waits until the service is back."""
        nonlocal killed
        if killed < 3:
            killed += 1
            await platform.until_ready("session")
            platform.kill("session")

    ends = []
    for meanwhile in (lives, dies):
        talk = await partner.conversation()
        ends.append(await Script(platform, talk, meanwhile).play())
        await talk.leave()
    assert killed == 3
    whole, interrupted = ends
    assert interrupted == whole
    assert "at dawn" in json.dumps(whole)
