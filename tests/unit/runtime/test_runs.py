"""A batch is split into runs that are applied together; no conversation's own order may be lost by that."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.commands import Attach, Detach, GetConversation, RenewAttachments
from shared.contracts.envelope import Command, ConversationCommand
from shared.contracts.ids import new_id
from shared.runtime.runs import runs

TENANT = new_id()
KEYS = [new_id() for _ in range(4)]
KINDS = (Attach, Detach, GetConversation)


def key(command: Command) -> str | None:
    return command.conversation if isinstance(command, ConversationCommand) else None


def made(kind: type[Command], conversation: str | None) -> Command:
    if conversation is None:
        return RenewAttachments(tenant=TENANT, replyto="g", holding=[])
    return kind.model_validate({"tenant": TENANT, "replyto": "g", "conversation": conversation})


batches = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from([*KEYS, *KEYS, None])), max_size=30)
Batch = list[tuple[type[Command], str | None]]


@given(batches)
def test_every_command_is_in_one_run_of_its_own_type(drawn: Batch) -> None:
    batch = [made(*one) for one in drawn]
    split = runs(batch, key)
    assert Counter(c.id for run in split for c in run) == Counter(c.id for c in batch)
    for run in split:
        assert run
        assert len({type(command) for command in run}) == 1


@given(batches)
def test_each_conversations_order_is_kept(drawn: Batch) -> None:
    batch = [made(*one) for one in drawn]
    applied = [command for run in runs(batch, key) for command in run]
    for one in KEYS:
        assert [c.id for c in applied if key(c) == one] == [c.id for c in batch if key(c) == one]


@given(batches)
def test_a_command_about_all_stands_between_what_is_before_and_behind_it(drawn: Batch) -> None:
    batch = [made(*one) for one in drawn]
    split = runs(batch, key)
    place = {command.id: index for index, run in enumerate(split) for command in run}
    for index, command in enumerate(batch):
        if key(command) is None:
            assert len(split[place[command.id]]) == 1
            assert all(place[before.id] < place[command.id] for before in batch[:index])
            assert all(place[behind.id] > place[command.id] for behind in batch[index + 1 :])


@given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=30))
def test_commands_of_one_type_are_one_run(conversations: list[str]) -> None:
    assert len(runs([made(Attach, one) for one in conversations], key)) == 1


def test_two_types_in_many_conversations_are_two_runs() -> None:
    batch = [made(kind, one) for one in KEYS for kind in (Attach, Detach)]
    assert len(runs(batch, key)) == 2
