"""Drafts of progress notes: the therapist's alone to write and to read."""

from base64 import b64encode

from services.notes import errors, metrics
from services.notes.domain.notes import version_after
from services.notes.store import Store
from shared.contracts.commands import ListNotes, SaveNote
from shared.contracts.events import NoteSaved, NotesListed, StoredNote
from shared.contracts.ids import rfc3339
from shared.runtime.handler import Tell, answer


async def _require_therapist(store: Store, command: SaveNote | ListNotes) -> None:
    """Raises `Refused`: ``not_found``, ``erased``, ``forbidden``."""
    found = await store.conversation(command.conversation)
    if found is None or found.tenant != command.tenant or command.author not in (found.client, found.therapist):
        raise errors.not_found()
    if found.erased:
        raise errors.erased()
    if command.author != found.therapist:
        raise errors.forbidden()


async def save(store: Store, command: SaveNote) -> list[Tell]:
    await _require_therapist(store, command)
    known = await store.note(command.conversation, command.note)
    version = version_after(known, command)
    if known is None or version != known.version:
        await store.save(command, version)
    metrics.NOTES.labels("repeated" if known is not None and version == known.version else "saved").inc()
    return [answer(command, NoteSaved(causationid=command.id, version=version))]


async def listed(store: Store, command: ListNotes) -> list[Tell]:
    await _require_therapist(store, command)
    notes = [
        StoredNote(
            note=note.id,
            version=note.version,
            format="text",
            author=note.author,
            at=rfc3339(note.at),
            content=b64encode(note.content).decode(),
        )
        for note in await store.notes(command.conversation, command.author)
    ]
    return [answer(command, NotesListed(causationid=command.id, notes=notes))]
