"""Edits leave by a shorter way than other frames; what travels is the same."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.live import Edit
from services.gateway.egress.rendering import rendered
from shared.contracts.frames import server
from shared.contracts.frames.client import Op

C = "6f9619ff-8b86-4d01-b42d-00c04fc964f1"
D = "4f4c5a5b-0a9c-4a5e-9b73-6e8f0a2b4c55"
ops: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.integers(0, 60_000), st.just("i"), st.integers(0, 8_000), st.text(min_size=1)),
    st.tuples(st.integers(0, 60_000), st.just("d"), st.integers(0, 8_000), st.integers(1, 8_000)),
)


@given(st.integers(1, 2**53 - 1), st.lists(ops, min_size=1))
def test_an_edit_is_written_as_its_model_writes_it(rev: int, made: list[Op]) -> None:
    model = server.LiveEdit(conversation=C, draft=D, rev=rev, ops=made, sender=D)
    assert rendered(Edit(C, D, rev, made, D)) == model.model_dump_json().encode()
