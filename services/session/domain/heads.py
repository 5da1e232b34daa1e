"""Where a conversation stands, and how it grows: ``seq``, ``n`` and time only go up, without gaps."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.errors import Erased, Refused
from shared.contracts.ids import Role, rfc3339


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a conversation is erased: since when, by which command, and whether nothing of it is left anywhere."""

    begun_at: datetime
    by: str
    done_at: datetime | None

    def refusal(self) -> Refused:
        """What whoever asks for anything is told: how far it is."""
        begun = rfc3339(self.begun_at)
        if self.done_at is None:
            return Erased({"state": "erasing", "begun_at": begun})
        return Erased({"state": "done", "begun_at": begun, "done_at": rfc3339(self.done_at)})


@dataclass(slots=True)
class Head:
    """The end of a conversation while a transaction appends to it."""

    id: str
    tenant: str
    client: str
    therapist: str
    last_seq: int
    last_n: int
    last_at: datetime
    now: datetime
    erasure: Erasure | None = None
    left_by: str | None = None
    """Who left the conversation: nothing is written in it until they return."""

    def has(self, participant: str) -> bool:
        return participant in (self.client, self.therapist)

    def role(self, participant: str) -> Role:
        return "client" if participant == self.client else "therapist"

    def other(self, participant: str) -> str:
        return self.therapist if participant == self.client else self.client

    def next_n(self) -> int:
        self.last_n += 1
        return self.last_n

    def next_seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    def next_at(self) -> datetime:
        """The database's clock in milliseconds, held back where it would go back."""
        moment = self.now.replace(microsecond=self.now.microsecond // 1000 * 1000)
        self.last_at = max(self.last_at, moment)
        return self.last_at
