"""What somebody who sees the wire learns of what is typed: from obscured traffic nothing, from the other kind a lot.

A classifier is trained on the gaps between frames of the first half of a stretch, to tell typing from pauses, and tried
on the second half. Real typing is played (`../shared/data/typing-fr.jsonl`). `./unsaid test -k eavesdropper
--log-cli-level=info` says what it reaches.
"""

import asyncio
import json
import logging
import math
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, fmean, pstdev

import pytest

from deploy.local.home import REPO
from tests.support.obscuring import TEXT, Pace, Seen, eavesdropped
from tests.support.participants import Conversation, Participant
from tests.support.platform import Platform

DATA = REPO.parent / "shared" / "data" / "typing-fr.jsonl"
log = logging.getLogger(__name__)

LASTS_S = 60.0
OPEN_LASTS_S = 30.0
WINDOW_S = 1.0
STEP_S = 0.25
Op = list[object]


def typing(path: Path) -> Iterator[tuple[float, Op]]:
    """Pauses (s, the long ones cut) and operations, one text after another."""
    for line in path.read_text().splitlines():
        for op in json.loads(line)["ops"]:
            yield min(op[0] / 1_000, 3.0), op


class Author:
    """Plays real typing through a connection, and remembers when a key was hit."""

    def __init__(self, who: Participant, pace: Pace | None, lasts_s: float) -> None:
        self._who = who
        self._pace = pace
        self._lasts_s = lasts_s
        self.keys: list[float] = []

    async def play(self) -> None:
        loop = asyncio.get_running_loop()
        begin, draft, rev = loop.time(), str(uuid.uuid4()), 0
        for pause, op in typing(DATA):
            await asyncio.sleep(pause)
            if loop.time() - begin > self._lasts_s:
                return
            if op[2] == 0 and rev and op[1] == "i":  # another text begins
                draft, rev = str(uuid.uuid4()), 0
            rev += 1
            frame = {"draft": draft, "rev": rev, "ops": [op]}
            if self._pace is None:
                await self._who.say("live.edit", **frame)
            else:
                self._pace.send("live.edit", **frame)
            self.keys.append(loop.time())


def windows(seen: list[Seen], keys: list[float]) -> list[tuple[list[float], bool]]:
    """What is seen of each moment, and whether there was typing in it: the gaps' mean, spread and number."""
    begin, end = seen[0].at, seen[-1].at
    found: list[tuple[list[float], bool]] = []
    at = begin
    while at + WINDOW_S < end:
        moments = [one.at for one in seen if at <= one.at < at + WINDOW_S]
        gaps = [b - a for a, b in pairwise(moments)] or [WINDOW_S]
        features = [fmean(gaps), pstdev(gaps), float(len(moments))]
        found.append((features, any(at <= key < at + WINDOW_S for key in keys)))
        at += STEP_S
    return found


def balanced_accuracy(seen: list[Seen], keys: list[float]) -> tuple[float, int]:
    """Of naive Bayes with normal densities, trained on the first half; and how many windows it was tried on."""
    found = windows(seen, keys)
    half = len(found) // 2
    train, test = found[:half], found[half + int(WINDOW_S / STEP_S) :]
    model: dict[bool, list[NormalDist]] = {}
    for label in (False, True):
        rows = [features for features, typed in train if typed is label]
        model[label] = [NormalDist(fmean(column), pstdev(column) + 1e-4) for column in zip(*rows, strict=True)]

    def judged(features: list[float]) -> bool:
        scores = {
            label: sum(math.log(max(d.pdf(x), 1e-300)) for d, x in zip(densities, features, strict=True))
            for label, densities in model.items()
        }
        return scores[True] > scores[False]

    rates = []
    for label in (False, True):
        rows = [features for features, typed in test if typed is label]
        rates.append(sum(judged(features) is label for features in rows) / len(rows))
    log.info(
        "%d frames, %d windows: typing %.0f %%, pauses %.0f %% right",
        len(seen),
        len(test),
        *(100 * r for r in rates[::-1]),
    )
    return fmean(rates), len(test)


async def captured(
    talk: Conversation, platform: Platform, *, obscure: bool
) -> tuple[list[Seen], list[Seen], list[float]]:
    """What goes up from the author and down to the reader while real typing is played; and when a key was hit."""
    port = int(platform.gateway.rsplit(":", 1)[1])
    async with eavesdropped(port) as authors, eavesdropped(port) as readers:
        author, reader = [
            await talk.arrive(await talk.token(who), f"http://127.0.0.1:{wire.port}", obscure=obscure)
            for who, wire in ((talk.client, authors), (talk.therapist, readers))
        ]
        await author.consent("live_text")
        await author.ok("live.toggle", on=True)
        paces = [Pace(one) for one in (author, reader)] if obscure else []
        await reader.until("live.changed", on=True)
        if obscure:
            await reader.until("live.pad")
        await asyncio.sleep(1)  # the stretch itself is looked at, not its beginning
        authors.up.clear()
        readers.down.clear()
        playing = Author(author, *((paces[0], LASTS_S) if obscure else (None, OPEN_LASTS_S)))
        await playing.play()
        up, down = list(authors.up), list(readers.down)
        for pace in paces:
            pace.stop()
        await talk.leave()
    return up, down, playing.keys


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real typing isn't here")


@needs_data
@pytest.mark.timeout(180)
async def test_obscured_traffic_tells_nothing(talk: Conversation, platform: Platform) -> None:
    up, down, keys = await captured(talk, platform, obscure=True)
    for seen in (up, down):
        assert {one.size for one in seen} == {1024}
        assert {one.opcode for one in seen} == {TEXT}
        assert len(seen) == pytest.approx(LASTS_S * 10, rel=0.05)
        accuracy, number = balanced_accuracy(seen, keys)
        # Windows overlap fourfold, so a quarter of them are of their own; three standard errors of a coin's.
        assert accuracy < 0.5 + 3 * math.sqrt(0.25 / (number * STEP_S / WINDOW_S))


@needs_data
@pytest.mark.timeout(180)
async def test_the_same_classifier_reads_what_is_not_obscured(talk: Conversation, platform: Platform) -> None:
    up, down, keys = await captured(talk, platform, obscure=False)
    for seen in (up, down):
        assert balanced_accuracy(seen, keys)[0] > 0.85
