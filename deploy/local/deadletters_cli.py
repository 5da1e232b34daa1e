"""`./unsaid deadletters`: what couldn't be handled. Never shows what people wrote."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import deadletters
from deploy.local.home import Home, State
from deploy.local.progress import say
from deploy.local.trouble import Trouble

app = typer.Typer(help="What couldn't be handled: look at it, put it back, or drop it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]


def _state() -> State:
    state = Home.from_environment().state
    if state is None:
        raise Trouble("there is no platform here", "start one with `./unsaid up`")
    return state


@app.command(name="list")
def listed() -> None:
    """Service, type, reason, time and size of each; never its content."""
    letters = asyncio.run(deadletters.read(_state()))
    if not letters:
        say("There are no dead letters.")
        return
    table = Table("id", "service", "type", "reason", "put aside", "bytes", box=None)
    for letter in letters:
        size = str(len(letter.message.body))
        table.add_row(letter.id, letter.service, letter.types, letter.reason, letter.at, size)
    Console(width=160).print(table)


@app.command()
def show(wanted: Id) -> None:
    """The envelope of one, without its content."""
    letter = asyncio.run(deadletters.show(_state(), wanted))
    print(json.dumps(letter.without_content(), indent=1))


@app.command()
def replay(wanted: Id) -> None:
    """Put one back on its command queue. Grants of consent are never replayed."""
    count = asyncio.run(deadletters.replay(_state(), wanted))
    say(f"{wanted} is put back: {count} command{'s' if count > 1 else ''}.")


@app.command()
def drop(wanted: Id) -> None:
    """Remove one for ever."""
    asyncio.run(deadletters.drop(_state(), wanted))
    say(f"{wanted} is dropped.")
