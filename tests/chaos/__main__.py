"""Break the platform row by row, under load, and compare the clients' own account with what is there afterwards.

A run of all rows writes their table into docs/reliability.md. The exit status is 1 unless every row ends in zeros.
"""

import argparse
import asyncio
import os
import resource
import secrets
import sys
from itertools import groupby

import uvloop

from tests.chaos import report
from tests.chaos.row import Result, Row, play
from tests.chaos.rows import ROWS
from tests.chaos.stage import LOGS
from tests.chaos.stages import stage_of


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./unsaid chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the load of another run again")
    parser.add_argument("--row", action="append", metavar="NAME", help="only this row; may be repeated")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    return parser.parse_args()


def _wanted(names: list[str] | None) -> list[Row]:
    by_name = {row.name: row for row in ROWS}
    unknown = [name for name in names or () if name not in by_name]
    if unknown:
        sys.exit(f"unsaid: there is no row {unknown[0]}\n        `./unsaid chaos --list` says which there are")
    return [by_name[name] for name in names] if names else list(ROWS)


def _say(line: str) -> None:
    print(line, flush=True)


def _tell(result: Result) -> None:
    load = result.load
    _say(f"{result.row.name}: lost / doubled / gaps / reordered / changed = {load.verdict.numbers}")
    _say(
        f"    {load.attempted} attempted, {load.acknowledged} acknowledged, "
        f"{load.count('unavailable')} refused and retried, {load.read_back} read back, "
        f"{load.count('reconnects')} reconnects, {load.count('resets')} resets; "
        f"well again after {result.well_s:.1f} s; {result.took_s:.0f} s in all"
    )
    for note in result.notes:
        _say(f"    {note}")
    for reason in load.verdict.reasons():
        _say(f"    ✗ {reason}")


async def _run(rows: list[Row], seed: int) -> list[Result]:
    results = []
    for kind, several in groupby(rows, key=lambda row: row.stage):
        async with stage_of(kind) as one:
            for row in several:
                results.append(await play(one, row, seed))
                _tell(results[-1])
    return results


def main() -> int:
    arguments = _arguments()
    if arguments.list:
        for row in ROWS:
            _say(f"{row.name:<28} {row.broken}: {row.how}; {row.healed}")
        return 0
    wanted = _wanted(arguments.row)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # of the gateways too, which inherit it
    left_out = [(row.name, why) for row in wanted if (why := row.missing()) is not None]
    for name, why in left_out:
        _say(f"{name}: left out, {why}")
    rows = [row for row in wanted if row.name not in dict(left_out)]
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1_000_000)
    _say(f"seed {seed}")
    results = uvloop.run(_run(rows, seed))
    if not arguments.row:
        report.write(results, left_out, seed)
    if all(result.load.verdict.zero for result in results):
        return 0
    _say(f"not all is well; what the processes logged is in {LOGS}, this run's load comes again with --seed {seed}")
    return 1


def interruptible() -> int:
    try:
        return main()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except BrokenPipeError:  # of `--list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 0


sys.exit(interruptible())
