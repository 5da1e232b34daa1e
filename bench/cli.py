"""The verbs under `./unsaid bench`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.consent_log import measure_consent_log
from bench.counselling import report
from bench.exercises import measure_exercises
from bench.idle import measure_idle
from bench.in_force import measure_in_force
from bench.live import LiveSide, ObscuredSide
from bench.measure import Wish, Without, bench
from bench.pacing import measure_pacing
from bench.platform import UnsaidSide
from bench.seals import measure_seals
from bench.timeline import measure_timeline
from bench.withdrawal import measure_withdrawals

RATES = (200.0, 500.0, 800.0)
LIVE_RATES = (2_000.0,)
CLIMB, LIVE_CLIMB = 250.0, 1_000.0
"""Steps upward, a second."""

BESIDE = typer.Option(help="Measure it, too, with the same load.")

app = typer.Typer(no_args_is_help=True, help="Measure speed and cost, on a platform of its own that is then forgotten.")


@app.command()
def messages(
    rate: Annotated[
        list[float] | None, typer.Option(min=1, help="Messages a second; may be repeated. Then nothing above is tried.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long each rate is measured.")] = 10.0,
    pairs: Annotated[int, typer.Option(min=1, max=1000, help="Conversations; each has two connections.")] = 20,
    runs: Annotated[int, typer.Option(min=1, max=50, help="Runs of each rate; the one of median cost is told.")] = 1,
    peer: Annotated[Literal["ejabberd"] | None, BESIDE] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Memory before and after 100,000 messages.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Also without pacing and emoji, and what they add.")] = False,
    unsealed: Annotated[bool, typer.Option("--unsealed", help="Also without encryption, and what that adds.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Where the CPU goes, at the highest given rate.")] = False,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """Messages, each committed before its `ok`; without --rate also the most that a core sustains."""
    rates = tuple(sorted(rate or RATES))
    climb = 0.0 if rate else CLIMB
    without: tuple[Without, ...] = (*(["plain"] if plain else ()), *(["unsealed"] if unsealed else ()))
    bench(Wish(rates, climb, seconds, pairs, runs, peer, memory, profile, json, without=without), UnsaidSide)


@app.command()
def live(
    rate: Annotated[
        list[float] | None, typer.Option(min=1, help="Frames a second over all connections; may be repeated.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long each rate is measured.")] = 10.0,
    pairs: Annotated[int, typer.Option(min=1, max=1000, help="Conversations; each has two connections.")] = 100,
    runs: Annotated[int, typer.Option(min=1, max=50, help="Runs of each rate; the one of median cost is told.")] = 1,
    gateways: Annotated[int, typer.Option(min=1, max=2, help="With two, every frame crosses between them.")] = 1,
    peer: Annotated[Literal["ejabberd", "relay"] | None, BESIDE] = None,
    climb: Annotated[bool, typer.Option("--climb", help="Also the most that a core sustains.")] = False,
    obscure: Annotated[bool, typer.Option("--obscure", help="Frames of one size, one a tick and connection.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Where the CPU goes, at the highest given rate.")] = False,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """Live text under consent, which nothing stores: from one writer's frame to its reader."""
    rates = tuple(sorted(rate or LIVE_RATES))
    wish = Wish(
        rates,
        climb=LIVE_CLIMB if climb else 0.0,
        seconds=seconds,
        pairs=pairs,
        runs=runs,
        peer=peer,
        memory=False,
        profile=profile,
        json=json,
        gateways=gateways,
    )
    bench(wish, ObscuredSide if obscure else LiveSide)


@app.command(name="withdrawal")
def withdrawals(
    rounds: Annotated[int, typer.Option(min=1, max=10_000, help="Withdrawals of each kind.")] = 50,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """From a withdrawal to the last frame that any reader gets, seen from outside, on two gateways."""
    measure_withdrawals(rounds, json)


@app.command(name="in-force")
def in_force(
    conversations: Annotated[int, typer.Option(min=1, max=100_000, help="Conversations of one tenant.")] = 1_000,
    decisions: Annotated[int, typer.Option(min=1, max=100, help="Decisions of each person on each purpose.")] = 5,
    asks: Annotated[int, typer.Option(min=100, max=1_000_000, help="How often each is asked.")] = 5_000,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """What is in force, asked in the consent service: now, and at a moment in the past."""
    measure_in_force(conversations, decisions, asks, json)


@app.command(name="consent-log")
def consent_logs(
    entries: Annotated[int, typer.Option(min=1, max=100_000_000, help="Decisions in the log.")] = 1_000_000,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """`./unsaid consent verify` on an export of made-up decisions: a tenth of them, then all."""
    measure_consent_log(entries, json)


@app.command()
def pacing(
    messages: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="In the conversation.")] = 50_000,
    asks: Annotated[int, typer.Option(min=100, max=100_000, help="How often each is asked.")] = 1_000,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """`pacing.get` and `pacing.series` in a long conversation, through the gateway."""
    measure_pacing(messages, asks, json)


@app.command()
def counselling(
    data: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="AnnoMI, as ../shared/data has it.")],
    picture: Annotated[Path | None, typer.Option(dir_okay=False, help="Draw the plot into this SVG file.")] = None,
) -> None:
    """Pacing's figures of real counselling, of high and of low quality."""
    report(data, picture)


@app.command()
def idle(
    connections: Annotated[int, typer.Option(min=2, max=18_000, help="Connections, two a conversation.")] = 10_000,
    drafts: Annotated[int, typer.Option(min=0, max=18_000, help="How many of them open a draft.")] = 1_000,
    seconds: Annotated[float, typer.Option(min=30, max=3_600, help="How long nothing is said.")] = 600.0,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """Many connections that say nothing, at one gateway: memory, heartbeats, CPU."""
    measure_idle(connections, drafts, seconds, json)


@app.command()
def exercises(
    messages: Annotated[int, typer.Option(min=1_000, max=10_000_000, help="Messages of the conversation.")] = 50_000,
    asks: Annotated[int, typer.Option(min=100, max=100_000, help="How often each is asked.")] = 1_000,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """`exercise.series` in a long conversation, from a client's question to its answer."""
    measure_exercises(messages, asks, json)


@app.command()
def timeline(
    messages: Annotated[int, typer.Option(min=1_000, max=10_000_000, help="Messages of the conversation.")] = 50_000,
    asks: Annotated[int, typer.Option(min=100, max=100_000, help="How often each is asked.")] = 1_000,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all figures to this file.")] = None,
) -> None:
    """`symbol.timeline` in a long conversation, from a client's question to its answer."""
    measure_timeline(messages, asks, json)


@app.command()
def seals() -> None:
    """What encryption adds to a message: CPU only, in one process."""
    measure_seals()
