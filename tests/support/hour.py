"""A talk of an hour's shape between two people, in which every feature is used; and how everything stands after it."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from icalendar import Calendar

from tests.support.due import local, time_passes
from tests.support.exercising import insist, new, through
from tests.support.participants import Conversation, Frame, Participant
from tests.support.platform import Platform

LATE_S = 60.0
LONG = " ".join(["word"] * 200)
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
FORM = "informed_consent"
FORMS = "/v1/consent-forms"

InHand = Callable[["Script", Awaitable[None]], Awaitable[None]]
"""Has something asked and answered, and does what it likes while the session service has it in hand."""


class Script:
    """Two people in a conversation of a tenant of their own, since its forms change on the way."""

    def __init__(self, platform: Platform, talk: Conversation, in_hand: InHand) -> None:
        self.platform = platform
        self.talk = talk
        self._in_hand = in_hand
        self.ids: dict[str, str] = {}

    def id(self, name: str) -> str:
        return self.ids.setdefault(name, new())

    async def play(self) -> dict[str, Any]:
        """All of it; how things stand at its end for both and for the partner, and what both were told on the way."""
        self.client, self.therapist = await self.talk.both()
        self.both = (self.client, self.therapist)
        for one in self.both:
            await one.consent(FORM)
        await self._begins()
        await self._symbols()
        await self._stage()
        await self._heard()
        await self._exercises()
        await self._agreed()
        await self._safety()
        await self._appointments()
        await self._later()
        await self._away()
        await self._again()
        return await self._ends()

    # --- asking, and waiting ----------------------------------------------------------------------------------------

    async def _asks(self, who: Participant, kind: str, **fields: object) -> None:
        await insist(who, kind, **fields)

    async def _says(self, who: Participant, name: str, text: str, **fields: object) -> None:
        await insist(who, "message.send", message=self.id(name), text=text, **fields)

    async def _hear(self, kind: str, *, late: bool = False, **members: object) -> None:
        for who in self.both:
            await who.where(
                lambda f: f["type"] == kind and all(f.get(k) == v for k, v in members.items()),
                wait_s=LATE_S if late else 8.0,
            )

    async def _comes(self, kind: str, **members: object) -> None:
        """What was put aside for later comes due, and both hear of it."""
        await time_passes(self.platform, self.talk)
        await self._hear(kind, late=True, **members)

    # --- the hour ---------------------------------------------------------------------------------------------------

    async def _begins(self) -> None:
        client, therapist = self.both
        await self._asks(client, "suitability.answer", version=1, answers=ANSWERS)
        session = self.id("session")
        await self._asks(therapist, "session.schedule", session=session, when=local(), minutes=50)
        await self._asks(therapist, "session.start", session=session)
        await self._says(client, "hello", "I am like a tortoise today", tone="tired", composed_s=40)
        await self._says(therapist, "asked", "What does the tortoise do?", tone="🌱")
        for meant in ("closed_question", "open_question"):
            await self._asks(therapist, "message.mark", message=self.id("asked"), intervention=meant)
        await self._says(client, "regret", "what I regret")
        await self._asks(client, "message.delete", message=self.id("regret"))

    async def _symbols(self) -> None:
        client, therapist = self.both
        symbol, wave = self.id("symbol"), self.id("wave")
        await self._asks(client, "symbol.define", symbol=symbol, emoji="🐢", meaning="slow")
        await self._asks(therapist, "symbol.agree", symbol=symbol, revision=1)
        await self._in_hand(self, self._says(client, "turtle", "🐢 it hides"))
        await self._asks(therapist, "reaction.add", message=self.id("turtle"), emoji="🐢")
        await self._asks(client, "symbol.revise", symbol=symbol, meaning="slow, and safe")
        await self._asks(therapist, "symbol.agree", symbol=symbol, revision=2)
        await self._asks(client, "reaction.add", message=self.id("asked"), emoji="👍")
        await self._asks(client, "reaction.remove", message=self.id("asked"), emoji="👍")
        await self._asks(therapist, "symbol.define", symbol=wave, emoji="🌊", meaning="it passes")
        await self._asks(client, "symbol.agree", symbol=wave)
        await self._says(client, "sea", "🌊")
        await self._asks(therapist, "symbol.retire", symbol=wave)

    async def _stage(self) -> None:
        """The therapist holds the stage: they are offered prompts, and don't want to be from then on."""
        await self._says(self.therapist, "long", LONG)
        await self.therapist.until_late("pacing.offer")
        await self._asks(self.therapist, "pacing.mute", muted=True)

    async def _heard(self) -> None:
        client, therapist = self.both
        check = self.id("check")
        await self._asks(client, "attune.ask", message=self.id("turtle"), check=check)
        for heard in (False, True):
            await self._asks(therapist, "attune.reflect", check=check, text="You feel slow")
            await self._asks(client, "attune.answer", check=check, heard=heard, text="safe")
        await self._asks(therapist, "attune.ask", message=self.id("hello"), check=self.id("open check"))

    async def _exercises(self) -> None:
        client, therapist = self.both
        run = self.id("run")
        await self._asks(therapist, "exercise.start", run=run, exercise="urge_surfing")
        await through(client, run, 2)
        await self._asks(therapist, "exercise.pause", run=run)
        await self._asks(client, "exercise.resume", run=run)
        await through(client, run)
        await self._asks(client, "exercise.finish", run=run)
        await self._asks(client, "exercise.start", run=self.id("short run"), exercise="safe_place")
        await self._asks(client, "exercise.stop", run=self.id("short run"))

    async def _agreed(self) -> None:
        client, therapist = self.both
        walk, run, call = self.id("walk"), self.id("a run"), self.id("call")
        until = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
        await self._asks(client, "agreement.propose", agreement=walk, what="walk", remind=local())
        wanted = {"what": "walk once", "until": until, "remind": local()}
        await self._asks(therapist, "agreement.revise", agreement=walk, wording=1, **wanted)
        await self._in_hand(self, self._asks(client, "agreement.accept", agreement=walk, wording=2, remind=True))
        await self._comes("agreement.reminded", agreement=walk)
        await self._asks(client, "agreement.report", agreement=walk, how="partly", text="a little")
        await self._asks(therapist, "agreement.propose", agreement=run, what="run")
        await self._asks(client, "agreement.decline", agreement=run, wording=1)
        await self._asks(therapist, "agreement.propose", agreement=call, what="a call")  # looked at again at each start
        await self._asks(client, "agreement.accept", agreement=call, wording=1)
        await self._asks(therapist, "session.end")

    async def _safety(self) -> None:
        client, therapist = self.both
        raised = self.id("raised")
        await self._in_hand(self, self._raises(raised))
        await self._hear("safety.raised", late=True, record=raised)
        await self._comes("safety.escalated", raised=raised)
        await self._asks(therapist, "safety.acknowledge", raised=raised)
        plan = {name: [f"my {name}"] for name in LISTS}
        await self._asks(therapist, "safety_plan.save", based_on=0, plan=plan)
        await self._asks(client, "safety_plan.save", based_on=1, plan={**plan, "coping": ["the river"]})

    async def _raises(self, raised: str) -> None:
        """As the page does: until it is on record. Help is answered before that, without the service."""
        asked = {"record": raised, "text": "not safe"}
        while not (await insist(self.client, "safety.raise", **asked))["recorded"]:  # noqa: ASYNC110
            await asyncio.sleep(0.5)

    # --- between the hours ------------------------------------------------------------------------------------------

    async def _appointments(self) -> None:
        client, therapist = self.both
        missed, off = self.id("missed session"), self.id("off")
        await self._asks(therapist, "session.schedule", session=missed, when=local(), minutes=50)
        await self._comes("session.missed", session=missed)
        await self._asks(therapist, "session.schedule", session=off, when=local(), minutes=50)
        await self._asks(therapist, "session.reschedule", session=off, revision=1, when=local(4), minutes=30)
        await self._asks(client, "session.cancel", session=off, revision=2)

    async def _later(self) -> None:
        then = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
        planned, recalled = self.id("planned"), self.id("recalled")
        await self._asks(self.client, "message.later", message=recalled, text="no", at=then)
        await self._asks(self.client, "message.later_recall", message=recalled, wording=1)
        await self._asks(self.client, "message.later", message=planned, text="at night", at=then)
        await self._asks(self.client, "message.later_change", message=planned, wording=1, text="at dawn", at=then)
        await self._comes("message.posted", message=planned)

    async def _away(self) -> None:
        client, therapist = self.both
        then = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
        await self._asks(therapist, "away.set", until=then)
        await self._comes("away.ended")
        await self._asks(therapist, "away.set")
        await self._asks(therapist, "away.clear")
        hours = {"starts": "22:00", "ends": "07:00", "zone": "Europe/Paris"}
        await self._asks(client, "quiet.set", hours=hours)
        await self._asks(therapist, "quiet.set", hours=hours)
        await self._asks(therapist, "quiet.clear")
        await self._asks(client, "conversation.report", reason="other", text="just to try it")
        await self._asks(client, "conversation.leave")
        await self._asks(client, "conversation.return")

    async def _again(self) -> None:
        """Another session: the form has changed, and what was agreed comes up again."""
        version = await self._form_changes()
        form = next(f for f in (await self.client.ok("consent.forms"))["forms"] if f["purpose"] == FORM)
        assert form["version"] == version
        epoch = (await self.client.ok("consent.history"))["decisions"][0]["epoch"]
        named = {"purpose": FORM, "version": version, "sha256": form["sha256"]}
        await self.client.ok("consent.grant", **named, if_epoch=epoch)
        await self._asks(self.therapist, "session.start", session=self.id("second session"))
        await self._hear("agreement.due", agreements=[self.id("call")])
        await self._hear("session.disclaimer", forms={self.talk.therapist: [FORM]})
        await self._says(self.therapist, "bye", "Until next week")
        await self._asks(self.therapist, "session.end")
        await self._asks(self.client, "agreement.close", agreement=self.id("call"))

    async def _form_changes(self) -> int:
        _, found = await self.talk.partner.ask_on("GET", FORMS)
        version = max(int(form["version"]) for form in found["forms"] if form["purpose"] == FORM) + 1
        texts = [{"locale": locale, "title": "Therapy by text", "text": "It has changed."} for locale in ("en", "fr")]
        body = {"purpose": FORM, "version": version, "texts": texts}
        assert (await self.talk.partner.ask("POST", FORMS, body))[0] == 201
        return version

    # --- how it ends ------------------------------------------------------------------------------------------------

    async def _ends(self) -> dict[str, Any]:
        stands = [await self._stands(who) for who in self.both]
        for who, found in zip(self.both, stands, strict=True):
            await self._figures_follow(who, found[-1])
        told = [self._told(who) for who in self.both]
        partner = [await self.talk.partner.ask_on("GET", path) for path in ("/v1/reports", "/v1/safety")]
        ends = {"stands": stands, "feeds": [await self._feed(who) for who in self.both], "partner": partner}
        return self._alike({**ends, "told": told})

    async def _stands(self, who: Participant) -> list[Frame]:
        """All that can be read of the features, by one of the two; the figures of pacing at the end."""
        session = self.id("session")
        asked: list[tuple[str, dict[str, object]]] = [
            ("history", {"limit": 100}), ("record.list", {"limit": 200}), ("symbol.list", {}),
            ("symbol.timeline", {"emoji": "🐢"}), ("attune.list", {}), ("exercise.catalog", {}), ("exercise.list", {}),
            ("exercise.get", {"run": self.id("run")}), ("exercise.series", {"exercise": "urge_surfing"}),
            ("agreement.list", {}), ("session.list", {}), ("session.summary", {"session": session}),
            ("session.summary", {"session": self.id("second session")}), ("message.later_list", {}),
            ("safety.list", {}), ("safety.resources", {"region": "FR"}), ("safety_plan.get", {}),
            ("suitability.get", {}), ("quiet.get", {}), ("pacing.series", {}), ("pacing.get", {"session": session}),
            ("pacing.get", {}),
        ]  # fmt: skip
        return [await who.ok(kind, **fields) for kind, fields in asked]

    async def _figures_follow(self, who: Participant, figures: Frame) -> None:
        """`pacing.updated` are figures and no records: how many there are depends on when somebody looks, but what they
        end with doesn't.
        """
        await who.where(lambda f: f["type"] == "pacing.updated" and f["participants"] == figures["participants"])

    async def _feed(self, who: Participant) -> list[tuple[str, str, str]]:
        """What a calendar that follows shows of the appointments; its address is nobody's afterwards."""
        url = (await who.ok("calendar.open", record=new()))["url"]
        async with aiohttp.ClientSession() as http:
            async with http.get(url) as answer:
                calendar = Calendar.from_ical(await answer.text())
            await who.ok("calendar.revoke")
            async with http.get(url) as answer:
                assert answer.status == 404
        return [(str(e["status"]), str(e["summary"]), str(e["uid"])) for e in calendar.walk("VEVENT")]

    def _told(self, who: Participant) -> dict[str, list[Frame]]:
        """What one was told, each thing once, and in its order.

        Left out are figures (`_figures_follow`); who is there and who reads; `safety.alert`, which comes where a record
        takes long; and one's own messages, told by their ``ok``, or by an event where that came too late.
        """
        lasting = [f for f in who.seen if "n" in f and f["type"] not in ("ok", "error")]
        order = [f["n"] for f in lasting]
        assert order == sorted(set(order))
        me = self.talk.client if who is self.client else self.talk.therapist
        own = {f["n"] for f in lasting if f["type"] == "message.posted" and f["from"] == me}
        notices = {
            kind: [f for f in who.seen if f["type"] == kind] for kind in ("pacing.offer", "message.later_changed")
        }
        return {"lasting": [f for f in lasting if f["n"] not in own], **notices}

    def _alike(self, found: dict[str, Any]) -> dict[str, Any]:
        """The same without times, and with each id named by what it is, or by when it comes first."""
        names = {found: name for name, found in self.ids.items()}
        names |= {self.talk.client: "client", self.talk.therapist: "therapist", self.talk.id: "talk"}

        def named(found: re.Match[str]) -> str:
            return names.setdefault(found[0], f"other {len(names)}")

        raw = json.dumps(_without(found), sort_keys=True)
        alike: dict[str, Any] = json.loads(TIMES.sub("T", IDS.sub(named, raw)))
        return alike


def _without(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without(item) for item in value]
    if isinstance(value, dict):
        return {name: _without(item) for name, item in value.items() if name not in UNLIKE}
    return value
