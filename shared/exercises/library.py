"""Folders of definitions: ``EXERCISE/VERSION.yaml``, the platform's own; and a folder of those for each tenant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.contracts.exercises import Definition
from shared.contracts.ids import UUID_PATTERN
from shared.exercises.loading import Broken, BrokenDefinition, read

SUFFIX = ".yaml"


@dataclass(slots=True)
class Shelf:
    """What a folder holds: definitions by file, and what is wrong with the others."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)


def shelf(folder: Path) -> Shelf:
    """All definitions of a folder. A file that is broken, or isn't named for what is in it, is left out and told."""
    found = Shelf()
    for path in sorted(folder.glob("*/*")):
        if path.name.startswith("."):
            continue
        try:
            definition = read(path)
        except BrokenDefinition as broken:
            found.broken += broken.broken
            continue
        expected = f"{definition.exercise}/{definition.version}{SUFFIX}"
        if f"{path.parent.name}/{path.name}" != expected:
            found.broken.append(Broken(str(path), 1, f"this file's name must be {expected}"))
        else:
            found.definitions[str(path)] = definition
    return found


def tenants(folder: Path, own: Mapping[str, Definition]) -> dict[str, Shelf]:
    """By tenant, whose id names the folder. None may take the name of one of the platform's ``own``."""
    names = {definition.exercise for definition in own.values()}
    found: dict[str, Shelf] = {}
    for path in sorted(one for one in folder.iterdir() if not one.name.startswith(".")):
        if not path.is_dir() or re.match(UUID_PATTERN, path.name) is None or not path.name.strip("0-"):
            found[path.name] = Shelf(broken=[Broken(str(path), 1, "a folder here is named for the id of its tenant")])
            continue
        found[path.name] = shelf(path)
        for file, definition in list(found[path.name].definitions.items()):
            if definition.exercise in names:
                reason = f"'{definition.exercise}' is the name of one of the platform's own"
                found[path.name].broken.append(Broken(file, 1, reason))
                del found[path.name].definitions[file]
    return found
