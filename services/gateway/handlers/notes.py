"""Progress notes of the therapist: sealed here, kept by the notes service."""

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.messages import FRAME_BYTES, check_text
from services.gateway.handlers.room import Room
from shared.contracts.commands import ListNotes, SaveNote
from shared.contracts.contents import NoteContent
from shared.contracts.events import NoteSaved, NotesListed
from shared.contracts.frames import client, server
from shared.contracts.frames.values import NoteValue
from shared.contracts.keys import note as record
from shared.contracts.keys import progress_notes_key
from shared.contracts.text import NOTE_MAX


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
    notes: list[NoteValue] = []
    size = 0
    for stored in reversed(reply.notes):
        text = NoteContent.model_validate_json(key.open(record(stored.note), stored.content)).text
        note = NoteValue(
            note=stored.note,
            version=stored.version,
            format=stored.format,
            text=text,
            author=stored.author,
            at=stored.at,
        )
        size += len(note.model_dump_json().encode()) + 1
        if notes and size > FRAME_BYTES:
            break
        notes.append(note)
    return server.Ok(ref=ref, notes=notes[::-1])
