"""Which exercises are offered: those of the files, each version as it was when it was seen first.

A version that runs somewhere stays, though its file is gone. One that says something else now is refused.
"""

from collections.abc import Mapping

from services.session.store.exercises import Exercises
from shared.contracts.exercises import Definition
from shared.exercises.library import Shelf
from shared.exercises.loading import Broken


async def offer(exercises: Exercises, shelves: Mapping[str, Shelf]) -> list[Broken]:
    """Offer what is on the shelves, by tenant, and nothing else. Returns what is refused here or was before."""
    await exercises.lock_definitions()
    before = await exercises.bodies()
    await exercises.withdraw_all()
    refused: list[Broken] = []
    for tenant, found in shelves.items():
        refused += found.broken
        for file, definition in found.definitions.items():
            known = before.get((tenant, definition.exercise, definition.version))
            if known is not None and Definition.model_validate_json(known) != definition:
                refused.append(
                    Broken(file, 1, f"version {definition.version} said something else before: number it anew")
                )
                await exercises.offer(tenant, Definition.model_validate_json(known))
            else:
                await exercises.offer(tenant, definition)
    return refused
