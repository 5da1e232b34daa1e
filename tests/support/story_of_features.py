"""The two people of `tests.support.story` use what therapy adds, and type a canary wherever they can."""

from datetime import UTC, datetime, timedelta

from tests.support.due import local
from tests.support.participants import Participant
from tests.support.story import Stage, new

FORM = {
    "harm": {"kind": "choice", "chosen": ["never"]},
    "safe_at_home": {"kind": "choice", "chosen": ["safe"]},
    "private_place": {"kind": "choice", "chosen": ["has_one"]},
    "writing": {"kind": "rating", "rating": 8},
    "senses": {"kind": "choice", "chosen": ["no_such"]},
    "substances": {"kind": "rating", "rating": 1},
}
"""Fits the questions at intake."""
LISTS = ("warning_signs", "coping", "people", "places", "professionals", "making_safe")


async def told(stage: Stage, client: Participant, therapist: Participant) -> None:
    """Everything, one after another."""
    message = new()
    await client.ok("message.send", message=message, text=stage.canaries.text("MessageSend.text"), tone="hopeful")
    await therapist.until("message.posted", message=message)
    await _symbols(stage, client, therapist, message)
    await _attunement(stage, client, therapist, message)
    await _exercise(stage, client)
    await _agreement(stage, client, therapist)
    await _later(stage, client)
    await _safety(stage, client, therapist)


async def _symbols(stage: Stage, client: Participant, therapist: Participant, message: str) -> None:
    """An emoji can't be a canary: what isn't one is refused."""
    of, text = stage.canaries.of, stage.canaries.text
    for kind, field in (("reaction.add", "ReactionAdd.emoji"), ("reaction.remove", "ReactionRemove.emoji")):
        assert await client.refused(kind, message=message, emoji=of(field)) == "bad_emoji"
    assert await client.refused("symbol.timeline", emoji=of("SymbolTimeline.emoji")) == "bad_emoji"
    defined = {"symbol": new(), "emoji": of("SymbolDefine.emoji"), "meaning": text("SymbolDefine.meaning")}
    assert await client.refused("symbol.define", **defined) == "bad_emoji"
    defined["emoji"] = "🌊"
    await client.ok("symbol.define", **defined)
    assert await client.refused("symbol.define", **{**defined, "meaning": text("SymbolDefine.meaning")}) == "conflict"
    assert (await therapist.until("symbol.defined"))["meaning"] == defined["meaning"]
    await therapist.ok("symbol.agree", symbol=defined["symbol"])
    await therapist.ok("symbol.revise", symbol=defined["symbol"], meaning=text("SymbolRevise.meaning"))
    await client.ok("reaction.add", message=message, emoji="🌊")
    await client.ok("symbol.list")
    await client.ok("symbol.timeline", emoji="🌊")


async def _attunement(stage: Stage, client: Participant, therapist: Participant, message: str) -> None:
    text, check = stage.canaries.text, new()
    await therapist.ok("attune.ask", message=message, check=check)
    await therapist.ok("attune.reflect", check=check, text=text("AttuneReflect.text"))
    await client.ok("attune.answer", check=check, heard=False, text=text("AttuneAnswer.text"))
    await therapist.ok("attune.reflect", check=check, text=text("AttuneReflect.text"))
    await client.ok("attune.list")


async def _exercise(stage: Stage, client: Participant) -> None:
    of, text, run = stage.canaries.of, stage.canaries.text, new()
    await client.ok("exercise.start", record=run, exercise="urge_surfing")
    await client.ok("exercise.answer", run=run, step="before", answer={"kind": "rating", "rating": 7})
    said = {"kind": "text", "text": text("TextGiven.text")}
    await client.ok("exercise.answer", run=run, step="what", answer=said)
    chosen = {"kind": "choice", "chosen": [of("ChoiceGiven.chosen")]}
    assert await client.refused("exercise.answer", run=run, step="where", answer=chosen) == "bad_answer"
    items = {"kind": "list", "items": [text("ListGiven.items")]}
    await client.ok("exercise.answer", run=run, step="where", answer=items)
    assert (await client.ok("exercise.get", run=run))["answers"][-1]["answer"] == items
    await client.ok("exercise.stop", run=run)


async def _agreement(stage: Stage, client: Participant, therapist: Participant) -> None:
    text, agreement = stage.canaries.text, new()
    await client.ok("agreement.propose", record=agreement, what=text("Worded.what"), remind=local())
    what = text("Worded.what")
    await client.ok("agreement.revise", agreement=agreement, wording=1, what=what, remind=local())
    await therapist.ok("agreement.accept", agreement=agreement, wording=2, remind=True)
    await client.ok("agreement.report", agreement=agreement, how="partly", text=text("AgreementReport.text"))
    assert (await therapist.ok("agreement.list"))["agreements"][0]["what"] == what


async def _later(stage: Stage, client: Participant) -> None:
    """One message waits, another was recalled."""
    of, text = stage.canaries.of, stage.canaries.text
    at = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
    toned = {"message": new(), "text": text("Planned.text"), "at": at, "tone": of("Planned.tone")}
    assert await client.refused("message.later", **toned) == "bad_tone"
    for recalled in (False, True):
        planned = {"message": new(), "at": at}
        await client.ok("message.later", **planned, text=text("Planned.text"))
        await client.ok("message.later_change", **planned, wording=1, text=text("Planned.text"))
        if recalled:
            await client.ok("message.later_recall", message=planned["message"], wording=2)
    assert len((await client.ok("message.later_list"))["later"]) == 1


async def _safety(stage: Stage, client: Participant, therapist: Participant) -> None:
    of, text, raised = stage.canaries.of, stage.canaries.text, new()
    await client.ok("safety.raise", record=raised, text=text("SafetyRaise.text"))
    await therapist.ok("safety.acknowledge", raised=raised)
    await client.ok("safety.list")
    plan = {name: [text(f"PlanValue.{name}")] for name in LISTS}
    await client.ok("safety_plan.save", based_on=0, plan=plan)
    assert (await therapist.ok("safety_plan.get"))["plan"] == plan
    said = {"kind": "text", "text": text("TextGiven.text")}
    unasked = {**FORM, of("SuitabilityAnswer.answers"): said}
    assert await client.refused("suitability.answer", version=1, answers=unasked) == "bad_answer"
    await client.ok("suitability.answer", version=1, answers={**FORM, "other_help": said})
    assert (await therapist.ok("suitability.get"))["answered"]["answers"]["other_help"] == said
    await client.ok("conversation.report", reason="other", text=text("ConversationReport.text"))
    await therapist.ok("away.set")


async def fed(stage: Stage, client: Participant) -> str:
    """A calendar feed, read by its address; the secret part of that."""
    url: str = (await client.ok("calendar.open", record=new()))["url"]
    token = url.rpartition("/")[2].removesuffix(".ics")
    await stage.partner.text(f"/v1/calendar/{token}.ics")
    wrong = stage.canaries.of("a feed's address")
    await stage.bare("GET", f"/v1/calendar/{wrong}.ics", 404)
    return token
