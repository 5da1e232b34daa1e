"""The gateway as it is, but that sending a message or saving a note fails with the text in the exception."""

from services.gateway.app import main
from services.gateway.handlers import messages, notes
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.hub import Hub
from services.gateway.handlers.room import Room
from shared.contracts.frames import client


def send(hub: Hub, room: Room, connection: Connection, frame: client.MessageSend) -> None:
    raise RuntimeError(f"{frame!r} {frame.text}")


async def save(hub: Hub, room: Room, connection: Connection, frame: client.NoteSave) -> int:
    raise ExceptionGroup(frame.text, [RuntimeError(frame.text)])


if __name__ == "__main__":
    messages.send = send
    notes.save = save
    main()
