"""Folders of safety's data: the platform's own, and one for each tenant, whose files take the place of its own."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from shared.contracts.ids import UUID_PATTERN
from shared.contracts.safety_data import Resources, Suitability
from shared.exercises.loading import Broken, BrokenDefinition, bytes_of, load_as
from shared.safety import crisis, suitability

RESOURCES = "resources.yaml"
SUITABILITY = "suitability.yaml"


@dataclass(frozen=True, slots=True)
class SafetyData:
    """What somebody of a tenant is shown and asked."""

    resources: Resources
    suitability: Suitability


@dataclass(slots=True)
class Library:
    """By tenant what it has of its own, and what the others have; and what is wrong with files, which are left out."""

    everybody: SafetyData
    tenants: dict[str, SafetyData] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def of(self, tenant: str) -> SafetyData:
        return self.tenants.get(tenant, self.everybody)


def read_resources(path: Path) -> Resources:
    """Raises `BrokenDefinition`."""
    return load_as(Resources, crisis.faults, bytes_of(path), str(path))


def read_suitability(path: Path) -> Suitability:
    """Raises `BrokenDefinition`."""
    return load_as(Suitability, suitability.faults, bytes_of(path), str(path))


def own(folder: Path) -> Library:
    """The platform's own. Raises `BrokenDefinition`."""
    return Library(SafetyData(read_resources(folder / RESOURCES), read_suitability(folder / SUITABILITY)))


def add_tenants(library: Library, folder: Path) -> None:
    """A folder for each tenant, named for its id; a file that is broken is left out, and told. Raises OSError."""
    for path in sorted(one for one in folder.iterdir() if not one.name.startswith(".")):
        if not path.is_dir() or re.match(UUID_PATTERN, path.name) is None:
            library.broken.append(Broken(str(path), 1, "a folder here is named for the id of its tenant"))
            continue
        data = library.everybody
        for file in sorted(one for one in path.iterdir() if not one.name.startswith(".")):
            try:
                data = _with(data, file)
            except BrokenDefinition as broken:
                library.broken += broken.broken
        library.tenants[path.name] = data


def _with(data: SafetyData, file: Path) -> SafetyData:
    """Raises `BrokenDefinition`."""
    match file.name:
        case "resources.yaml":
            return replace(data, resources=read_resources(file))
        case "suitability.yaml":
            return replace(data, suitability=read_suitability(file))
        case _:
            raise BrokenDefinition([Broken(str(file), 1, f"a file here is {RESOURCES} or {SUITABILITY}")])
