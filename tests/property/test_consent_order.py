"""Decisions in any order, and what is told of them in any order: everybody ends with the same."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain import decisions as domain
from services.consent.domain.decisions import Decision, Standing
from services.consent.domain.forms import EVERYBODY, Form
from services.gateway.handlers.room import Room
from shared.contracts.consent_commands import Decide
from shared.contracts.errors import Code, Refused
from shared.contracts.frames.values import ConsentValue
from shared.contracts.ids import new_id

WHO, WHERE, TENANT = new_id(), new_id(), new_id()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FORM = Form(EVERYBODY, "live_text", 1, "en", "t", "t", "0" * 64)


def command(*, grant: bool, if_epoch: int | None, expires_at: str | None = None) -> Decide:
    return Decide(
        tenant=TENANT,
        replyto="gateway.1",
        conversation=WHERE,
        participant=WHO,
        purpose="live_text",
        grant=grant,
        decision=new_id(),
        version=1 if grant else None,
        sha256=FORM.sha256 if grant else None,
        if_epoch=if_epoch if grant else None,
        via="device",
        device="d",
        expires_at=expires_at,
    )


def decide_all(commands: list[Decide]) -> list[Decision]:
    """Those that were recorded, in their order."""
    made: list[Decision] = []
    for n, one in enumerate(commands):
        current = made[-1] if made else None
        now = BEGIN + timedelta(seconds=n)
        try:
            found = domain.decide(current, FORM if one.grant else None, one, 1, now)
        except Refused as refused:
            if refused.code is not Code.STALE_EPOCH:
                raise
            continue
        if found is not current:
            made.append(found)
    return made


def standing(d: Decision) -> Standing:
    return Standing(d.participant, d.purpose, d.grant, d.epoch, d.expires_at)


wishes = st.lists(st.tuples(st.booleans(), st.integers(0, 4) | st.none()), min_size=1, max_size=8)


def room() -> Room:
    sealer: Any = Mock()
    return Room(WHERE, TENANT, "consent.0", sealer)


@given(wishes, st.randoms(use_true_random=False))
def test_in_whichever_order_gateways_hear_of_decisions_they_end_the_same(
    asked: list[tuple[bool, int | None]], random: Any
) -> None:
    made = decide_all([command(grant=grant, if_epoch=epoch) for grant, epoch in asked])
    told = [ConsentValue(state=d.state, epoch=d.epoch) for d in made]
    heard = told + [random.choice(told) for _ in told] if told else []  # some come twice
    random.shuffle(heard)
    one = room()
    for value in heard:
        one.learn(WHO, "live_text", value)
    assert one.consents.get(WHO, {}).get("live_text") == (told[-1] if told else None)


@given(st.booleans())
def test_a_grant_and_a_withdrawal_in_the_same_instant_end_withdrawn(first: bool) -> None:
    """Both decided on the same epoch, on which the consent was in force: whoever comes first, it is withdrawn."""
    before = command(grant=True, if_epoch=0)
    again = command(grant=True, if_epoch=1, expires_at="2027-01-01T00:00:00Z")
    withdrawal = command(grant=False, if_epoch=None)
    both = [again, withdrawal] if first else [withdrawal, again]
    assert decide_all([before, *both])[-1].state == "withdrawn"


@given(wishes)
def test_what_was_in_force_at_each_moment_is_the_decision_before_it(asked: list[tuple[bool, int | None]]) -> None:
    made = decide_all([command(grant=grant, if_epoch=epoch) for grant, epoch in asked])
    assert [d.epoch for d in made] == list(range(1, len(made) + 1))
    for d in made:
        assert standing(d).state_at(d.at) == d.state


@given(st.integers(-5, 5))
def test_a_grant_is_in_force_until_it_ends_and_not_at_that_moment(seconds: int) -> None:
    ends = BEGIN + timedelta(seconds=10)
    (granted,) = decide_all([command(grant=True, if_epoch=0, expires_at=ends.isoformat())])
    wanted = "granted" if seconds < 0 else "withdrawn"
    assert standing(granted).state_at(ends + timedelta(seconds=seconds)) == wanted
