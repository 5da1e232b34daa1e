"""The table of a full run, written between two marks into docs/reliability.md."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.local.home import REPO
from tests.chaos.row import Result

PAGE = REPO / "docs" / "reliability.md"
BEGIN, END = "<!-- made by ./unsaid chaos: begin -->", "<!-- made by ./unsaid chaos: end -->"
HEAD = (
    (
        "| row | broken | how | healed by | attempted | acknowledged | refused, retried | read back | reconnects | "
        "well again after | lost / doubled / gaps / reordered / changed |"
    ),
    "|---|---|---|---|--:|--:|--:|--:|--:|--:|---|",
)


def _line(result: Result) -> str:
    row, load = result.row, result.load
    numbers = (load.attempted, load.acknowledged, load.count("unavailable"), load.read_back, load.count("reconnects"))
    cells = (f"`{row.name}`", row.broken, row.how, row.healed, *(f"{number:,}" for number in numbers))
    return f"| {' | '.join(cells)} | {result.well_s:.1f} s | {load.verdict.numbers} |"


def write(results: list[Result], left_out: list[tuple[str, str]], seed: int, page: Path = PAGE) -> None:
    """Replace what stands between the marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    when = datetime.now(UTC).date().isoformat()
    lines = [f"Run of {when}, seed {seed}.", "", *HEAD, *(_line(result) for result in results), ""]
    lines += [f"- `{result.row.name}`: {note}." for result in results for note in result.notes]
    lines += [f"- `{name}` was left out: {why}." for name, why in left_out]
    page.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]))
