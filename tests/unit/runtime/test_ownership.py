"""Which queues an instance takes and gives away, and that all come to an even share whoever is there."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ownership import Owner, to_release, to_take


def owners(*holders: str | None, expired: tuple[int, ...] = ()) -> list[Owner]:
    return [Owner(f"q{i}", holder, 1, holder is None or i in expired) for i, holder in enumerate(holders)]


def names(found: list[Owner]) -> list[str]:
    return [owner.queue for owner in found]


def living(*names: str) -> set[str]:
    return {"me", *names}


def test_alone_it_takes_all_that_is_free() -> None:
    assert names(to_take(owners(None, None, None), {}, "me", living())) == ["q0", "q1", "q2"]


def test_an_expired_lease_is_free() -> None:
    assert names(to_take(owners("dead", "other", expired=(0,)), {}, "me", living("other"))) == ["q0"]


def test_its_own_earlier_life_is_taken_back_at_once() -> None:
    assert names(to_take(owners("me", "other"), {}, "me", living("other"))) == ["q0"]


def test_it_takes_no_more_than_its_share() -> None:
    assert names(to_take(owners(None, None, None, None), {}, "me", living("b"))) == ["q0", "q1"]
    assert names(to_take(owners("me", None, None, None), {"q0": 1}, "me", living("b"))) == ["q1"]
    assert to_take(owners("me", "me", None, None), {"q0": 1, "q1": 1}, "me", living("b")) == []


def test_what_does_not_divide_is_taken_once_nobody_lacks_the_least() -> None:
    assert names(to_take(owners("me", None, None), {"q0": 1}, "me", living("b"))) == ["q1"]
    assert to_take(owners("me", None), {"q0": 1}, "me", living("b")) == []


def test_it_gives_away_what_is_above_its_share() -> None:
    mine = {f"q{i}": 1 for i in range(4)}
    table = owners("me", "me", "me", "me")
    assert to_release(table, mine, "me", living()) == []
    assert to_release(table, mine, "me", living("b")) == ["q2", "q3"]
    assert to_release(table, mine, "me", living("b", "c")) == ["q1", "q2", "q3"]


def test_one_of_those_with_more_gives_to_whoever_has_none() -> None:
    table = owners("a", "a", "me", "me")
    assert to_release(table, {"q2": 1, "q3": 1}, "me", living("a", "new")) == []
    table = owners("me", "me", "z", "z")
    assert to_release(table, {"q0": 1, "q1": 1}, "me", living("z", "new")) == ["q1"]


def test_nothing_is_given_while_enough_is_free() -> None:
    table = owners("me", "me", "b", None)
    assert to_release(table, {"q0": 1, "q1": 1}, "me", living("b", "new")) == []


def test_nobody_counted_is_as_good_as_alone() -> None:
    assert names(to_take(owners(None), {}, "me", set())) == ["q0"]
    assert to_release(owners("me"), {"q0": 1}, "me", set()) == []


@given(st.integers(1, 16), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=30), st.data())
def test_rounds_of_it_give_every_queue_one_owner(
    queues: int, instances: int, order: list[int], data: st.DataObject
) -> None:
    """Whoever held what, whoever comes first: soon each queue has one owner, evenly, and then nothing moves."""
    alive = {str(i) for i in range(instances)}
    table: dict[str, str | None] = {
        f"q{i}": data.draw(st.one_of(st.none(), st.integers(0, instances - 1).map(str))) for i in range(queues)
    }

    def seen() -> list[Owner]:
        return [Owner(q, holder, 1, holder is None) for q, holder in sorted(table.items())]

    def turn(me: str) -> bool:
        held = {q: 1 for q, holder in table.items() if holder == me}
        given = to_release(seen(), held, me, alive)
        for queue in given:
            table[queue] = None
            del held[queue]
        taken = to_take(seen(), held, me, alive)
        for owner in taken:
            assert table[owner.queue] is None
            table[owner.queue] = me
        return bool(given or taken)

    for i in [i % instances for i in order] + list(range(instances)) * 3:
        turn(str(i))
    held = [list(table.values()).count(me) for me in alive]
    assert None not in table.values()
    assert max(held) - min(held) <= 1
    assert not any(turn(me) for me in alive)
