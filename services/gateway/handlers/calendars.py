"""The address of somebody's feed of appointments in one conversation.

It is made of the conversation's key and the client's id for it, so that the same request is told the same address; only
a hash of it is kept. Erasing the conversation, or its key, leaves nothing that the feed could be read from.
"""

import hashlib
from typing import TYPE_CHECKING

from services.gateway.errors import wrong_state
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.records import Feature
from shared.contracts.features import calendars as c
from shared.contracts.frames import server

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def _open(hub: "Hub", room: "Room", connection: Connection, frame: c.CalendarOpen, ref: str) -> c.CalendarOk:
    """Raises `Refused` (``wrong_state``): the address of this id was revoked, and stays so."""
    token = room.key().fingerprint("calendar", connection.participant, frame.record)
    opened = await hub.feeds.open_feed(digest(token), room.tenant, room.id, connection.participant)
    if not opened:
        raise wrong_state("revoked")
    return c.CalendarOk(ref=ref, url=f"{hub.settings.public_url.rstrip('/')}/v1/calendar/{token}.ics")


async def _revoke(hub: "Hub", room: "Room", connection: Connection, _: c.CalendarRevoke, ref: str) -> server.Ok:
    await hub.feeds.revoke_feeds(room.tenant, room.id, connection.participant)
    return server.Ok(ref=ref)


FEATURE = Feature(answers={c.CalendarOpen: _open, c.CalendarRevoke: _revoke})
