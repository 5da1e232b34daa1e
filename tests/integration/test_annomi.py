"""Real counselling goes through the platform, and its figures are those that somebody else counts from the file.

`../shared/data/annomi.csv`: 67 sessions, an expert's marks. `./unsaid test -k annomi`
"""

import asyncio
import csv
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from deploy.local.home import REPO
from tests.support.pacing import figures, words
from tests.support.participants import Conversation, Frame, Participant, Partner

DATA = REPO.parent / "shared" / "data" / "annomi.csv"
CONVERSATIONS = 16
"""Talked through side by side; the sessions of each one after another."""

Utterance = dict[str, Any]


def transcripts() -> list[list[Utterance]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        rows: list[Utterance] = list(csv.DictReader(file))
    for row, own in zip(rows, words([row["utterance_text"] for row in rows]), strict=True):
        row["words"] = len(own)
    return [list(several) for _, several in groupby(rows, key=lambda row: row["transcript_id"])]


async def speak(pair: tuple[Participant, Participant], utterance: Utterance) -> Frame:
    """An utterance as a message, marked as the expert did; as an independent count wants it."""
    client, therapist = pair
    who = therapist if utterance["interlocutor"] == "therapist" else client
    message = str(uuid.uuid4())
    sent = await who.ok("message.send", message=message, text=utterance["utterance_text"])
    said = {"from": utterance["interlocutor"], "at": sent["at"], "words": utterance["words"]}
    if utterance["intervention"]:
        await therapist.ok("message.mark", message=message, intervention=utterance["intervention"])
        said["intervention"] = utterance["intervention"]
    return said


def by_id(talk: Conversation, frame: Frame) -> Frame:
    """A frame's figures, by role."""
    names = {talk.client: "client", talk.therapist: "therapist"}
    return {
        "participants": {names[who]: told for who, told in frame["participants"].items()},
        "ratios": frame["ratios"],
    }


async def through(talk: Conversation, sessions: Sequence[list[Utterance]]) -> None:
    """Talk these sessions through, and compare each of them, and the whole."""
    pair = client, therapist = await talk.both()
    for one in pair:
        await one.consent("informed_consent")
    whole: list[Frame] = []
    for utterances in sessions:
        session = (await therapist.ok("session.start"))["session"]
        said = [await speak(pair, utterance) for utterance in utterances]
        await therapist.ok("session.end")
        told = by_id(talk, await client.ok("pacing.get", session=session))
        assert told == figures(said, "client", "therapist"), utterances[0]["transcript_id"]
        whole += said
    assert by_id(talk, await client.ok("pacing.get")) == figures(whole, "client", "therapist")
    series = (await client.ok("pacing.series", limit=100))["sessions"]
    assert len(series) == len(sessions)


@pytest.mark.skipif(not DATA.exists(), reason="the sessions of ../shared/data/annomi.csv aren't there")
@pytest.mark.timeout(400)
async def test_whole_sessions_give_exactly_the_figures_of_an_independent_count(partner: Partner) -> None:
    sessions = transcripts()
    talks = [await partner.conversation() for _ in range(CONVERSATIONS)]
    try:
        async with asyncio.TaskGroup() as group:
            for index, talk in enumerate(talks):
                group.create_task(through(talk, sessions[index::CONVERSATIONS]))
    finally:
        for talk in talks:
            await talk.leave()
