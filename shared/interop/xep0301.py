"""Live text to and from the ``<rtt/>`` elements of XEP-0301 1.0, In-Band Real Time Text.

Positions count Unicode code points in both. Elements are `xml.etree.ElementTree`'s, as XMPP libraries hand them on:
this module never parses XML.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, SubElement

from shared.contracts.frames import client, server
from shared.contracts.frames.client import Op
from shared.contracts.ids import new_id
from shared.contracts.text import TEXT_MAX, has_forbidden
from shared.interop import Unmappable

NAMESPACE = "urn:xmpp:rtt:0"
WAIT_MOST_MS = 60_000
OPS_MOST = 200

# XML 1.0, section 2.2: what no document can hold, not even escaped; and the CR, which parsers turn into LF (2.11).
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Edit: TypeAlias = client.LiveEdit | server.LiveEdit
Reset: TypeAlias = client.LiveReset | server.LiveReset
Clear: TypeAlias = client.LiveClear | server.LiveClear
Switch: TypeAlias = client.LiveToggle | server.LiveChanged
Sent: TypeAlias = client.LiveToggle | client.LiveEdit | client.LiveReset | client.LiveClear


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _insert(rtt: Element, text: str, position: int) -> None:
    if _NOT_XML.search(text):
        raise Unmappable("not_xml")
    SubElement(rtt, _tag("t"), p=str(position)).text = text


def to_rtt(frame: Edit | Reset | Clear | Switch) -> Element:
    """The ``<rtt/>`` that says what a frame says.

    ``seq`` is the draft's ``rev``. The first edit of a draft is ``event="new"``; a ``new`` without anything in it is a
    draft that was taken back; ``init`` and ``cancel`` are live text on and off. The level isn't carried: bullets are
    text.

    Raises:
        Unmappable: ``not_xml``, the text holds a CR, or a control character that XML 1.0 doesn't know.
    """
    rtt = Element(_tag("rtt"))
    match frame:
        case client.LiveToggle() | server.LiveChanged():
            rtt.set("event", "init" if frame.on else "cancel")
        case client.LiveClear() | server.LiveClear():
            rtt.set("seq", "0")
            rtt.set("event", "new")
        case client.LiveReset() | server.LiveReset():
            rtt.set("seq", str(frame.rev))
            rtt.set("event", "reset")
            if frame.text:
                _insert(rtt, frame.text, 0)
        case client.LiveEdit() | server.LiveEdit():
            rtt.set("seq", str(frame.rev))
            if frame.rev == 1:
                rtt.set("event", "new")
            _actions(rtt, frame.ops)
    return rtt


def _actions(rtt: Element, ops: Iterable[Op]) -> None:
    for op in ops:
        if op[0]:
            SubElement(rtt, _tag("w"), n=str(op[0]))
        if op[1] == "i":
            _insert(rtt, op[3], op[2])
        else:  # it erases backwards
            SubElement(rtt, _tag("e"), p=str(op[2] + op[3]), n=str(op[3]))


def _number(element: Element, name: str, default: int) -> int:
    value = element.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise Unmappable("bad_attribute") from None


class FromRtt:
    """One sender's ``<rtt/>`` elements, in the order of their coming, as the frames that an author's client sends.

    After a gap in ``seq`` nothing is made of what comes until the next ``new`` or ``reset`` (XEP-0301, section 4.7).
    ``new_draft`` gives the ids of drafts, one after another: each must be the id of the message that ends it.
    """

    def __init__(self, conversation: str, new_draft: Callable[[], str] = new_id) -> None:
        self._conversation = conversation
        self._new_draft = new_draft
        self._draft: str | None = None
        self._text = ""
        self._rev = 0
        self._seq: int | None = None
        """Of the last element that followed; None: out of step."""
        self._wait = 0

    def take(self, rtt: Element) -> list[Sent]:
        """The frames that say what an element says; none where it says nothing, or doesn't follow.

        Raises:
            Unmappable: ``bad_attribute``, ``bad_text`` (NUL, lone surrogate), ``too_long`` (the draft is above 8,000
                code points). It is then out of step, as after a gap.
        """
        try:
            return self._take(rtt)
        except Unmappable:
            self._seq = None
            raise

    def posted(self) -> None:
        """The message was sent: what comes next is another draft."""
        self._draft = None
        self._seq = None

    def _take(self, rtt: Element) -> list[Sent]:
        event = rtt.get("event", "edit")
        if event in {"init", "cancel"}:
            self.posted()
            return [
                client.LiveToggle(type="live.toggle", conversation=self._conversation, on=event == "init", level=None)
            ]
        seq = _number(rtt, "seq", 0)
        if event == "new":
            return self._new(rtt, seq)
        if event == "reset":
            return self._reset(rtt, seq)
        if event != "edit" or self._seq is None or seq != self._seq + 1:
            self._seq = None
            return []
        self._seq = seq
        return self._edits(self._operations(rtt))

    def _new(self, rtt: Element, seq: int) -> list[Sent]:
        former, self._draft = self._draft, None
        self._seq, self._rev, self._text, self._wait = seq, 0, "", 0
        ops = self._operations(rtt)
        if former is None or ops:  # a new draft clears the former by itself
            return self._edits(ops)
        return [client.LiveClear(type="live.clear", conversation=self._conversation, draft=former)]

    def _reset(self, rtt: Element, seq: int) -> list[Sent]:
        draft = self._draft = self._draft or self._new_draft()
        self._seq, self._rev, self._text, self._wait = seq, max(seq, 1), "", 0
        self._operations(rtt)
        return [
            client.LiveReset(
                type="live.reset", conversation=self._conversation, draft=draft, rev=self._rev, text=self._text
            )
        ]

    def _edits(self, ops: list[Op]) -> list[Sent]:
        frames: list[Sent] = []
        for begin in range(0, len(ops), OPS_MOST):
            draft = self._draft = self._draft or self._new_draft()
            self._rev += 1
            part = ops[begin : begin + OPS_MOST]
            frames.append(
                client.LiveEdit(type="live.edit", conversation=self._conversation, draft=draft, rev=self._rev, ops=part)
            )
        return frames

    def _operations(self, rtt: Element) -> list[Op]:
        """What the actions do, positions brought within the text (section 4.5.2); actions of other kinds do nothing."""
        ops: list[Op] = []
        for action in rtt:
            end = len(self._text)
            if action.tag == _tag("w"):
                self._wait = min(WAIT_MOST_MS, self._wait + max(0, _number(action, "n", 0)))
            elif action.tag == _tag("t") and action.text:
                if has_forbidden(action.text):
                    raise Unmappable("bad_text")
                at = min(end, max(0, _number(action, "p", end)))
                self._text = self._text[:at] + action.text + self._text[at:]
                ops.append((self._wait, "i", at, action.text))
                self._wait = 0
            elif action.tag == _tag("e"):
                at = min(end, max(0, _number(action, "p", end)))
                count = min(at, _number(action, "n", 1))
                if count > 0:
                    self._text = self._text[: at - count] + self._text[at:]
                    ops.append((self._wait, "d", at - count, count))
                    self._wait = 0
            if len(self._text) > TEXT_MAX:
                raise Unmappable("too_long")
        return ops
