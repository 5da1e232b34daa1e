"""A feed of appointments for a calendar of one's own: an address that nobody can guess, and that can be revoked."""

from typing import Literal

from shared.contracts.frames.base import Answer, InConversation
from shared.contracts.ids import Id


class CalendarOpen(InConversation):
    """``record`` is the client's own id for the address: the same again is the same address.

    Another one takes the place of the one before, which is revoked.
    """

    type: Literal["calendar.open"]
    record: Id


class CalendarRevoke(InConversation):
    """From now on the address that one has here is nobody's."""

    type: Literal["calendar.revoke"]


class CalendarOk(Answer):
    url: str


ClientFrame = CalendarOpen | CalendarRevoke
OKS: dict[str, type[Answer]] = {"calendar.open": CalendarOk}
