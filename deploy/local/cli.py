"""The verbs of `./unsaid`."""

import asyncio
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from bench.cli import app as bench
from deploy.local import (
    consent_cli,
    deadletters_cli,
    demo,
    doctor,
    exercises_cli,
    keys_cli,
    packages,
    requeue,
    safety_cli,
    switch,
)
from deploy.local import up as platform
from deploy.local.another import another_gateway
from deploy.local.home import PARTS, QUEUE_SERVICES, REPO, Home, Part
from deploy.local.progress import say, step
from deploy.local.replay import main as replay_file
from deploy.local.supervision import PartStatus, Supervisor
from deploy.local.trouble import Trouble, from_os_error

INTERRUPTED = 130

app = typer.Typer(
    name="unsaid",
    help="Unsaid on this machine: therapy by instant message, with live text under consent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bench, name="bench")
app.add_typer(deadletters_cli.app, name="deadletters")
app.add_typer(consent_cli.app, name="consent")
app.add_typer(keys_cli.app, name="keys")
app.add_typer(exercises_cli.app, name="exercises")
app.add_typer(safety_cli.app, name="safety")


def _part(name: str) -> Part:
    part = next((part for part in PARTS if part == name), None)
    if part is None:
        raise typer.BadParameter(f"{name} is none of {', '.join(PARTS)}")
    return part


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready, and leave it running.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Start this part only; may be repeated.", hidden=True)
    ] = None,
) -> None:
    """Start the whole platform and print two links, one for each side of a demo conversation."""
    home = Home.from_environment()
    parts = tuple(_part(name) for name in only) if only else PARTS
    mine = not Supervisor(home).alive()
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.default_int_handler)
    try:
        state = platform.up(home, parts)
        if "gateway" in parts:
            _print_links(demo.links(state))
        if mine and not detach:
            _wait(home)
    except KeyboardInterrupt:
        if mine:
            _down_undisturbed(home)
        raise typer.Exit(INTERRUPTED if detach else 0) from None
    except (Trouble, OSError):
        if mine and not detach:
            _down_undisturbed(home)
        raise


def _print_links(links: list[demo.Link]) -> None:
    """The links are all that goes to standard output; each is one line, however narrow the terminal."""
    say("Unsaid is ready. Open each link in a window of its own:")
    for link in links:
        print(f"{link.role:<9} {link.url}", flush=True)


def _wait(home: Home) -> None:
    """Until Ctrl-C, or until somebody else stops it."""
    say("Ctrl-C stops it; what was said is kept.")
    supervisor = Supervisor(home)
    while supervisor.alive():
        time.sleep(1)


def _down_undisturbed(home: Home) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    platform.down(home)


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Forget everything that was said, too.")] = False,
) -> None:
    """Stop the platform; the next `up` finds everything that was said."""
    platform.down(Home.from_environment(), wipe=wipe)


@app.command()
def status() -> None:
    """Say which parts run, since when, and how often each was restarted. Its exit status is 1 if one doesn't."""
    supervisor = Supervisor(Home.from_environment())
    if not supervisor.alive():
        say("Unsaid isn't running; start it with `./unsaid up`.")
        raise typer.Exit(1)
    table = Table("part", "state", "pid", "uptime", "restarts", box=None)
    parts = supervisor.parts()
    for part in parts:
        state = "not started" if part.state == "STOPPED" else part.state.lower()
        table.add_row(part.name, state, str(part.pid or "-"), _uptime(part), str(part.restarts))
    Console().print(table)
    if any(part.failing for part in parts):
        raise typer.Exit(1)


def _uptime(part: PartStatus) -> str:
    minutes, seconds = divmod(part.uptime_s, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if part.pid else "-"


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PARTS)}.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on as more is written.")] = False,
) -> None:
    """Print what a part has logged lately."""
    path = Home.from_environment().log(_part(name))
    if not path.exists():
        raise Trouble(f"{name} has logged nothing yet", "start it with `./unsaid up`")
    _become(["tail", "-n", "200", *(["-F"] if follow else []), str(path)])


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    epilog="All else goes to pytest: `./unsaid test tests/unit -k consent`.",
)
def test(context: typer.Context) -> None:
    """Run the tests."""
    if not context.args or any("e2e" in argument for argument in context.args):
        packages.want_chromium()
    os.chdir(REPO)
    _become([sys.executable, "-m", "pytest", *context.args])


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
    options_metavar="[--seed N] [--row NAME ...] [--list]",
)
def chaos(context: typer.Context) -> None:
    """Break a platform of its own in every way, under load, and see that nothing is lost, doubled or reordered."""
    packages.need_rabbitmq()
    os.chdir(REPO)
    _become([sys.executable, "-m", "tests.chaos", *context.args])


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="`.jsonl` or `.csv`.")],
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How many times life's pace.")] = 20.0,
    gateways: Annotated[int, typer.Option(min=1, max=2, help="With two, the reader is at another gateway.")] = 1,
) -> None:
    """Play recorded typing (.jsonl) or talks (.csv) through the running platform, and compare what arrives.

    Typing: one object a line, {"ops": [[wait_ms, "i", pos, text] | [wait_ms, "d", pos, count]], "text"}.
    Talks: columns transcript_id, interlocutor (client or therapist) and utterance_text.
    """
    home = Home.from_environment()
    with ExitStack() as stack:
        other = None
        if gateways > 1 and home.state is not None and Supervisor(home).alive():
            with step("starting a second gateway"):
                other = stack.enter_context(another_gateway(home.state)).url
        with step(f"playing {file.name} at {speed:g} times life's pace"):
            report = asyncio.run(replay_file(home.local, file, speed, other))
    print(report.line())
    if report.different:
        raise Trouble("the reader saw another text than the author", "see `./unsaid logs gateway`")


@app.command(name="live")
def switch_live(
    to: Annotated[Literal["on", "off"], typer.Argument(help="`off` stops it at once; `on` lets people switch it on.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="This tenant's only, by name.")] = None,
) -> None:
    """Switch live text off, or on again, for one tenant or everywhere. Nobody's own switch is put on by it."""
    switch.switch_live(Home.from_environment(), tenant, on=to == "on")
    say(f"Live text is {to} {'everywhere' if tenant is None else f'for {tenant}'}.")


@app.command(name="pacing")
def offer_prompts(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.")],
    share: Annotated[float, typer.Option("--share", min=0, max=1, help="Of the last 200 words; 0.65 at first.")],
) -> None:
    """Above which share of the words a tenant's therapists are offered Socratic prompts."""
    switch.offer_prompts(Home.from_environment(), tenant, share)
    say(f"Prompts are offered above {share:.0%}.")


@app.command(name="requeue")
def change_queues(
    queues: Annotated[int, typer.Option("--queues", min=1, max=1024, help="How many from now on.")],
    service: Annotated[str, typer.Option("--service", help=f"One of {', '.join(QUEUE_SERVICES)}.")] = "session",
) -> None:
    """Change a service's number of command queues. Clients are cut off for some seconds, and nothing is lost.

    Interrupted, it is finished by running it again, or by `./unsaid up`.
    """
    known = next((each for each in QUEUE_SERVICES if each == service), None)
    if known is None:
        raise typer.BadParameter(f"{service} is none of {', '.join(QUEUE_SERVICES)}")
    requeue.requeue(Home.from_environment(), known, queues)


@app.command(name="doctor")
def examine() -> None:
    """Look for what is missing or in the way, and say how to mend it. Its exit status is 1 if something must be."""
    console = Console(highlight=False)
    findings = doctor.examine(Home.from_environment())
    for finding in findings:
        sign = "[green]ok  [/]" if finding.fine else "[red]bad [/]" if finding.needed else "[yellow]note[/]"
        console.print(f"{sign} {finding.what}", soft_wrap=True)
        if not finding.fine:
            console.print(f"     → {finding.mend}", soft_wrap=True, markup=False)
    if any(finding.needed and not finding.fine for finding in findings):
        raise typer.Exit(1)


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606 - nothing is left to do here


def main() -> None:
    try:
        app(prog_name="./unsaid")
    except Trouble as trouble:
        _tell(trouble)
    except OSError as error:
        _tell(from_os_error(error))


def _tell(trouble: Trouble) -> NoReturn:
    say(f"unsaid: {trouble.what}\n        {trouble.mend}")
    sys.exit(1)


if __name__ == "__main__":
    main()
