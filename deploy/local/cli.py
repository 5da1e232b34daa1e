"""The verbs of `./unsaid`."""

import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import up as platform
from deploy.local.home import PARTS, REPO, Home, Part
from deploy.local.progress import console, say
from deploy.local.supervision import PartStatus, Supervisor
from deploy.local.trouble import Trouble, from_os_error

app = typer.Typer(
    name="unsaid",
    help="Unsaid on this machine: therapy by instant message, with live text under consent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _part(name: str) -> Part:
    part = next((part for part in PARTS if part == name), None)
    if part is None:
        raise typer.BadParameter(f"{name} is none of {', '.join(PARTS)}")
    return part


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready, and leave it running.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Start only this part (repeatable).", hidden=True)
    ] = None,
) -> None:
    """Start the whole platform and print two links, one for each side of a demo conversation."""
    home = Home.from_environment()
    was_alive = Supervisor(home).alive()
    parts = tuple(_part(name) for name in only) if only else PARTS
    platform.up(home, parts)
    if detach or was_alive:
        return
    _wait(home)


def _wait(home: Home) -> None:
    """Until Ctrl-C, or until somebody else stops it."""
    say("Ctrl-C stops it; what was said is kept.")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, stop)
    supervisor = Supervisor(home)
    try:
        while supervisor.alive():
            time.sleep(1)
    except KeyboardInterrupt:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, signal.SIG_IGN)
        platform.down(home, wipe=False)


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Forget everything that was said, too.")] = False,
) -> None:
    """Stop the platform; the next `up` finds everything that was said."""
    platform.down(Home.from_environment(), wipe=wipe)


@app.command()
def status() -> None:
    """Say which parts run, since when, and how often each was restarted. The status is 0 when all of them run."""
    home = Home.from_environment()
    supervisor = Supervisor(home)
    if not supervisor.alive():
        say("Unsaid isn't running; start it with `./unsaid up`.")
        raise typer.Exit(1)
    parts = supervisor.parts()
    table = Table("part", "state", "pid", "uptime", "restarts", box=None)
    for part in parts:
        table.add_row(part.name, part.state.lower(), str(part.pid or "-"), _uptime(part), str(part.restarts))
    Console().print(table)
    if not all(part.running for part in parts):
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
    if follow:
        os.execvp("tail", ["tail", "-n", "100", "-F", str(path)])  # noqa: S606, S607
    subprocess.run(["tail", "-n", "200", str(path)], check=False)  # noqa: S607


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def test(context: typer.Context) -> None:
    """Run the tests; what follows goes to pytest."""
    os.chdir(REPO)
    command = [sys.executable, "-m", "pytest", *context.args]
    os.execv(command[0], command)  # noqa: S606


def main() -> None:
    try:
        app()
    except Trouble as trouble:
        _tell(trouble)
    except OSError as error:
        _tell(from_os_error(error))


def _tell(trouble: Trouble) -> None:
    console.print(f"unsaid: {trouble.what}", markup=False, soft_wrap=True)
    console.print(f"        {trouble.mend}", markup=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
