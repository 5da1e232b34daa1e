"""What is inside a sealed ``content``: the only places in the platform that hold what people wrote or are called."""

from pydantic import Field

from shared.contracts.frames.client import Op
from shared.contracts.frames.values import LeftOut, Value
from shared.contracts.ids import Id


class ParticipantContent(Value):
    external_id: str
    display_name: str
    locale: str | None = None


class ConversationContent(Value):
    """The two people of a conversation, in the order of the command's ``roles``, and the partner's own name for it."""

    external_id: str | None = None
    participants: tuple[ParticipantContent, ParticipantContent]


class MessageContent(Value):
    text: str
    tone: str | None = None
    composed_s: int | None = LeftOut


class DraftContent(Value):
    """A draft on its way between gateways: the edits since a revision, one list for each frame; or its whole text.

    ``rev`` is the revision before the edits, or that of the text. Neither edits nor text: it ended.
    """

    conversation: Id
    participant: Id
    draft: Id
    rev: int
    text: str | None = None
    edits: list[list[Op]] = Field(default_factory=list)


class DraftsContent(Value):
    drafts: list[DraftContent]


class NoteContent(Value):
    text: str


class MarkContent(Value):
    text: str


class NamesContent(Value):
    """Participants by id, as the session service tells them to a gateway."""

    external_id: str | None = None
    participants: dict[str, ParticipantContent] = Field(default_factory=dict)
