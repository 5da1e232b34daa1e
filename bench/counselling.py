"""What pacing shows of real counselling: AnnoMI's sessions, counted as the platform counts messages."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median, quantiles
from xml.sax.saxutils import escape

from rich.console import Console
from rich.table import Table

from services.gateway.domain import words
from services.session.domain.pacing import Said, Tally, grow, ratios
from shared.contracts.ids import Role

NAMES = {
    "share": "therapist's share of words",
    "longest_run": "therapist's longest run, words",
    "turns": "turns of the therapist",
    "reflections_to_questions": "reflections to questions",
    "open_to_all_questions": "open to all questions",
    "complex_to_all_reflections": "complex to all reflections",
}
DRAWN = ("share", "reflections_to_questions", "open_to_all_questions", "complex_to_all_reflections")
QUALITIES = ("high", "low")
BANDS = {"reflections_to_questions": (1.0, 2.0), "complex_to_all_reflections": (0.4, 0.5)}
"""MITI's: fair (basic), good (proficient)."""


@dataclass(frozen=True)
class Session:
    quality: str
    figures: dict[str, float | None]


def _session(rows: Sequence[dict[str, str]]) -> Session:
    tally = Tally()
    said = []
    for seq, row in enumerate(rows, start=1):
        who: Role = "therapist" if row["interlocutor"] == "therapist" else "client"
        mark = row["intervention"] or None
        said.append(Said(seq, seq, who, 0, words.count(row["utterance_text"]), mark))  # type: ignore[arg-type]
    grow(tally, said)
    therapist = tally.sides["therapist"]
    spoken = sum(side.words for side in tally.sides.values())
    figures: dict[str, float | None] = {
        "share": therapist.words / spoken if spoken else None,
        "longest_run": therapist.longest_run,
        "turns": therapist.turns,
        **ratios(therapist.interventions).model_dump(),
    }
    return Session(rows[0]["mi_quality"], figures)


def read(data: Path) -> list[Session]:
    with data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [_session(list(own)) for _, own in groupby(rows, key=lambda row: row["transcript_id"])]


def _of(sessions: Sequence[Session], quality: str, figure: str) -> list[float]:
    found = (s.figures[figure] for s in sessions if s.quality == quality)
    return sorted(value for value in found if value is not None)


def report(data: Path, picture: Path | None) -> None:
    """Print medians and quartiles of high- and low-quality sessions; draw each session, if wished."""
    sessions = read(data)
    table = Table("median (quartiles)", *(f"{q} quality" for q in QUALITIES), box=None)
    for figure, name in NAMES.items():
        cells = []
        for quality in QUALITIES:
            own = _of(sessions, quality, figure)
            low, _, high = quantiles(own, n=4, method="inclusive")
            cells.append(f"{median(own):.2f} ({low:.2f} to {high:.2f}), {len(own)} sessions")
        table.add_row(name, *cells)
    Console(highlight=False, width=140).print(table)
    if picture:
        picture.write_text(_svg(sessions), encoding="utf-8")


# --- the plot -------------------------------------------------------------------------------------------------------

WIDE, HIGH, LEFT, TOP = 150, 220, 60, 46
COLOURS = {"high": "#2a6f5e", "low": "#b4532a"}


def _svg(sessions: Sequence[Session]) -> str:
    """One panel for each figure: a dot for each session, its quality's median as a line, MITI's bands dashed."""
    width = LEFT + len(DRAWN) * (WIDE + LEFT)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HIGH + TOP + 50}" '
        'font-family="sans-serif" font-size="11" role="img" '
        'aria-label="Pacing of counselling sessions of high and low quality">'
    )
    parts = [head, '<rect width="100%" height="100%" fill="white"/>']
    for index, figure in enumerate(DRAWN):
        parts += _panel(sessions, figure, LEFT + index * (WIDE + LEFT))
    return "\n".join([*parts, "</svg>", ""])


def _panel(sessions: Sequence[Session], figure: str, x: float) -> list[str]:
    most = 1.0 if figure != "reflections_to_questions" else 4.0

    def y(value: float) -> float:
        return TOP + HIGH * (1 - min(value, most) / most)

    parts = [f'<text x="{x}" y="{TOP - 20}" font-weight="bold">{escape(NAMES[figure])}</text>']
    for step in range(5):
        value = most * step / 4
        parts.append(f'<line x1="{x}" x2="{x + WIDE}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 6}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#555">{value:g}</text>')
    for band in BANDS.get(figure, ()):
        line = f'<line x1="{x}" x2="{x + WIDE}" y1="{y(band):.1f}" y2="{y(band):.1f}" '
        parts += [line + 'stroke="#777" stroke-dasharray="4 3"/>']
    for place, quality in enumerate(QUALITIES):
        own = _of(sessions, quality, figure)
        middle, colour = x + WIDE * (0.28 + 0.44 * place), COLOURS[quality]
        for number, value in enumerate(own):  # side by side, so that equal ones don't hide each other
            spread = ((number * 7) % 11 - 5) * 4
            parts.append(
                f'<circle cx="{middle + spread:.1f}" cy="{y(value):.1f}" r="3" fill="{colour}" fill-opacity="0.5"/>'
            )
        mid = y(median(own))
        parts.append(
            f'<line x1="{middle - 28:.1f}" x2="{middle + 28:.1f}" y1="{mid:.1f}" y2="{mid:.1f}" '
            f'stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(
            f'<text x="{middle:.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{quality} quality ({len(own)})</text>'
        )
    return parts
