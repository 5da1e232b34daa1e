"""Who may tell a gateway what: by the exchange that a message came through, which only its service may write to.

What is said of consents decides whether live text is shown, so nobody but the consent service says it.
"""

from functools import cache

from shared.contracts import consent_events
from shared.contracts import events as e
from shared.contracts.records import Notice
from shared.runtime.broker.topology import LIVE, SERVICES, events_exchange

_PEERS = (e.PeerState, e.PeerTyping, e.PeerDrafts, e.PeerResync, e.PeerAlive, e.PeerWithdrawn)
_NOTES = (e.NoteSaved, e.NotesListed)
_ANY = (e.Done, e.CommandRefused)
"""Answers of each service, to a command whose id nobody else knows."""


def may_tell(exchange: str, message: e.AnyGatewayMessage) -> bool:
    """Whether who writes to this exchange may say this."""
    return exchange in exchanges(type(message))


@cache
def exchanges(kind: type[e.AnyGatewayMessage]) -> frozenset[str]:
    """Where messages of this kind come from."""
    if issubclass(kind, _PEERS):
        return frozenset({LIVE})
    if issubclass(kind, _ANY):
        return frozenset(map(events_exchange, SERVICES))
    if issubclass(kind, _NOTES):
        return frozenset({events_exchange("notes")})
    if kind.__module__ == consent_events.__name__:
        return frozenset({events_exchange("consent")})
    session = events_exchange("session")
    return frozenset({session, LIVE} if issubclass(kind, Notice) else {session})
