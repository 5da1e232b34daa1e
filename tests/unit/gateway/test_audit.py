"""The audit trail: what is noted is written, however long that takes, and counted as often as it was asked for."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from services.gateway.handlers import audit as module
from services.gateway.handlers import consents
from services.gateway.handlers.audit import Audit
from services.gateway.handlers.messages import SendWaiter
from services.gateway.store import Refusal
from shared.contracts.errors import Code, Erased, KeyGone, Refused, Unavailable
from shared.contracts.frames import client
from shared.contracts.ids import new_id

TENANT, CONVERSATION, PERSON = new_id(), new_id(), new_id()


class Store:
    """Fails as it is told, one flush after the other."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.meanwhile: Callable[[], object] = bool
        self.written: list[Refusal] = []

    async def add_refusals(self, several: Sequence[Refusal]) -> None:
        self.meanwhile()
        if self._failures:
            raise self._failures.pop(0)
        self.written += several


def trail(*failures: Exception) -> tuple[Any, Store]:
    store: Any = Store(*failures)
    return Audit(store), store


def note(audit: Audit, asked: str = "history") -> None:
    audit.note(Refused(Code.ERASED), TENANT, CONVERSATION, PERSON, asked)


async def test_what_could_not_be_written_is_counted_on() -> None:
    audit, store = trail(Unavailable("postgres"), Unavailable("postgres"))
    note(audit)
    note(audit)
    store.meanwhile = lambda: note(audit)  # while it is being written
    await audit.flush()
    store.meanwhile = lambda: note(audit, "consent.grant")
    await audit.flush()
    store.meanwhile = bool
    await audit.flush()
    found = {one.asked.what: one for one in store.written}
    assert {what: one.times for what, one in found.items()} == {"history": 3, "consent.grant": 1}
    assert found["history"].first < found["history"].last <= found["consent.grant"].first


async def test_an_error_of_any_kind_neither_loses_it_nor_ends_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.001)
    audit, store = trail(PermissionError("not yet"), ValueError("a"))
    note(audit)
    keeping = asyncio.create_task(audit.keep())
    async with asyncio.timeout(5):
        while not store.written:  # noqa: ASYNC110 - as a store, it doesn't tell
            await asyncio.sleep(0.001)
    keeping.cancel()
    assert [one.times for one in store.written] == [1]


@pytest.mark.parametrize("refused", [Erased(), KeyGone(1), Unavailable("keys")])
async def test_a_message_that_is_refused_on_its_way_is_noted(refused: Refused) -> None:
    audit, store = trail()
    hub: Any = SimpleNamespace(audit=audit)
    connection: Any = SimpleNamespace(claims=SimpleNamespace(tenant=TENANT, sub=PERSON), send=lambda _: None)
    frame = client.MessageSend(type="message.send", conversation=CONVERSATION, message=new_id(), text="a")
    SendWaiter(hub, connection, frame).failed(refused)
    await audit.flush()
    (one,) = store.written
    asked = one.asked
    assert (asked.tenant, asked.conversation, asked.participant) == (TENANT, CONVERSATION, PERSON)
    assert (asked.what, asked.code) == ("message.send", refused.code)


async def test_a_withdrawal_that_is_refused_at_last_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consents, "RETRY_S", (0.0,))
    audit, store = trail()

    async def ask(*_: object) -> None:
        raise Erased

    hub: Any = SimpleNamespace(audit=audit, address="gateway.x", requests=SimpleNamespace(ask=ask))
    room: Any = SimpleNamespace(id=CONVERSATION, tenant=TENANT, consent_queue="c", withdrawn=set(), unkept=set())
    command: Any = SimpleNamespace(
        participant=PERSON, purpose="live_text", via="device", model_copy=lambda update: update
    )
    await consents._keep_trying(hub, room, command)
    await audit.flush()
    assert [(one.asked.what, one.asked.code) for one in store.written] == [("consent.withdraw", Code.ERASED)]
