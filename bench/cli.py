"""The verbs under `./unsaid bench`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.live import LiveSide
from bench.measure import Wish, bench
from bench.platform import UnsaidSide
from bench.withdrawal import measure_withdrawals

RATES = (200.0, 500.0, 800.0)
LIVE_RATES = (2_000.0,)

app = typer.Typer(no_args_is_help=True, help="Measure speed and cost, on a platform of its own that is then forgotten.")


@app.command()
def messages(
    rate: Annotated[
        list[float] | None, typer.Option(min=1, help="Messages a second; may be repeated. Then nothing above is tried.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long each rate is measured.")] = 10.0,
    pairs: Annotated[int, typer.Option(min=1, max=1000, help="Conversations; each has two connections.")] = 20,
    runs: Annotated[int, typer.Option(min=1, max=50, help="Runs of each rate; the one of median cost is told.")] = 1,
    peer: Annotated[Literal["ejabberd"] | None, typer.Option(help="Measure it, too, with the same load.")] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Memory before and after 100,000 messages.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Where the CPU goes, at the highest given rate.")] = False,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """Messages, each committed before its `ok`; without --rate also the most that a core sustains."""
    rates = tuple(sorted(rate or RATES))
    bench(Wish(rates, not rate, seconds, pairs, runs, peer == "ejabberd", memory, profile, json), UnsaidSide)


@app.command()
def live(
    rate: Annotated[
        list[float] | None, typer.Option(min=1, help="Frames a second over all connections; may be repeated.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long each rate is measured.")] = 10.0,
    pairs: Annotated[int, typer.Option(min=1, max=1000, help="Conversations; each has two connections.")] = 100,
    runs: Annotated[int, typer.Option(min=1, max=50, help="Runs of each rate; the one of median cost is told.")] = 1,
    gateways: Annotated[int, typer.Option(min=1, max=2, help="With two, every frame crosses between them.")] = 1,
    profile: Annotated[bool, typer.Option("--profile", help="Where the CPU goes, at the highest given rate.")] = False,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """Live text under consent, which nothing stores: from one writer's frame to its reader."""
    rates = tuple(sorted(rate or LIVE_RATES))
    wish = Wish(
        rates,
        climb=False,
        seconds=seconds,
        pairs=pairs,
        runs=runs,
        peer=False,
        memory=False,
        profile=profile,
        json=json,
        gateways=gateways,
    )
    bench(wish, LiveSide)


@app.command(name="withdrawal")
def withdrawals(
    rounds: Annotated[int, typer.Option(min=1, max=10_000, help="Withdrawals of each kind.")] = 50,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """From a withdrawal to the last frame that any reader gets, seen from outside, on two gateways."""
    measure_withdrawals(rounds, json)
