"""Which queues an instance takes and gives away, and that all come to an even share whoever is there."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ownership import Owner, to_release, to_take


def owners(*holders: str | None, expired: tuple[int, ...] = ()) -> list[Owner]:
    return [Owner(f"q{i}", holder, 1, holder is None or i in expired) for i, holder in enumerate(holders)]


def names(found: list[Owner]) -> list[str]:
    return [owner.queue for owner in found]


def test_alone_it_takes_all_that_is_free() -> None:
    assert names(to_take(owners(None, None, None), {}, "me", 1)) == ["q0", "q1", "q2"]
    assert names(to_take(owners("other", None), {}, "me", 1)) == ["q1"]


def test_an_expired_lease_is_free() -> None:
    assert names(to_take(owners("dead", "other", expired=(0,)), {}, "me", 1)) == ["q0"]


def test_its_own_earlier_life_is_taken_back_at_once() -> None:
    assert names(to_take(owners("me", "other"), {}, "me", 2)) == ["q0"]


def test_it_takes_no_more_than_its_share() -> None:
    assert names(to_take(owners(None, None, None, None), {}, "me", 2)) == ["q0", "q1"]
    assert names(to_take(owners("me", None, None, None), {"q0": 1}, "me", 2)) == ["q1"]
    assert to_take(owners("me", "me", None, None), {"q0": 1, "q1": 1}, "me", 2) == []


def test_it_gives_away_what_is_above_its_share() -> None:
    mine = {f"q{i}": 1 for i in range(4)}
    table = owners("me", "me", "me", "me")
    assert to_release(table, mine, 1) == []
    assert to_release(table, mine, 2) == ["q2", "q3"]
    assert to_release(table, mine, 3) == ["q2", "q3"]
    assert to_release(table, mine, 9) == ["q1", "q2", "q3"]


def test_nobody_counted_is_as_good_as_alone() -> None:
    assert names(to_take(owners(None), {}, "me", 0)) == ["q0"]
    assert to_release(owners("me"), {"q0": 1}, 0) == []


@given(st.integers(1, 16), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=30), st.data())
def test_rounds_of_it_give_every_queue_one_owner(
    queues: int, instances: int, order: list[int], data: st.DataObject
) -> None:
    """Whoever held what, whoever comes first: soon each queue has one owner, and nobody more than the even share."""
    table: dict[str, str | None] = {
        f"q{i}": data.draw(st.one_of(st.none(), st.integers(0, instances - 1).map(str))) for i in range(queues)
    }
    rounds = [i % instances for i in order] + list(range(instances)) * 3
    for me in map(str, rounds):
        held = {q: 1 for q, holder in table.items() if holder == me}
        now = [Owner(q, holder, 1, holder is None) for q, holder in table.items()]
        for queue in to_release(now, held, instances):
            table[queue] = None
            del held[queue]
        now = [Owner(q, holder, 1, holder is None) for q, holder in table.items()]
        for owner in to_take(now, held, me, instances):
            assert table[owner.queue] is None
            table[owner.queue] = me
    share = -(-queues // instances)
    assert None not in table.values()
    assert all(list(table.values()).count(str(i)) <= share for i in range(instances))
