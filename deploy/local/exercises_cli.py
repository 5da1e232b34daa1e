"""`./unsaid exercises`: check definitions before they are put where the session service reads them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.home import REPO
from deploy.local.progress import say
from shared.exercises import library
from shared.exercises.library import Shelf
from shared.exercises.loading import BrokenDefinition, read, schema

OWN = REPO / "services" / "session" / "exercises"

app = typer.Typer(help="Exercises as files: docs/exercises.md.", no_args_is_help=True)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders of tenants as UNSAID_EXERCISES names one; else the platform's own."),
    ] = None,
) -> None:
    """Say what is wrong with definitions: file, line and reason. Its exit status is 1 if anything is."""
    own = library.shelf(OWN)
    shelves = [shelf for path in paths for shelf in _shelves(path, own)] if paths else [own]
    broken = [one for shelf in shelves for one in shelf.broken]
    for one in broken:
        print(one)
    say(f"{sum(len(shelf.definitions) for shelf in shelves)} sound, {len({one.file for one in broken})} broken")
    if broken:
        raise typer.Exit(1)


def _shelves(path: Path, own: Shelf) -> list[Shelf]:
    if path.is_dir():
        return list(library.tenants(path, own.definitions).values())
    try:
        return [Shelf(definitions={str(path): read(path)})]
    except BrokenDefinition as error:
        return [Shelf(broken=error.broken)]


@app.command(name="schema")
def print_schema() -> None:
    """Print the JSON schema of definitions, for an editor."""
    print(json.dumps(schema(), indent=2))
