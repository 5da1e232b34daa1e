"""Past the broker only reads are taken."""

import pytest
from pydantic import ValidationError

from services.session.ingress import commands
from shared.contracts.commands import EndSession, MarkRead, ReadHistory

ID = "7c7f8d8e-3d2f-4d8b-8ea6-9b1c3d5e7f88"


def test_a_read_is_taken() -> None:
    read = ReadHistory(tenant=ID, replyto="gateway.a", conversation=ID, after=None, before=None, limit=1)
    assert commands.validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    "command",
    [
        MarkRead(tenant=ID, replyto="gateway.a", conversation=ID, participant=ID, seq=1),
        EndSession(tenant=ID, replyto="gateway.a", conversation=ID, participant=ID),
    ],
    ids=["mark", "end"],
)
def test_what_changes_something_is_not(command: MarkRead | EndSession) -> None:
    with pytest.raises(ValidationError):
        commands.validate_json(command.model_dump_json())
