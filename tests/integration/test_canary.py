"""What people type is nowhere in the clear, and drafts that weren't sent are nowhere at all."""

import json
import secrets
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import database, gateway, ready
from tests.support.participants import Partner
from tests.support.platform import Platform, started


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with started() as platform:
        yield platform


def canary() -> str:
    return f"canary{secrets.token_hex(12)}"


def shapes(text: str) -> list[bytes]:
    """A text as it may lie in a file: in UTF-8, in UTF-16, and in base64 at each of the three alignments."""
    raw = text.encode()
    found = [raw, text.encode("utf-16-le")]
    for shift in range(3):
        whole = b64encode(bytes(shift) + raw + bytes(3))
        found.append(whole[4:-8])  # without what the bytes around it decide
    return found


def where(wanted: list[bytes], home: Path) -> list[str]:
    """Files below a folder that hold one of these."""
    files = (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path) for path in files if any(each in path.read_bytes() for each in wanted)]


def metrics(platform: Platform) -> bytes:
    local = json.loads((platform.home / "local.json").read_text())
    pages = []
    for url in local["metrics"].values():
        with urllib.request.urlopen(url, timeout=5) as answer:
            pages.append(answer.read())
    return b"".join(pages)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    text = canary()
    for number, content in enumerate(
        (text.encode(), text.encode("utf-16-le"), *(b64encode(b"x" * shift + text.encode()) for shift in range(3)))
    ):
        (tmp_path / str(number)).write_bytes(b"before" + content + b"after")
    assert len(where(shapes(text), tmp_path)) == 5


@pytest.mark.timeout(180)
async def test_what_is_typed_is_nowhere(own: Platform) -> None:
    typed, reset, refused, sent = (canary() for _ in range(4))
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        author, reader = await talk.both()
        with gateway(own, "far") as (address, _):
            await ready(address)
            far = await talk.arrive(await talk.token(talk.therapist), address)
            draft = str(uuid.uuid4())
            assert await author.refused("live.reset", draft=draft, rev=1, text=refused) == "consent_required"
            await author.consent("live_text")
            assert await author.refused("live.reset", draft=draft, rev=1, text=refused) == "live_off"
            await author.ok("live.toggle", on=True)
            for pos, sign in enumerate(typed):
                await author.ok("live.edit", draft=draft, rev=pos + 1, ops=[[50, "i", pos, sign]])
            await author.ok("live.reset", draft=draft, rev=1, text=reset)
            assert await author.refused("live.edit", draft=draft, rev=9, ops=[[0, "i", 0, refused]]) == "bad_rev"
            for one in (reader, far):
                await one.until("live.reset", text=reset)
            await author.ok("live.clear", draft=draft)
            await author.post(sent)
            for one in (reader, far):
                await one.until("message.posted", text=sent)
            await talk.leave()
        session = await database(own, "session")
        kept = await session.fetchval("select count(*) from event where conversation = $1", talk.id)
        await session.close()
    assert kept == 1, "something besides the message was kept"
    wanted = [shape for text in (typed, reset, refused, sent) for shape in shapes(text)]
    assert where(wanted, own.home) == []
    page = metrics(own)
    assert not any(shape in page for shape in wanted)
