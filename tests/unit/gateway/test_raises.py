"""What a room knows of raises: told before they are recorded, open until they are seen."""

import asyncio
import time
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from services.gateway.handlers.raises import STANDS_S, Raises, UnderWay
from shared.contracts.features.safety import SafetyAlerted, SafetyChangedFact, SafetyRaisedFact
from shared.contracts.frames.values import OpenRaise
from shared.contracts.ids import new_id, rfc3339

ID, CLIENT, LATER = new_id(), new_id(), "2026-03-02T09:25:30.250Z"
AT = rfc3339(datetime.fromtimestamp(time.time(), UTC))
ALERT = SafetyAlerted(conversation=new_id(), record=ID, sender=CLIENT, at=AT, text="now")
RAISED = SafetyRaisedFact(n=1, record=ID, sender=CLIENT, at=LATER, raised_at=AT)
OPEN = OpenRaise(raised=ID, sender=CLIENT, at=AT)


def changed(kind: str) -> SafetyChangedFact:
    return SafetyChangedFact.model_validate(
        {"n": 2, "record": new_id(), "sender": CLIENT, "at": LATER, "kind": kind, "raised": ID}
    )


def test_an_alert_stands_until_its_record() -> None:
    raises = Raises(alerts={ID: ALERT})
    assert raises.value() == [OPEN]
    raises.take(RAISED)
    assert raises.alerts == {}
    assert raises.value() == [OPEN]


def test_an_alert_whose_gateway_may_be_dead_stands_for_a_day() -> None:
    long_ago = rfc3339(datetime.fromtimestamp(time.time() - STANDS_S - 1, UTC))
    raises = Raises(alerts={ID: ALERT.model_copy(update={"at": long_ago})})
    assert raises.value() is None
    assert raises.alerts == {}


def test_ones_own_that_stand_are_counted_once_and_the_newest_is_first() -> None:
    older = OpenRaise(raised=new_id(), sender=CLIENT, at="2026-01-02T09:25:30.250Z")
    others = OpenRaise(raised=new_id(), sender=new_id(), at=AT)
    raises = Raises(open={older.raised: older, others.raised: others}, alerts={ID: ALERT})
    raises.under_way[ID] = Mock(frame=ALERT)
    assert raises.standing(CLIENT) == [OPEN, older]


def test_a_raise_stands_until_it_is_seen() -> None:
    raises = Raises()
    assert raises.value() is None
    raises.take(RAISED)
    raises.take(changed("safety.escalated"))
    assert raises.value() == [OPEN.model_copy(update={"escalated_at": LATER})]
    raises.take(changed("safety.acknowledged"))
    assert raises.value() is None
    raises.take(changed("safety.escalated"))  # read again, in order, after an attachment told the end
    assert raises.value() is None


@pytest.mark.parametrize("by_attachment", [False, True])
async def test_who_tries_on_hears_that_it_is_recorded(by_attachment: bool) -> None:
    under_way = UnderWay(Mock(), ALERT, asyncio.get_running_loop().create_future())
    raises = Raises(under_way={ID: under_way})
    if by_attachment:
        raises.attached([OPEN])
    else:
        raises.take(RAISED)
    assert under_way.recorded.is_set()
