"""What lies in a gateway's queue: one message that isn't understood takes no other along."""

from unittest.mock import Mock

import pytest

from services.gateway.ingress.broker import Listener
from shared.contracts.events import Done
from shared.contracts.ids import new_id
from shared.runtime.broker.consumer import Delivery

DONE = Done(causationid=new_id())
GOOD = DONE.model_dump_json().encode()


@pytest.mark.parametrize(
    "bad",
    [b'{"type":"gateway.of_a_newer_version","conversation":"x"}', b'{"type":"done"}', b"7"],
    ids=["unknown type", "a member is missing", "no message"],
)
def test_the_others_of_a_batch_go_on(bad: bytes) -> None:
    hub = Mock()
    listener = Listener(hub, Mock(), Mock())
    body = b"[" + GOOD + b"," + bad + b"," + GOOD + b"]"
    listener._handle(Delivery(Mock(), Mock(), 1, body, redelivered=False, exchange="session.events"))
    assert [call.args[0].causationid for call in hub.requests.resolve.call_args_list] == [DONE.causationid] * 2
