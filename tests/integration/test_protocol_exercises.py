"""Exercises through the real gateway: started by either, answered by the client, seen by both; whatever dies."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_protocol_records import state_of
from tests.support.erasure import caches_expired, erase
from tests.support.exercising import ANSWERS, fitting, insist, new, step_of, through
from tests.support.instances import database
from tests.support.participants import Conversation, Frame, Participant, Partner
from tests.support.platform import Platform, started

Pair = tuple[Participant, Participant]

SAFE_PLACE = ["before", "place", "senses", "body", "word", "stay", "use", "after"]
RATING = ANSWERS["rating"]


async def begun(who: Participant, exercise: str = "safe_place") -> str:
    run = new()
    assert (await who.ok("exercise.start", exercise=exercise, record=run))["record"] == run
    return run


async def test_the_catalogue_has_eight_in_two_languages(pair: Pair) -> None:
    found = await pair[0].ok("exercise.catalog")
    assert not found["more"]
    assert len(found["exercises"]) >= 8
    assert [one["exercise"] for one in found["exercises"]] == sorted(one["exercise"] for one in found["exercises"])
    for one in found["exercises"]:
        assert set(one["title"]) == set(one["about"]) == {"en", "fr"}
        assert not one["own"]
    last = await pair[0].ok("exercise.catalog", after=found["exercises"][-2]["exercise"])
    assert last["exercises"] == found["exercises"][-1:]


async def test_both_see_each_step_and_it_is_finished(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    run = await begun(therapist)
    event = {"conversation": talk.id, "from": talk.therapist, "run": run, "record": run}
    for one in pair:
        assert (await one.until("exercise.started")).items() >= {
            **event,
            "exercise": "safe_place",
            "version": 1,
        }.items()
    assert await through(client, run) == SAFE_PLACE
    for one in pair:
        told = [await one.until("exercise.answered") for _ in SAFE_PLACE]
        assert [frame["step"] for frame in told] == SAFE_PLACE
        assert [frame["next"] for frame in told] == [*SAFE_PLACE[1:], None]
        assert told[1]["answer"] == ANSWERS["text"]
    await therapist.ok("exercise.finish", run=run)
    for one in pair:
        assert (await one.until("exercise.finished"))["run"] == run
    found = await therapist.ok("exercise.get", run=run)
    assert (found["run"]["state"], found["run"]["step"]) == ("finished", None)
    assert [one["step"] for one in found["answers"]] == SAFE_PLACE
    assert found["definition"]["exercise"] == "safe_place"
    later = await therapist.ok("exercise.get", run=run, after=found["answers"][5]["n"])
    assert later["answers"] == found["answers"][6:]


async def test_what_is_answered_decides_what_is_asked(pair: Pair) -> None:
    client = pair[0]
    run = await begun(client)
    await through(client, run, 3)
    await client.ok("exercise.answer", run=run, step="body", answer={"kind": "choice", "chosen": ["worse"]})
    found = await client.ok("exercise.get", run=run)
    assert found["run"]["step"] == "leave"
    assert await through(client, run) == ["leave", "after"]


async def test_it_is_in_the_resume_and_on_another_device(talk: Conversation, pair: Pair) -> None:
    client = pair[0]
    run = await begun(client)
    ok = await client.ok("exercise.answer", run=run, step="before", answer=RATING)
    other = await talk.join(talk.client, resume=[{"conversation": talk.id, "after_n": ok["n"] - 2}])
    assert (await other.until("exercise.started"))["run"] == run
    told = await other.until("exercise.answered")
    assert (told["n"], told["answer"], told["next"]) == (ok["n"], RATING, "place")
    assert await through(other, run, 1) == ["place"]
    records = (await other.ok("record.list", after=ok["n"] - 1))["records"]
    assert [(one["type"], one["step"]) for one in records] == [("exercise.answered", s) for s in ("before", "place")]


async def test_a_pause_keeps_the_place(pair: Pair) -> None:
    client, therapist = pair
    run = await begun(client)
    await through(client, run, 2)
    await therapist.ok("exercise.pause", run=run)
    frame = {"run": run, "step": "senses", "answer": ANSWERS["list"]}
    assert await state_of(client, "exercise.answer", **frame) == {"state": "paused", "step": "senses"}
    assert await state_of(client, "exercise.pause", run=run) == {"state": "paused", "step": "senses"}
    await client.ok("exercise.resume", run=run)
    await client.ok("exercise.answer", **frame)
    assert await state_of(client, "exercise.finish", run=run) == {"state": "running", "step": "body"}
    await client.ok("exercise.stop", run=run)
    assert await state_of(client, "exercise.resume", run=run) == {"state": "stopped", "step": "body"}
    for one in pair:
        kinds = [(await one.where(lambda f: f["type"].startswith("exercise.")))["type"] for _ in range(7)]
        assert kinds == [
            "exercise.started", "exercise.answered", "exercise.answered", "exercise.paused", "exercise.resumed",
            "exercise.answered", "exercise.stopped",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"kind": "text", "text": "seven"}, "kind"),
        ({"kind": "rating", "rating": 11}, "range"),
        ({"kind": "rating", "rating": -1}, "range"),
        ({"kind": "skip"}, "required"),
    ],
)
async def test_an_answer_that_doesnt_fit_is_refused(pair: Pair, answer: Any, reason: str) -> None:
    client, therapist = pair
    run = await begun(client)
    await therapist.until("exercise.started")
    frame = await client.ask("exercise.answer", run=run, step="before", answer=answer)
    assert (frame["code"], frame["details"]) == ("bad_answer", {"step": "before", "reason": reason})
    await therapist.untouched()
    assert (await client.ok("exercise.get", run=run))["answers"] == []


async def test_what_is_wrong_has_a_name_and_no_effect(pair: Pair) -> None:
    client, therapist = pair
    run = await begun(client)
    await therapist.until("exercise.started")
    answer = {"run": run, "step": "before", "answer": RATING}
    assert await therapist.refused("exercise.answer", **answer) == "forbidden"
    assert await client.refused("exercise.answer", **{**answer, "run": new()}) == "not_found"
    assert await client.refused("exercise.answer", **{**answer, "step": "nowhere"}) == "not_found"
    assert await client.refused("exercise.answer", **{**answer, "answer": {"kind": "mood"}}) == "bad_frame"
    assert (
        await client.refused("exercise.answer", **{**answer, "answer": {"kind": "rating", "rating": "7"}})
        == "bad_frame"
    )
    assert await state_of(
        client, "exercise.answer", run=run, step="place", answer=ANSWERS["text"]
    ) == {"state": "running", "step": "before"}  # fmt: skip
    missing = await client.ask("exercise.start", exercise="no_such_thing")
    assert (missing["code"], missing["details"]) == ("not_found", {"field": "exercise"})
    assert await client.refused("exercise.start", exercise="safe_place", version=99) == "not_found"
    assert await client.refused("exercise.start", exercise="Safe Place") == "bad_frame"
    for kind in ("pause", "resume", "finish", "stop", "get"):
        assert await client.refused(f"exercise.{kind}", run=new()) == "not_found"
    await therapist.untouched()


async def test_a_request_has_the_effect_of_once(pair: Pair) -> None:
    client, therapist = pair
    run = await begun(client)
    record = new()
    frame = {"run": run, "step": "before", "answer": RATING, "record": record}
    first = await client.ok("exercise.answer", **frame)
    await through(client, run, 2)
    second = await client.ok("exercise.answer", **frame)
    assert {**first, "ref": ""} == {**second, "ref": ""}
    other = {**frame, "answer": {"kind": "rating", "rating": 8}}
    assert await client.refused("exercise.answer", **other) == "conflict"
    assert await client.refused("exercise.pause", run=run, record=record) == "conflict"
    await therapist.settled()
    told = [f["step"] for f in therapist.seen if f["type"] == "exercise.answered"]
    assert told == ["before", "place", "senses"]


async def test_who_starts_it_knows_it_by_their_own_name(pair: Pair) -> None:
    client, therapist = pair
    run = new()
    ok = await client.ok("exercise.start", run=run, exercise="safe_place")
    assert ok["record"] == run
    assert (await therapist.until("exercise.started"))["run"] == run
    assert (await client.ok("exercise.start", run=run, exercise="safe_place"))["n"] == ok["n"]
    assert await client.refused("exercise.start", run=run, exercise="urge_surfing") == "conflict"


async def test_of_two_answers_in_the_same_instant_one_counts(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    tab = await talk.join(talk.client)
    run = await begun(client)
    answers = await asyncio.gather(
        *(
            who.ask("exercise.answer", run=run, step="before", answer={"kind": "rating", "rating": rating})
            for who, rating in ((client, 3), (tab, 8))
        )
    )
    assert sorted(frame["type"] for frame in answers) == ["error", "ok"]
    refused = next(frame for frame in answers if frame["type"] == "error")
    assert (refused["code"], refused["details"]["state"]) == ("wrong_state", {"state": "running", "step": "place"})
    kept = (await client.ok("exercise.get", run=run))["answers"]
    assert [one["answer"]["rating"] for one in kept] == [3 if answers[0]["type"] == "ok" else 8]
    await therapist.settled()
    assert len([f for f in therapist.seen if f["type"] == "exercise.answered"]) == 1


async def test_runs_are_listed_and_ratings_charted(pair: Pair) -> None:
    client = pair[0]
    runs = []
    for before, after in ((8, 5), (6, 6), (7, None)):
        run = await begun(client)
        runs.append(run)
        await client.ok("exercise.answer", run=run, step="before", answer={"kind": "rating", "rating": before})
        await through(client, run, len(SAFE_PLACE) - 2)
        if after is not None:
            await client.ok("exercise.answer", run=run, step="after", answer={"kind": "rating", "rating": after})
            await client.ok("exercise.finish", run=run)
    await begun(client, "values")
    series = (await pair[1].ok("exercise.series", exercise="safe_place"))["series"]
    assert [(one["run"], one["before"], one["after"], one["state"]) for one in series] == [
        (runs[0], 8, 5, "finished"), (runs[1], 6, 6, "finished"), (runs[2], 7, None, "running"),
    ]  # fmt: skip
    assert (await client.ok("exercise.series", exercise="values"))["series"] == []
    page = await client.ok("exercise.list", limit=2)
    assert ([one["exercise"] for one in page["runs"]], page["more"]) == (["values", "safe_place"], True)
    rest = await client.ok("exercise.list", before=page["runs"][-1]["run"])
    assert ([one["run"] for one in rest["runs"]], rest["more"]) == ([runs[1], runs[0]], False)
    still = await client.ok("exercise.list", open=True)
    assert [one["state"] for one in still["runs"]] == ["running", "running"]


async def test_answers_lie_sealed_and_are_gone_with_the_conversation(
    platform: Platform, talk: Conversation, pair: Pair
) -> None:
    client = pair[0]
    run = await begun(client)
    await through(client, run, 2)
    session = await database(platform, "session")
    rows = await session.fetch("select content, data from event where conversation = $1", talk.id)
    assert not [row for row in rows if b"house by the sea" in (row["content"] or b"") or "sea" in (row["data"] or "")]
    await erase(talk)
    await caches_expired(platform, talk)
    sizes = "select coalesce(sum(octet_length(content)), 0) from event where conversation = $1"
    assert await session.fetchval(sizes, talk.id) == 0
    for table in ("exercise_run", "exercise_answer"):
        assert await session.fetchval(f"select count(*) from {table} where conversation = $1", talk.id) == 0
    await session.close()


# --- a platform of its own: what dies, and tenants' definitions ------------------------------------------------------

OWN = """\
exercise: letting_go
version: {version}
title: {{en: Letting go {version}}}
about: {{en: A small one.}}
rating: {{prompt: {{en: How much}}, low: {{en: none}}, high: {{en: all}}}}
steps:
  - id: {step}
    prompt: {{en: What}}
    answer: {{kind: text}}
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exercises")


@pytest.fixture(scope="module")
def own(shelf: Path) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSAID_EXERCISES", str(shelf))
        with started() as found:
            yield found


async def restarted(platform: Platform) -> None:
    pid = platform.kill("session")
    await platform.until_restarted("session", pid)
    await platform.until_ready("session")


@pytest.mark.timeout(180)
async def test_a_service_killed_between_the_steps_changes_nothing(own: Platform) -> None:
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        client, therapist = await talk.both()
        run = await begun(therapist)
        await insist(client, "exercise.answer", run=run, step="before", answer=RATING)
        for killed_before in ("place", "senses", "body"):
            step = step_of(await client.ok("exercise.get", run=run))
            assert step["id"] == killed_before
            pid = own.kill("session")
            await insist(client, "exercise.answer", run=run, step=step["id"], answer=fitting(step))
            await own.until_restarted("session", pid)
        await own.until_ready("session")
        assert await through(client, run) == SAFE_PLACE[4:]
        await insist(therapist, "exercise.finish", run=run)
        for one in (client, therapist):
            await one.until("exercise.finished")
            told = [f for f in one.seen if f["type"] == "exercise.answered"]
            assert [f["step"] for f in told] == SAFE_PLACE
            assert [f["n"] for f in told] == list(range(told[0]["n"], told[0]["n"] + len(SAFE_PLACE)))
        await talk.leave()


async def _tenant(platform: Platform, talk: Conversation) -> str:
    session = await database(platform, "session")
    tenant = str(await session.fetchval("select tenant from conversation where id = $1", talk.id))
    await session.close()
    return tenant


@pytest.mark.timeout(180)
async def test_a_tenants_own_and_a_run_keeps_its_version(own: Platform, shelf: Path) -> None:
    async with (
        Partner(own.gateway, own.client_id, own.client_secret) as partner,
        Partner(own.gateway, *own.tenant()) as stranger,
    ):
        talk, elsewhere = await partner.conversation(), await stranger.conversation()
        folder = shelf / await _tenant(own, talk) / "letting_go"
        folder.mkdir(parents=True)
        (folder / "1.yaml").write_text(OWN.format(version=1, step="first"))
        (folder / "3.yaml").write_text(OWN.format(version=3, step="first").replace("kind: text", "kind: txt"))
        await restarted(own)
        refused = [line for line in _logged(own) if line["event"] == "exercise_refused"]
        assert [(Path(line["file"]).name, line["line"]) for line in refused] == [("3.yaml", 9)]
        assert "Input tag" in refused[0]["reason"]
        client, _ = await talk.both()
        other, _ = await elsewhere.both()
        mine = [one for one in (await client.ok("exercise.catalog"))["exercises"] if one["own"]]
        assert [(one["exercise"], one["version"]) for one in mine] == [("letting_go", 1)]
        assert not [one for one in (await other.ok("exercise.catalog"))["exercises"] if one["own"]]
        assert await other.refused("exercise.start", exercise="letting_go") == "not_found"
        run = await begun(client, "letting_go")
        await insist(client, "exercise.answer", run=run, step="before", answer=RATING)

        (folder / "1.yaml").unlink()
        (folder / "3.yaml").unlink()
        (folder / "2.yaml").write_text(OWN.format(version=2, step="second"))
        await restarted(own)
        newest = await client.ok("exercise.catalog")
        assert [one["version"] for one in newest["exercises"] if one["own"]] == [2]
        assert await client.refused("exercise.start", exercise="letting_go", version=1) == "not_found"
        assert await through(client, run) == ["first", "after"]
        assert await through(client, await begun(client, "letting_go")) == ["before", "second", "after"]

        (folder / "2.yaml").write_text(OWN.format(version=2, step="changed"))
        await restarted(own)
        told = [line["reason"] for line in _logged(own) if line["event"] == "exercise_refused"]
        assert told[-1] == "version 2 said something else before: number it anew"
        assert await through(client, await begun(client, "letting_go")) == ["before", "second", "after"]
        await talk.leave()
        await elsewhere.leave()


def _logged(platform: Platform) -> list[Frame]:
    lines = (platform.home / "logs" / "session.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
