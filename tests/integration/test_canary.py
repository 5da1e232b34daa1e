"""What people type is nowhere in the clear: not in a file, a queue, a log, a metric, a process or an export.

Traces are an id in each envelope (``traceparent``), and go nowhere else: dead letters and the broker's files have them.
"""

import json
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support import story, story_of_features
from tests.support.canaries import Canaries, Leaves, dead_letters, files, holds, metrics, processes
from tests.support.consent_log import Tenant
from tests.support.erasure import caches_expired, erase
from tests.support.instances import database, free_port, gateway, ready
from tests.support.participants import Closed, Conversation, Partner
from tests.support.platform import Platform
from tests.support.typed import PLANTED


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    canaries = Canaries()
    word = canaries.text("MessageSend.text")
    raw = word.encode()
    written = [
        raw,
        word.encode("utf-16-le"),
        word.encode("utf-16-be"),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        quote(word).encode(),
        json.dumps(word).encode(),
        *(b64encode(b"x" * shift + raw) for shift in range(3)),
    ]
    for number, content in enumerate(written):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "file").write_bytes(b"before" + content + b"after")
        found = canaries.found(files(folder))
        assert found, content
        assert "MessageSend.text" in found[0]
    assert canaries.found([("elsewhere", b"canary")]) == []


async def exported(own: Platform, talk: Conversation, folder: Path) -> Leaves:
    """All that a partner gets without a consent to disclose notes, but the messages and names that are its own."""
    partner = talk.partner
    tenant = Tenant(own, partner, own.client_id, own.client_secret)
    status, output = await tenant.consent("export", folder)
    assert status == 0, output
    listed = await partner.text(f"/v1/conversations/{talk.id}/consents")
    answers = [output, listed]
    answers += [await partner.text(f"/v1/fhir/Consent?consentor={who}") for who in (talk.client, talk.therapist)]
    for decision in json.loads(listed)["decisions"]:
        receipt = f"/v1/conversations/{talk.id}/consents/{decision['id']}/receipt"
        answers += [await partner.text(receipt), await partner.text(receipt, Accept="text/html")]
    return [*files(folder), *(("answer", answer.encode()) for answer in answers)]


async def spilled(own: Platform, stage: story.Stage, talk: Conversation) -> None:
    """A gateway whose handlers fail with what was typed in the exception."""
    with gateway(own, "spilling", module="tests.support.spilling_gateway") as (address, process):
        await ready(address)
        therapist = await talk.arrive(await talk.token(talk.therapist), address)
        text = stage.canaries.text("NoteSave.text")
        await therapist.say("note.save", note=story.new(), format="text", text=text)
        await process.until_logged("library_log")
        with pytest.raises(Closed):
            await therapist.post(stage.canaries.text("MessageSend.text"))
        await process.until_logged("connection_failed")


@pytest.mark.timeout(300)
async def test_what_is_typed_is_nowhere(own: Platform, tmp_path: Path) -> None:
    canaries = Canaries()
    admin_port, far_name = free_port(), f"far-{canaries.known}"
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        stage = story.Stage(own, partner, canaries)
        with gateway(own, far_name, UNSAID_ADMIN_PORT=str(admin_port)) as (address, far_gateway):
            await ready(address)
            await story.published(stage)
            talk, erased = await story.met(stage), await story.met(stage)
            await story.refused_by_http(stage, talk)
            author = await talk.join(talk.client, device=canaries.of("Hello.device"))
            therapist = await talk.join(talk.therapist)
            far = await talk.arrive(await talk.token(talk.therapist), address)
            await story.refused_by_socket(stage, talk, author)
            drafts = await story.wrote(stage, author, [therapist, far])
            await story.kept(stage, author, therapist, drafts)
            await story.said(stage, author, therapist)
            await story_of_features.told(stage, author, therapist)
            feed = await story_of_features.fed(stage, author)
            failed = await story.failed(stage, author)
            aside = [raw for place, raw in await dead_letters(own) if place.startswith("body")]
            await story.malformed(stage, talk, aside)
            await spilled(own, stage, talk)
            client = await erased.join(erased.client)
            await client.post(canaries.text("MessageSend.text"))
            await erase(erased)
            await caches_expired(own, erased)
            exports = await exported(own, talk, tmp_path / "export")
            messages = (await partner.text(f"/v1/conversations/{talk.id}/messages")).encode()
            letters = await dead_letters(own)
            pages = list(metrics(own, f"http://127.0.0.1:{admin_port}/metrics"))
            alive = list(processes(own, far_gateway.process.pid))
            await talk.leave()
            await erased.leave()
        postgres = await database(own, "gateway")
        await postgres.execute("checkpoint")
        await postgres.close()

    assert set(canaries.fields.values()) == PLANTED, "the story types no canary there"
    everywhere = {"exports": exports, "dead letters": letters, "metrics": pages, "processes": alive}
    folders = {name: list(files(own.home / name)) for name in ("postgres", "rabbitmq", "logs")}
    wal = [(place, raw) for place, raw in folders["postgres"] if "/pg_wal/" in place]
    put_aside = next(raw for _, raw in letters if failed.encode() in raw)
    command = re.search(rb'"id":"([0-9a-f-]{36})"', put_aside)
    assert command is not None
    # What is known to be there is found: so what isn't found isn't there.
    assert holds(wal, canaries.known)
    assert holds([leaf for leaf in folders["postgres"] if leaf not in wal], canaries.known)
    assert holds(folders["rabbitmq"], failed)
    assert holds(folders["logs"], command[1].decode())
    assert holds(letters, failed)
    assert holds(exports, talk.client)
    assert holds(pages, 'unsaid_dead_letters_total{reason="malformed"}')
    assert holds(alive, far_name)
    assert canaries.found([("messages", messages)]), "what is searched for is what people said"
    for name, leaves in {**everywhere, "home": list(files(own.home))}.items():
        assert canaries.found(leaves) == [], name
        assert not holds(leaves, feed), name
    said = {field for word, field in canaries.fields.items() if word.encode() in messages}
    assert said == {"MessageSend.text"}, "the partner reads what was said, and nothing else"
