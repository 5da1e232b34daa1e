"""The account finds what it is there to find: every kind of breach, made by hand."""

from dataclasses import replace

import pytest

from tests.chaos.account import Account, Message, Place, Seen, Verdict, View

AT = "2026-03-02T09:15:30.25{}Z"


def message(number: int) -> Message:
    one = Message(f"m{number}", f"text {number}", "p", first_sent=float(number), sent=1)
    one.place, one.acknowledged = Place(number, number, AT.format(number)), number + 0.5
    return one


def kept(one: Message) -> Seen:
    assert one.place is not None
    return Seen(one.place, one.id, one.sender, one.text)


def frame(one: Message) -> dict[str, object]:
    assert one.place is not None
    place = {"seq": one.place.seq, "n": one.place.n, "at": one.place.at}
    return {**place, "message": one.id, "from": one.sender, "text": one.text}


@pytest.fixture
def account() -> Account:
    account = Account("c", Verdict())
    account.messages = {one.id: one for one in map(message, (1, 2, 3))}
    return account


@pytest.fixture
def history(account: Account) -> list[Seen]:
    return [kept(one) for one in account.messages.values()]


def kinds(account: Account) -> set[str]:
    return {kind for kind, found in account.verdict.found.items() if found}


def test_nothing_wrong_is_nothing_found(account: Account, history: list[Seen]) -> None:
    view = View(account, "reader")
    for one in account.messages.values():
        view.posted(frame(one))
    account.judge(history, [view])
    assert account.verdict.zero


def test_an_acknowledged_message_that_is_gone_is_lost(account: Account, history: list[Seen]) -> None:
    account.judge(history[:2], [])
    assert kinds(account) == {"lost"}


def test_a_message_that_stands_twice_is_doubled(account: Account, history: list[Seen]) -> None:
    again = replace(history[0], place=Place(4, 4, AT.format(4)))
    account.judge([*history, again], [])
    assert "doubled" in kinds(account)


def test_a_number_left_out_is_a_gap(account: Account, history: list[Seen]) -> None:
    account.messages.pop("m2")
    account.judge([history[0], history[2]], [])
    assert kinds(account) == {"gaps"}


def test_other_text_is_changed(account: Account, history: list[Seen]) -> None:
    account.judge([replace(history[0], text="else"), *history[1:]], [])
    assert kinds(account) == {"changed"}


def test_another_place_than_acknowledged_is_changed(account: Account, history: list[Seen]) -> None:
    account.messages["m1"].place = Place(1, 1, AT.format(9))
    account.judge(history, [])
    assert kinds(account) == {"changed"}


def test_what_was_acknowledged_before_another_was_sent_stands_before_it(account: Account, history: list[Seen]) -> None:
    one, two = account.messages["m1"], account.messages["m2"]
    one.first_sent, two.acknowledged = 3.0, 2.5
    account.judge(history, [])
    assert kinds(account) == {"reordered"}


def test_a_view_finds_repetition_holes_and_disorder(account: Account, history: list[Seen]) -> None:
    one, two, three = account.messages.values()
    for frames, kind in (((one, one), "doubled"), ((one, three), "gaps"), ((two, one), "reordered")):
        account.verdict = Verdict()
        view = View(account, "reader")
        for each in frames:
            view.posted(frame(each))
        assert kind in kinds(account)


def test_a_reader_that_never_saw_the_end_has_a_gap(account: Account, history: list[Seen]) -> None:
    view = View(account, "reader")
    view.posted(frame(account.messages["m1"]))
    account.judge(history, [view])
    assert kinds(account) == {"gaps"}


def test_an_ok_before_what_is_below_it_is_out_of_order(account: Account) -> None:
    view, two = View(account, "reader"), account.messages["m2"]
    assert two.place is not None
    view.ok(two, two.place, resent=False)
    assert "reordered" in kinds(account)


def test_a_message_shown_and_then_acknowledged_is_doubled_unless_it_was_sent_again(account: Account) -> None:
    one = account.messages["m1"]
    assert one.place is not None
    for resent in (True, False):
        account.verdict = Verdict()
        view = View(account, "reader")
        view.posted(frame(one))
        view.ok(one, one.place, resent=resent)
        assert kinds(account) == (set() if resent else {"doubled"})


@pytest.mark.parametrize(("shown", "kind"), [((1, 2, 3), None), ((2, 1), "doubled"), ((3, 1), "doubled")])
def test_the_oks_of_repetitions_may_be_followed_by_the_messages_in_order(
    account: Account, shown: tuple[int, ...], kind: str | None
) -> None:
    view = View(account, "reader")
    for number in (1, 2):
        one = account.messages[f"m{number}"]
        assert one.place is not None
        view.ok(one, one.place, resent=True)
    for number in shown:
        view.posted(frame(account.messages[f"m{number}"]))
    assert kinds(account) == ({kind} if kind else set())
