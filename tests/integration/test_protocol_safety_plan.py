"""The safety plan and the suitability check through the real gateway."""

import asyncio
from typing import Any

from tests.integration.test_protocol_records import state_of
from tests.support.exercising import new
from tests.support.participants import Conversation, Participant

Pair = tuple[Participant, Participant]

LISTS = ("warning_signs", "coping", "people", "places", "professionals", "making_safe")


def plan(**lists: list[str]) -> dict[str, list[str]]:
    return {name: lists.get(name, []) for name in LISTS}


FIRST = plan(warning_signs=["I stop answering"], professionals=["Dr Weil, 01 02 03 04 05"])
SECOND = plan(warning_signs=["I stop answering"], coping=["Walk to the river"])


async def test_it_is_written_together_and_its_versions_stay(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    none = await client.ok("safety_plan.get")
    assert (none["version"], none["newest"], "plan" in none) == (0, 0, False)
    await therapist.ok("safety_plan.save", based_on=0, plan=FIRST)
    heard = await client.until("safety_plan.saved")
    assert (heard["version"], heard["plan"], heard["from"]) == (1, FIRST, talk.therapist)
    await client.ok("safety_plan.save", based_on=1, plan=SECOND)
    for version, expected, author in ((1, FIRST, talk.therapist), (2, SECOND, talk.client)):
        found = await therapist.ok("safety_plan.get", version=version)
        assert (found["plan"], found["newest"], found["author"]) == (expected, 2, author)
    assert (await client.ok("safety_plan.get"))["plan"] == SECOND
    assert await client.refused("safety_plan.get", version=3) == "not_found"


async def test_of_two_who_save_in_the_same_instant_one_wins(pair: Pair) -> None:
    answers = await asyncio.gather(
        pair[0].ask("safety_plan.save", based_on=0, plan=FIRST),
        pair[1].ask("safety_plan.save", based_on=0, plan=SECOND),
    )
    assert sorted(one["type"] for one in answers) == ["error", "ok"]
    refused = next(one for one in answers if one["type"] == "error")
    assert (refused["code"], refused["details"]["state"]) == ("wrong_state", {"version": 1})
    won = FIRST if answers[0]["type"] == "ok" else SECOND
    for one in pair:  # both hear what stands now
        assert (await one.until("safety_plan.saved"))["plan"] == won
        found = await one.ok("safety_plan.get")
        assert (found["version"], found["plan"]) == (1, won)


async def test_a_save_has_the_effect_of_once(pair: Pair) -> None:
    record = new()
    first = await pair[0].ok("safety_plan.save", record=record, based_on=0, plan=FIRST)
    assert (await pair[0].ok("safety_plan.save", record=record, based_on=0, plan=FIRST))["n"] == first["n"]
    assert await pair[0].refused("safety_plan.save", record=record, based_on=0, plan=SECOND) == "conflict"
    assert (await pair[1].ok("safety_plan.get"))["version"] == 1


async def test_what_is_left_out_of_a_plan_is_empty(pair: Pair) -> None:
    await pair[0].ok("safety_plan.save", based_on=0, plan={"coping": ["the river"]})
    assert (await pair[1].until("safety_plan.saved"))["plan"] == plan(coping=["the river"])


async def test_what_is_wrong_with_a_plan_changes_nothing(pair: Pair) -> None:
    client = pair[0]
    assert await client.refused("safety_plan.save", based_on=0, plan=plan(coping=["x" * 501])) == "bad_text"
    assert await client.refused("safety_plan.save", based_on=0, plan=plan(coping=[" "])) == "bad_text"
    assert await client.refused("safety_plan.save", based_on=0, plan=plan(coping=["x"] * 21)) == "bad_frame"
    assert await client.refused("safety_plan.save", based_on=0, plan={"coping": None}) == "bad_frame"
    assert await client.refused("safety_plan.save", based_on=0) == "bad_frame"
    assert await state_of(client, "safety_plan.save", based_on=1, plan=FIRST) == {"version": 0}
    assert (await client.ok("safety_plan.get"))["version"] == 0


# --- suitability ------------------------------------------------------------------------------------------------------

ANSWERS: dict[str, Any] = {
    "harm": {"kind": "choice", "chosen": ["plan"]},
    "safe_at_home": {"kind": "choice", "chosen": ["safe"]},
    "private_place": {"kind": "choice", "chosen": ["has_one"]},
    "writing": {"kind": "rating", "rating": 2},
    "senses": {"kind": "choice", "chosen": ["no_such"]},
    "substances": {"kind": "rating", "rating": 0},
}


async def test_what_is_advised_is_for_the_therapist_alone(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    form = (await client.ok("suitability.get"))["form"]
    assert {question["id"] for question in form["questions"]} >= set(ANSWERS)
    await client.ok("suitability.answer", version=form["version"], answers=ANSWERS)
    heard = await therapist.until("suitability.answered")
    assert heard["answers"] == ANSWERS
    seen = await therapist.ok("suitability.get")
    assert [one["id"] for one in seen["advice"]] == ["plan_of_harm", "hard_to_write"]  # the important first
    mine = await client.ok("suitability.get")
    assert mine["answered"]["answers"] == ANSWERS
    listed = await client.ok("record.list")
    again = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": 0}])
    await again.until_late("suitability.answered")
    for told in (mine, listed, *client.seen, *again.seen):
        assert "advice" not in str(told)
        assert "plan_of_harm" not in str(told)
    await client.post("and nobody is turned away by it")


async def test_answers_must_fit_their_questions(pair: Pair) -> None:
    client, therapist = pair

    async def reason(**changed: Any) -> tuple[str, Any]:
        answers = {name: given for name, given in {**ANSWERS, **changed}.items() if given is not None}
        frame = await client.ask("suitability.answer", version=1, answers=answers)
        return frame["code"], frame["details"]

    bad = "bad_answer"
    assert await reason(harm=None) == (bad, {"question": "harm", "reason": "required"})
    assert await reason(harm={"kind": "choice", "chosen": ["no"]}) == (bad, {"question": "harm", "reason": "option"})
    assert await reason(writing={"kind": "rating", "rating": 11}) == (bad, {"question": "writing", "reason": "range"})
    assert await reason(writing={"kind": "text", "text": "well"}) == (bad, {"question": "writing", "reason": "kind"})
    assert await reason(nothing={"kind": "text", "text": "x"}) == (bad, {"question": "nothing", "reason": "unknown"})
    stale = await client.ask("suitability.answer", version=2, answers=ANSWERS)
    assert (stale["code"], stale["details"]) == ("stale_form", {"version": 1})
    assert await therapist.refused("suitability.answer", version=1, answers=ANSWERS) == "forbidden"
    assert "answered" not in await therapist.ok("suitability.get")


async def test_the_newest_answers_stand(pair: Pair) -> None:
    client, therapist = pair
    await client.ok("suitability.answer", version=1, answers=ANSWERS)
    better = {**ANSWERS, "harm": {"kind": "choice", "chosen": ["never"]}, "writing": {"kind": "rating", "rating": 9}}
    record = new()
    first = await client.ok("suitability.answer", version=1, answers=better, record=record)
    assert (await client.ok("suitability.answer", version=1, answers=better, record=record))["n"] == first["n"]
    assert await client.refused("suitability.answer", version=1, answers=ANSWERS, record=record) == "conflict"
    assert (await therapist.ok("suitability.get"))["advice"] == []
