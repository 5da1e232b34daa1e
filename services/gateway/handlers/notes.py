"""Progress notes of the therapist: sealed here, kept by the notes service."""

from services.gateway.egress.fitting import fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.room import Room
from shared.contracts.commands import ListNotes, SaveNote
from shared.contracts.contents import NoteContent
from shared.contracts.events import NoteSaved, NotesListed, StoredNote
from shared.contracts.frames import client, server
from shared.contracts.frames.values import NoteValue
from shared.contracts.keys import note as record
from shared.contracts.keys import progress_notes_key
from shared.contracts.text import NOTE_MAX
from shared.runtime.sealing import DataKey


async def save(hub: Hub, room: Room, connection: Connection, frame: client.NoteSave) -> int:
    """The note's new version. Raises `Refused`: ``bad_text``, ``conflict``."""
    check_text(frame.text, NOTE_MAX)
    key = await hub.keys.of(progress_notes_key(room.tenant, room.id))
    command = SaveNote(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        author=connection.participant,
        note=frame.note,
        format=frame.format,
        version=frame.version,
        fingerprint=key.fingerprint(connection.participant, frame.note, frame.format, frame.text),
        content=key.seal(record(frame.note), NoteContent(text=frame.text).model_dump_json().encode()),
    )
    return (await hub.requests.ask(hub.notes_queue(room.id), command, NoteSaved)).version


async def listed(hub: Hub, room: Room, connection: Connection, ref: str) -> server.Ok:
    """The therapist's notes, ascending; the newest ones where not all of them fit a frame."""
    command = ListNotes(tenant=room.tenant, replyto=hub.address, conversation=room.id, author=connection.participant)
    reply = await hub.requests.ask(hub.notes_queue(room.id), command, NotesListed)
    key = await hub.keys.of(progress_notes_key(room.tenant, room.id))
    notes = fit(_value(key, stored) for stored in reversed(reply.notes))
    return server.Ok(ref=ref, notes=notes[::-1])


def _value(key: DataKey, stored: StoredNote) -> NoteValue:
    text = NoteContent.model_validate_json(key.open(record(stored.note), stored.content)).text
    return NoteValue(
        note=stored.note, version=stored.version, format=stored.format, text=text, author=stored.author, at=stored.at
    )
