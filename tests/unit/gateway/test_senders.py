"""Only its own service tells a gateway what is the service's to tell."""

from typing import get_args

import pytest

from services.gateway.ingress.senders import exchanges, may_tell
from shared.contracts import events as e
from shared.contracts.consent_events import ConsentChanged, Decided, Probed
from shared.contracts.records import Notice
from shared.runtime.broker.topology import LIVE, SERVICES, events_exchange

SESSION, CONSENT, NOTES = map(events_exchange, SERVICES)


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        (ConsentChanged, {CONSENT}),
        (Decided, {CONSENT}),
        (Probed, {CONSENT}),
        (e.Recorded, {SESSION}),
        (e.ConversationErased, {SESSION}),
        (e.NotesListed, {NOTES}),
        (e.CommandRefused, {SESSION, CONSENT, NOTES}),
        (e.PeerDrafts, {LIVE}),
        (e.PeerWithdrawn, {LIVE}),
    ],
)
def test_who_tells_what(kind: type[e.AnyGatewayMessage], who: set[str]) -> None:
    assert exchanges(kind) == who


def test_the_exchange_decides() -> None:
    alive = e.PeerAlive(gateway="gateway.a")
    assert [may_tell(each, alive) for each in (LIVE, SESSION, "session.commands", "")] == [True, False, False, False]


def test_everything_has_somebody_who_tells_it() -> None:
    kinds = get_args(e.AnyGatewayMessage)
    assert len(kinds) > 30
    for kind in kinds:
        assert exchanges(kind) <= {SESSION, CONSENT, NOTES, LIVE}
        assert (LIVE in exchanges(kind)) == (kind.__name__.startswith("Peer") or issubclass(kind, Notice))
