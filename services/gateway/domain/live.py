"""Live text of one conversation: who shows what they type, at which level, and the drafts that are open.

A state machine without I/O: each method changes the state and returns the frames that follow from it, for readers
(``Shown.to_others``: every connection of the other participants) or for everybody.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from services.gateway.domain.drafts import Draft, apply, check_reset, edited
from shared.contracts.errors import Code, Refused
from shared.contracts.frames import client, server
from shared.contracts.frames.client import Op
from shared.contracts.frames.values import LiveValue
from shared.contracts.ids import Level

POSTED_KEPT = 256


class Edit(NamedTuple):
    """A `server.LiveEdit` whose members were checked with its author's frame: checking them again costs too much."""

    conversation: str
    draft: str
    rev: int
    ops: Sequence[Op]
    sender: str


LiveFrame = Edit | server.LiveReset | server.LiveClear | server.LiveChanged


class Shown(NamedTuple):
    """A frame that follows from a change. ``drop``: what waits of this author in readers' queues goes first."""

    author: str
    frame: LiveFrame
    to_others: bool
    drop: bool = False


@dataclass(slots=True)
class _Author:
    """One participant: the level of each of their connections that is on, and what was last said of them."""

    levels: dict[str, Level] = field(default_factory=dict)
    elsewhere: dict[str, Level] = field(default_factory=dict)
    said: LiveValue = field(default_factory=lambda: LiveValue(on=False, level="letters"))


class LiveText:
    """Live text of one conversation, on one gateway. Connections are named by their ids."""

    def __init__(self, conversation: str) -> None:
        self._conversation = conversation
        self._authors: dict[str, _Author] = {}
        self.drafts: dict[str, Draft] = {}
        self._current: dict[str, str] = {}
        self._posted: OrderedDict[str, None] = OrderedDict()
        self.suspended = False

    # --- who is on -------------------------------------------------------------------------------------------------

    def _author(self, participant: str) -> _Author:
        return self._authors.setdefault(participant, _Author())

    def level_of(self, connection: str, participant: str) -> Level | None:
        """The level at which this connection shows what is typed there; None: off."""
        author = self._authors.get(participant)
        return None if author is None else author.levels.get(connection)

    @property
    def anybody_on(self) -> bool:
        return any(author.levels for author in self._authors.values())

    def levels_here(self) -> dict[str, Level]:
        """Participants with live text on at this gateway, as other gateways are told."""
        if self.suspended:
            return {}
        found: dict[str, Level] = {}
        for participant, author in self._authors.items():
            if author.levels:
                found[participant] = "letters" if "letters" in author.levels.values() else "rhythm"
        return found

    def state(self, participant: str) -> LiveValue:
        return self._author(participant).said

    def _changed(self, participant: str, reason: Literal["suspended"] | None = None) -> list[Shown]:
        """Say whether any connection of the participant is on, if that is news."""
        author = self._author(participant)
        levels = [*([] if self.suspended else author.levels.values()), *author.elsewhere.values()]
        level: Level = author.said.level if not levels else "letters" if "letters" in levels else "rhythm"
        now = LiveValue(on=bool(levels), level=level)
        if now == author.said:
            return []
        author.said = now
        frame = server.LiveChanged(
            conversation=self._conversation, sender=participant, on=now.on, level=now.level, reason=reason
        )
        return [Shown(participant, frame, to_others=False, drop=not now.on)]

    def switch(self, connection: str, participant: str, level: Level | None) -> list[Shown]:
        """Switch a connection on at a level, or off (None)."""
        author = self._author(participant)
        if author.levels.get(connection) == level:
            return []
        if level is None:
            author.levels.pop(connection, None)
        else:
            author.levels[connection] = level
        return [*self._end_of(connection), *self._changed(participant)]

    def withdraw(self, participant: str) -> list[Shown]:
        """Switch off every connection of the author."""
        author = self._author(participant)
        author.levels.clear()
        author.elsewhere.clear()
        ended = [d for d in self.drafts.values() if d.author == participant]
        return [*self._stop(participant, ended), *self._changed(participant)]

    def elsewhere(self, gateway: str, levels: dict[str, Level], participants: list[str]) -> list[Shown]:
        """Another gateway's participants with live text on; drafts of those that went off there end here."""
        shown: list[Shown] = []
        for participant in participants:
            author = self._author(participant)
            level = levels.get(participant)
            if level is None:
                author.elsewhere.pop(gateway, None)
                gone = [d for d in self.drafts.values() if d.author == participant and d.holder == gateway]
                shown += self._stop(participant, gone)
            else:
                author.elsewhere[gateway] = level
            shown += self._changed(participant)
        return shown

    def suspend(self, suspended: bool) -> list[Shown]:
        """Stop, or go on, for all authors at once: the lease of the consents has ended, or is back."""
        if self.suspended == suspended:
            return []
        self.suspended = suspended
        shown = []
        if suspended:
            shown += [self._clear(draft, drop=True) for draft in list(self.drafts.values())]
        for participant in self._authors:
            shown += self._changed(participant, "suspended" if suspended else None)
        return shown

    # --- drafts ----------------------------------------------------------------------------------------------------

    def _clear(self, draft: Draft, *, drop: bool = False) -> Shown:
        self.drafts.pop(draft.id, None)
        if self._current.get(draft.holder) == draft.id:
            del self._current[draft.holder]
        frame = server.LiveClear(conversation=self._conversation, draft=draft.id, sender=draft.author)
        return Shown(draft.author, frame, to_others=True, drop=drop)

    def _end_of(self, connection: str) -> list[Shown]:
        draft = self.drafts.get(self._current.get(connection, ""))
        return [] if draft is None else self._stop(draft.author, [draft])

    def _stop(self, author: str, drafts: list[Draft]) -> list[Shown]:
        """End drafts at once. That drops what waits of the author's other drafts as well, so those are shown anew."""
        if not drafts:
            return []
        cleared = [self._clear(draft, drop=True) for draft in drafts]
        return [*cleared, *(self.reset_of(draft) for draft in self.drafts.values() if draft.author == author)]

    def _known(self, draft: str, participant: str) -> Draft | None:
        """The open draft of this id. Raises `Refused`: it is somebody else's, or a message already."""
        found = self.drafts.get(draft)
        if draft in self._posted or (found is not None and found.author != participant):
            raise Refused(Code.CONFLICT)
        return found

    def _begin(self, connection: str, draft: Draft) -> list[Shown]:
        """One open draft a connection: a new id clears the former."""
        former = self.drafts.get(self._current.get(connection, ""))
        shown = [] if former is None or former.id == draft.id else [self._clear(former)]
        if self._current.get(draft.holder) == draft.id:
            del self._current[draft.holder]
        draft.holder = connection
        self.drafts[draft.id] = draft
        self._current[connection] = draft.id
        return shown

    def edit(self, connection: str, participant: str, level: Level, frame: client.LiveEdit) -> list[Shown]:
        """Raises `Refused`: ``conflict``, ``too_long``, ``bad_rev``, ``bad_op``; then nothing has changed."""
        draft = self._known(frame.draft, participant)
        text, follows = edited(draft, connection, frame.rev, frame.ops, level)
        shown: list[Shown] = []
        if draft is None or draft.holder != connection:
            draft = draft or Draft(frame.draft, participant, connection, 0, "")
            shown = self._begin(connection, draft)
        draft.rev, draft.text = frame.rev, text
        if not follows:
            return [*shown, self.reset_of(draft)]
        out = Edit(self._conversation, draft.id, draft.rev, frame.ops, participant)
        shown.append(Shown(participant, out, to_others=True))
        return shown

    def reset(self, connection: str, participant: str, level: Level, frame: client.LiveReset) -> list[Shown]:
        """Raises `Refused`: ``conflict``, ``too_long``, ``bad_op``; then nothing has changed."""
        draft = self._known(frame.draft, participant)
        check_reset(frame.text, level)
        draft = draft or Draft(frame.draft, participant, connection, 0, "")
        shown = self._begin(connection, draft)
        draft.rev, draft.text = frame.rev, frame.text
        return [*shown, self.reset_of(draft)]

    def from_peer(self, gateway: str, participant: str, draft_id: str, rev: int, text: str | None) -> list[Shown]:
        """A draft that is written at another gateway, whole; ``text`` None: it ended."""
        known = self.drafts.get(draft_id)
        if text is None:
            return [self._clear(known)] if known is not None and known.holder == gateway else []
        if not self._taken_from(gateway, participant, draft_id):
            return []
        draft = self.drafts[draft_id] = known or Draft(draft_id, participant, gateway, 0, "")
        draft.holder, draft.rev, draft.text = gateway, rev, text
        return [self.reset_of(draft)]

    def _taken_from(self, gateway: str, participant: str, draft_id: str) -> bool:
        """Whether a participant may write this draft at another gateway."""
        known = self.drafts.get(draft_id)
        others = known is not None and known.author != participant
        on = gateway in self._author(participant).elsewhere
        return on and not self.suspended and not others and draft_id not in self._posted

    def edits_from_peer(
        self, gateway: str, participant: str, draft_id: str, base: int, edits: Sequence[Sequence[Op]]
    ) -> list[Shown]:
        """Edits that were made at another gateway on top of a revision, each as it was there.

        Raises `Refused`: something of the draft didn't come here, so the whole text is needed.
        """
        if not self._taken_from(gateway, participant, draft_id):
            return []
        known = self.drafts.get(draft_id)
        mine = known is not None and known.holder == gateway
        text, rev = (known.text, known.rev) if known is not None and mine else ("", 0)
        if rev != base:
            raise Refused(Code.BAD_REV, {"expected": rev + 1})
        for ops in edits:
            text = apply(text, ops, "letters")
        draft = self.drafts[draft_id] = known or Draft(draft_id, participant, gateway, 0, "")
        draft.holder, draft.rev, draft.text = gateway, base + len(edits), text
        if known is not None and not mine:  # readers have what another connection of the author wrote
            return [self.reset_of(draft)]
        frames = [
            Edit(self._conversation, draft_id, base + number, ops, participant)
            for number, ops in enumerate(edits, start=1)
        ]
        return [Shown(participant, frame, to_others=True) for frame in frames]

    def clear(self, participant: str, draft_id: str) -> list[Shown]:
        """End a draft; one that isn't open is cleared already. Raises `Refused` (``conflict``)."""
        if draft_id in self._posted:
            return []
        draft = self._known(draft_id, participant)
        return [] if draft is None else [self._clear(draft)]

    def reset_of(self, draft: Draft) -> Shown:
        """The whole text of a draft, for whoever doesn't have what came before."""
        frame = server.LiveReset(
            conversation=self._conversation, draft=draft.id, rev=max(1, draft.rev), text=draft.text, sender=draft.author
        )
        return Shown(draft.author, frame, to_others=True)

    def posted(self, message: str) -> None:
        """A message was posted: its draft ends, for readers with the message itself."""
        draft = self.drafts.pop(message, None)
        if draft is not None and self._current.get(draft.holder) == message:
            del self._current[draft.holder]
        self._posted[message] = None
        if len(self._posted) > POSTED_KEPT:
            self._posted.popitem(last=False)

    def is_somebody_elses(self, draft: str, participant: str) -> bool:
        found = self.drafts.get(draft)
        return found is not None and found.author != participant
