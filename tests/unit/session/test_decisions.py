"""The session service's decisions: places in a conversation, messages, sessions."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.domain import sessions
from services.session.domain.heads import Head
from services.session.domain.messages import NO_LEXICON, Decision, Known, Lexicon, Place, Posted, Used, decide
from services.session.domain.sessions import Session
from shared.contracts.commands import EndSession, SendMessage, StartSession
from shared.contracts.errors import Code, Refused
from shared.contracts.ids import new_id

TENANT, CLIENT, THERAPIST, CONVERSATION = new_id(), new_id(), new_id(), new_id()
NOW = datetime(2026, 3, 2, 9, 15, 30, 250_999, tzinfo=UTC)
MS = datetime(2026, 3, 2, 9, 15, 30, 250_000, tzinfo=UTC)


def head(
    last_seq: int = 0, last_n: int = 0, last_at: datetime = MS - timedelta(seconds=1), now: datetime = NOW
) -> Head:
    return Head(CONVERSATION, TENANT, CLIENT, THERAPIST, last_seq, last_n, last_at, now)


def message(text: str = "a", **changes: str | tuple[str, ...] | None) -> SendMessage:
    fields: dict[str, str | tuple[str, ...] | None] = {
        "sender": CLIENT,
        "message": new_id(),
        "in_reply_to": None,
        **changes,
    }
    return SendMessage.model_validate(
        {
            "tenant": TENANT,
            "replyto": "gateway.1",
            "conversation": CONVERSATION,
            "fingerprint": sha256(text.encode()).hexdigest(),
            "content": "",
            **fields,
        }
    )


def decided(
    commands: list[SendMessage],
    at: Head | None = None,
    known: dict[Place, Known] | None = None,
    lexicon: Lexicon = NO_LEXICON,
) -> list[Decision]:
    return decide({CONVERSATION: at or head()}, {} if known is None else known, {CONVERSATION: lexicon}, commands)


def code(decision: Decision) -> Code:
    assert isinstance(decision, Refused)
    return decision.code


# --- heads -----------------------------------------------------------------------------------------------------------


def test_times_are_in_milliseconds() -> None:
    assert head().next_at() == MS


def test_time_never_goes_back_within_a_conversation() -> None:
    ahead = MS + timedelta(hours=1)
    found = head(last_at=ahead)
    assert found.next_at() == ahead
    found.now = ahead + timedelta(milliseconds=1)
    assert found.next_at() == ahead + timedelta(milliseconds=1)


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2, max_size=8))
def test_no_clock_makes_time_go_back(clocks: list[datetime]) -> None:
    found = head(last_at=datetime.min.replace(tzinfo=UTC))
    times = []
    for now in clocks:
        found.now = now
        times.append(found.next_at())
    assert times == sorted(times)
    assert all(moment.microsecond % 1_000 == 0 for moment in times[1:])


def test_a_head_knows_its_two_people() -> None:
    found = head()
    assert found.has(CLIENT)
    assert found.has(THERAPIST)
    assert not found.has(new_id())


# --- messages --------------------------------------------------------------------------------------------------------


def test_messages_of_a_batch_follow_each_other_without_gaps() -> None:
    found = head(last_seq=16, last_n=22)
    posted = decided([message(sender=sender) for sender in (CLIENT, THERAPIST, CLIENT)], found)
    assert [(p.seq, p.n, p.at, p.new) for p in posted if isinstance(p, Posted)] == [
        (17, 23, MS, True),
        (18, 24, MS, True),
        (19, 25, MS, True),
    ]
    assert (found.last_seq, found.last_n) == (19, 25)


def test_the_same_message_again_has_its_first_place() -> None:
    one = message()
    first, again = decided([one, one.model_copy(update={"id": new_id()})])
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert (again.seq, again.n, again.at, again.new) == (first.seq, first.n, first.at, False)
    assert first.new


def test_a_repeat_alone_grows_nothing() -> None:
    one, found = message(), head(last_seq=16, last_n=22)
    known = {(CONVERSATION, one.message): Known(3, 4, MS, one.fingerprint)}
    (again,) = decided([one], found, known)
    assert isinstance(again, Posted)
    assert (again.seq, again.n, again.new) == (3, 4, False)
    assert (found.last_seq, found.last_n) == (16, 22)


def test_other_content_under_the_same_id_is_a_conflict() -> None:
    one = message()
    first, other, again = decided([one, message("b", message=one.message), one])
    assert isinstance(first, Posted)
    assert code(other) is Code.CONFLICT
    assert isinstance(again, Posted)


def test_a_reply_names_a_message_of_the_conversation() -> None:
    first = message()
    answer, stray, own = message(in_reply_to=first.message), message(in_reply_to=new_id()), message()
    own = own.model_copy(update={"in_reply_to": own.message})
    decisions = decided([first, answer, stray, own])
    assert isinstance(decisions[1], Posted)
    for refused in decisions[2:]:
        assert isinstance(refused, Refused)
        assert (refused.code, refused.details) == (Code.NOT_FOUND, {"field": "in_reply_to"})


def test_a_refusal_takes_no_place() -> None:
    decisions = decided([message(in_reply_to=new_id()), message()])
    assert isinstance(decisions[1], Posted)
    assert (decisions[1].seq, decisions[1].n) == (1, 1)


def test_nobody_writes_where_they_do_not_belong() -> None:
    stranger, elsewhere = message(sender=new_id()), message(conversation=new_id())
    other_tenant = message(tenant=new_id())
    found = head()
    assert {code(d) for d in decided([stranger, elsewhere, other_tenant], found)} == {Code.NOT_FOUND}
    assert (found.last_seq, found.last_n) == (0, 0)


def test_a_symbol_that_is_used_has_its_place_behind_the_message() -> None:
    turtle, rabbit, other = "0a" * 16, "0b" * 16, "0c" * 16
    found = head(last_seq=16, last_n=22)
    sent = [message(uses=(rabbit, other, turtle)), message(), message(uses=(turtle,)), message(sender=new_id())]
    *posted, refused = decided(sent, found, lexicon={turtle: "t", rabbit: "r"})
    assert [(p.seq, p.n, p.used) for p in posted if isinstance(p, Posted)] == [
        (17, 23, (Used("r", 24), Used("t", 25))),
        (18, 26, ()),
        (19, 27, (Used("t", 28),)),
    ]
    assert code(refused) is Code.NOT_FOUND
    assert (found.last_seq, found.last_n) == (19, 28)


# --- sessions --------------------------------------------------------------------------------------------------------


def to_start(participant: str = THERAPIST, *missing: str, tenant: str = TENANT) -> StartSession:
    return StartSession(
        tenant=tenant,
        replyto="gateway.1",
        conversation=CONVERSATION,
        participant=participant,
        session=new_id(),
        missing=list(missing),
    )


def to_end(participant: str, tenant: str = TENANT) -> EndSession:
    return EndSession(tenant=tenant, replyto="gateway.1", conversation=CONVERSATION, participant=participant)


RUNNING = Session(new_id(), 5, MS)
USED = Session(new_id(), 3, MS)


def test_only_the_therapist_starts() -> None:
    found = head()
    assert sessions.may_start(found, to_start()) is found
    for who, wanted in ((CLIENT, Code.FORBIDDEN), (new_id(), Code.NOT_FOUND)):
        with pytest.raises(Refused) as refused:
            sessions.may_start(found, to_start(who))
        assert refused.value.code is wanted


def test_nothing_starts_where_there_is_no_conversation() -> None:
    for found, command in ((None, to_start()), (head(), to_start(tenant=new_id()))):
        with pytest.raises(Refused) as refused:
            sessions.may_start(found, command)
        assert refused.value.code is Code.NOT_FOUND


def test_a_session_starts_once_everybody_consents() -> None:
    assert sessions.start(None, None, to_start()) is None
    with pytest.raises(Refused) as refused:
        sessions.start(None, None, to_start(THERAPIST, CLIENT, THERAPIST))
    assert refused.value.code is Code.CONSENT_REQUIRED
    assert refused.value.details == {"purpose": "informed_consent", "participants": [CLIENT, THERAPIST]}


def test_a_running_session_answers_and_a_used_one_before_it() -> None:
    assert sessions.start(None, RUNNING, to_start(THERAPIST, CLIENT)) is RUNNING
    assert sessions.start(USED, RUNNING, to_start(THERAPIST, CLIENT)) is USED
    assert sessions.start(USED, None, to_start()) is USED


def test_either_ends_what_runs() -> None:
    found = head()
    for who in (CLIENT, THERAPIST):
        assert sessions.end(found, RUNNING, to_end(who)) == (found, RUNNING)
    with pytest.raises(Refused) as refused:
        sessions.end(found, None, to_end(CLIENT))
    assert refused.value.code is Code.CONFLICT
    for command in (to_end(new_id()), to_end(CLIENT, new_id())):
        with pytest.raises(Refused) as stranger:
            sessions.end(found, RUNNING, command)
        assert stranger.value.code is Code.NOT_FOUND
