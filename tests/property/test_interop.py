"""Any edit script, told as XEP-0301 or T.140 and told back, is itself; in XML too, through a real parser."""

import uuid
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.frames import client
from shared.contracts.frames.client import Op
from shared.interop.t140 import FromT140, ToT140
from shared.interop.xep0301 import FromRtt, Sent, to_rtt

CONVERSATION = str(uuid.UUID(int=1))

# Whatever both XML 1.0 and T.140 can carry: no control but the line feed, none of T.140's separators.
characters = st.one_of(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    st.sampled_from(
        ["a", " ", "<", "&", "\n", "]]>", "\u0301", "\u200d", "👩", "🏽", "𝄞", "\u05d0", "\u202e", "\U0010ffff"]
    ),
)
pieces = st.lists(characters, min_size=1, max_size=5).map("".join)
waits = st.one_of(st.just(0), st.integers(0, 60_000))


@st.composite
def scripts(draw: st.DrawFn, *, at_the_end: bool = False) -> list[list[Op]]:
    """Frames of operations that lie within the text, beginning with an empty one."""
    frames: list[list[Op]] = []
    length = 0
    for _ in range(draw(st.integers(0, 6))):
        ops: list[Op] = []
        for _ in range(draw(st.integers(1, 5))):
            wait = draw(waits)
            if length and draw(st.booleans()):
                count = draw(st.integers(1, length))
                at = length - count if at_the_end else draw(st.integers(0, length - count))
                ops.append((wait, "d", at, count))
                length -= count
            else:
                text = draw(pieces)
                ops.append((wait, "i", length if at_the_end else draw(st.integers(0, length)), text))
                length += len(text)
        frames.append(ops)
    return frames


def text_of(script: list[list[Op]]) -> str:
    text = ""
    for ops in script:
        for op in ops:
            text = text[: op[2]] + (op[3] if op[1] == "i" else "") + text[op[2] + (op[3] if op[1] == "d" else 0) :]
    return text


@st.composite
def talks(draw: st.DrawFn) -> list[Sent]:
    """What one author's client sends: drafts one after another, some begun again, some taken back."""
    sent: list[Sent] = [client.LiveToggle(type="live.toggle", conversation=CONVERSATION, on=True, level=None)]
    for number in range(draw(st.integers(0, 4))):
        draft = str(uuid.UUID(int=number + 2))
        rev = 0
        for ops in draw(scripts()):
            rev += 1
            sent.append(client.LiveEdit(type="live.edit", conversation=CONVERSATION, draft=draft, rev=rev, ops=ops))
        if draw(st.booleans()):
            rev += draw(st.integers(1, 9))
            text = draw(st.one_of(st.just(""), pieces))
            sent.append(client.LiveReset(type="live.reset", conversation=CONVERSATION, draft=draft, rev=rev, text=text))
        if rev:
            sent.append(client.LiveClear(type="live.clear", conversation=CONVERSATION, draft=draft))
    return sent


@given(talks())
def test_xep_0301_there_and_back(talk: list[Sent]) -> None:
    ids = iter(dict.fromkeys(frame.draft for frame in talk if not isinstance(frame, client.LiveToggle)))
    receiver = FromRtt(CONVERSATION, lambda: next(ids))
    back: list[Sent] = []
    for frame in talk:
        wire = ET.tostring(to_rtt(frame), encoding="utf-8")
        back += receiver.take(ET.fromstring(wire))
    assert back == talk


@given(scripts())
def test_t140_has_the_text(script: list[list[Op]]) -> None:
    there, back = ToT140(), FromT140()
    for ops in script:
        back.take([(0, characters) for _, characters in there.take(ops)])
        assert back.text == there.text
    assert back.text == text_of(script)
    back.take([(0, there.clear())])
    assert back.text == ""


@given(scripts(at_the_end=True))
def test_t140_has_each_operation_at_the_end(script: list[list[Op]]) -> None:
    there, back = ToT140(), FromT140()
    for ops in script:
        assert back.take(there.take(ops)) == ops


@given(scripts())
def test_what_t140_wrote_comes_out_the_same_again(script: list[list[Op]]) -> None:
    """From T.140's side: its characters, told as operations and told back."""
    there, back, again = ToT140(), FromT140(), ToT140()
    for ops in script:
        again.take(back.take(there.take(ops)))
    assert again.text == there.text
