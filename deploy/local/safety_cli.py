"""`./unsaid safety`: check crisis resources and questions before they are put where the gateway reads them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.home import REPO
from deploy.local.progress import say
from shared.contracts.exercises import Written
from shared.contracts.safety_data import Resources, Suitability
from shared.exercises.loading import BrokenDefinition, schema_of
from shared.safety import library

OWN = REPO / "services" / "gateway" / "safety"
SCHEMAS: dict[str, type[Written]] = {"resources.schema.json": Resources, "suitability.schema.json": Suitability}

app = typer.Typer(help="Crisis resources and questions of suitability as files: docs/safety.md.", no_args_is_help=True)


@app.command()
def check(
    tenants: Annotated[Path | None, typer.Argument(help="A folder of tenants, as UNSAID_SAFETY names one.")] = None,
) -> None:
    """Say what is wrong, of the platform's own and of tenants': file, line and reason. Exit status 1 if anything is."""
    try:
        found = library.own(OWN)
    except BrokenDefinition as broken:
        print(broken)
        raise typer.Exit(1) from None
    if tenants is not None:
        library.add_tenants(found, tenants)
    for one in found.broken:
        print(one)
    say(f"{len(found.tenants)} tenants with data of their own, {len({one.file for one in found.broken})} files broken")
    if found.broken:
        raise typer.Exit(1)


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="resources or suitability")]) -> None:
    """Print the JSON schema of a file, for an editor."""
    found = SCHEMAS.get(f"{kind}.schema.json")
    if found is None:
        raise typer.BadParameter("resources or suitability")
    print(json.dumps(schema_of(found), indent=2))
