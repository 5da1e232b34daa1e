"""`./unsaid chaos`: break the platform row by row, under load, and compare the account."""

import argparse
import asyncio
import secrets
import sys

import uvloop

from tests.chaos.rows import ROWS, Result, Row, play
from tests.chaos.stage import stage


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./unsaid chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat the load of another run")
    parser.add_argument("--row", action="append", metavar="NAME", help="only this row; may be repeated")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    return parser.parse_args()


def _wanted(names: list[str] | None) -> list[Row]:
    by_name = {row.name: row for row in ROWS}
    unknown = [name for name in names or () if name not in by_name]
    if unknown:
        sys.exit(f"unsaid: there is no row {unknown[0]}\n        see `./unsaid chaos --list`")
    return [by_name[name] for name in names] if names else list(ROWS)


def _tell(result: Result) -> None:
    load = result.load
    print(
        f"{result.row.name}: lost / doubled / gaps / reordered / changed = {load.verdict.numbers}; "
        f"{load.attempted} attempted, {load.acknowledged} acknowledged, {load.count('unavailable')} refused and retried, "
        f"{load.read_back} read back, {load.count('reconnects')} reconnects, {load.count('resets')} resets; "
        f"well again after {result.well_s:.1f} s; {result.took_s:.0f} s in all",
        flush=True,
    )
    for note in result.notes:
        print(f"    {note}", flush=True)
    for reason in load.verdict.reasons():
        print(f"    ✗ {reason}", flush=True)


async def _run(rows: list[Row], seed: int) -> list[Result]:
    results = []
    async with stage() as one:
        for row in rows:
            if (why := row.missing()) is not None:
                print(f"{row.name}: left out, {why}", flush=True)
                continue
            results.append(await play(one, row, seed))
            _tell(results[-1])
    return results


def main() -> None:
    arguments = _arguments()
    if arguments.list:
        for row in ROWS:
            print(f"{row.name:<22} {row.broken}: {row.how}; {row.healed}")
        return
    rows = _wanted(arguments.row)
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1_000_000)
    print(f"seed {seed}", flush=True)
    results = uvloop.run(_run(rows, seed))
    if not all(result.load.verdict.zero for result in results):
        sys.exit(1)


main()
