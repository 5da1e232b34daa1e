"""Each field that takes words is known to the canary test, and what isn't sealed on its way is known too."""

from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints

from shared.contracts.ids import Id, Moment, Role, Sha256
from tests.support.typed import IN_CLEAR, PLANTED, PUBLIC, clear, fields, typed

HELP = "see the head of tests/support/typed.py"


def test_each_field_is_planted_or_public() -> None:
    known = PLANTED | PUBLIC.keys()
    assert typed() - known == set(), f"nobody types a canary into these: {HELP}"
    assert known - typed() == set(), f"these are in no model any more: {HELP}"
    assert PLANTED & PUBLIC.keys() == set()


def test_what_is_not_sealed_is_known() -> None:
    assert clear() - IN_CLEAR.keys() == set(), f"these would travel and rest in the clear; seal them, or {HELP}"
    assert IN_CLEAR.keys() - clear() == set(), f"these are in no model any more: {HELP}"


class Inside(BaseModel):
    words: str
    number: int


class Base(BaseModel):
    ref: str | None = None


class New(Base):
    """A frame as the next feature might bring it."""

    id: Id
    at: Moment | None
    hash: Sha256
    kind: str
    tag: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
    inside: list[Inside]
    pairs: list[tuple[int, str]]
    numbers: dict[str, int]
    by_id: dict[Id, dict[Role, int]]
    anything: dict[str, Any]
    whatever: Any


def test_a_new_field_is_noticed() -> None:
    """The checks above can fail."""
    wanted = {"kind", "tag", "pairs", "numbers", "anything", "whatever"}
    assert fields([New]) == {f"New.{name}" for name in wanted} | {"Base.ref", "Inside.words"}
