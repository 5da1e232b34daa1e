"""Grants that end by themselves where something goes wrong meanwhile, or by forms that come as files."""

import asyncio
import shutil
import signal
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.home import REPO, Home
from deploy.local.supervision import Supervisor
from tests.support.instances import database, instance
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform

SOON_S = 4.0
UNREADABLE = "live_text/1.en: valid_days or older_lapse_at can't be read"
LATE_S = 60.0
"""What a test waits at most for what comes within seconds on a machine that has nothing else to do."""


def stamp(after_s: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=after_s)).isoformat(timespec="milliseconds")


async def form(who: Participant) -> dict[str, Any]:
    found: dict[str, Any] = next(f for f in (await who.ok("consent.forms"))["forms"] if f["purpose"] == "live_text")
    return {name: found[name] for name in ("purpose", "version", "sha256")}


async def showing(talk: Conversation, **grant: str) -> tuple[Participant, Participant]:
    """A client whose live text the therapist sees."""
    client, therapist = await talk.both()
    await client.ok("consent.grant", **await form(client), **grant)
    await client.ok("live.toggle", on=True)
    await client.ok("live.edit", draft=str(uuid.uuid4()), rev=1, ops=[[0, "i", 0, "hello"]])
    await therapist.until("live.edit")
    return client, therapist


async def recorded(platform: Platform, talk: Conversation) -> list[tuple[bool, str]]:
    connection = await database(platform, "consent")
    try:
        rows = await connection.fetch("select is_grant, via from decision where conversation = $1 order by at", talk.id)
    finally:
        await connection.close()
    return [(row["is_grant"], row["via"]) for row in rows]


def withdrawn(frame: dict[str, Any]) -> bool:
    return (frame["type"], frame.get("state")) == ("consent.changed", "withdrawn")


@pytest.mark.timeout(240)
async def test_an_end_that_was_recorded_and_not_told_is_told_by_the_next(own: Platform) -> None:
    supervisor = Supervisor(Home(own.home))
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        await asyncio.to_thread(supervisor.stop_parts, ["consent"])
        with instance(own, "consent", "dying", module="tests.support.dying_consent") as dying:
            await dying.until_logged("queue_taken", LATE_S)
            client, therapist = await showing(talk, expires_at=stamp(SOON_S))
            assert await dying.ended(LATE_S) == -signal.SIGKILL
        assert await recorded(own, talk) == [(True, "device"), (False, "system: expired")]
        assert not any(withdrawn(frame) for one in (client, therapist) for frame in one.seen)
        await asyncio.to_thread(supervisor.start_part, "consent")
        for one in (client, therapist):
            await one.where(withdrawn, LATE_S)
        assert await client.refused("live.toggle", on=True) == "consent_required"
        assert len(await recorded(own, talk)) == 2
        await own.until_ready()
        await talk.leave()


# --- forms as files --------------------------------------------------------------------------------------------------


def copy(into: Path) -> Path:
    """The consent service's own source, and its folder of forms on live text."""
    for part in ("services/__init__.py", "services/consent", "shared"):
        source, target = REPO / part, into / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return into / "services/consent/forms/live_text"


async def reason(platform: Platform, folder: Path) -> str:
    """Why a service refuses to run."""
    with instance(platform, "consent", f"refused-{uuid.uuid4().hex[:8]}", folder=folder) as refused:
        assert await refused.ended(LATE_S) == 3
        assert "Traceback" not in refused.log.read_text()
        (line,) = refused.logged("refused_to_run")
        found: str = line["reason"]
        return found


@pytest.mark.timeout(240)
async def test_a_form_that_was_changed_after_it_was_published_stops_the_start(own: Platform, tmp_path: Path) -> None:
    forms = copy(tmp_path)
    whole = (forms / "1.en.md").read_text()
    for changed, said in (
        (whole + "More.\n", "live_text/1.en: changed after it was published"),
        (whole.replace("title: ", "name: "), "live_text/1.en: not a title, an empty line and a text"),
        (whole.replace("\n\n", "\nolder_lapse_at: soon\n\n", 1), UNREADABLE),
    ):
        (forms / "1.en.md").write_text(changed)
        assert await reason(own, tmp_path) == said
    (forms / "1.en.md").write_text(whole)
    (forms / "2.fr.md").write_text((forms / "1.fr.md").read_text())
    assert await reason(own, tmp_path) == "live_text: the newest version has no text in en"


@pytest.mark.timeout(240)
async def test_a_new_version_in_a_file_ends_grants_of_older_ones(own: Platform, tmp_path: Path) -> None:
    """The last test here: from then on this platform has another form."""
    forms = copy(tmp_path)
    async with Partner(own.gateway, own.client_id, own.client_secret) as partner:
        talk = await partner.conversation()
        client, therapist = await showing(talk)
        old = await form(client)
        lapse_at = stamp(SOON_S)
        for locale in ("en", "fr"):
            head, text = (forms / f"1.{locale}.md").read_text().split("\n\n", 1)
            new = f"{head}\nvalid_days: 30\nolder_lapse_at: {lapse_at}\n\n{text}\nNew.\n"
            (forms / f"2.{locale}.md").write_text(new)
        with instance(own, "consent", "newer", folder=tmp_path):
            await client.where(withdrawn, LATE_S)
            await therapist.until("live.clear")
            assert await client.refused("live.toggle", on=True) == "consent_required"
            assert (await recorded(own, talk))[-1] == (False, "system: lapsed")
            assert await client.refused("consent.grant", **old) == "stale_form"
            newer = await form(client)
            assert newer["version"] == old["version"] + 1
            await client.ok("consent.grant", **newer)
            _, found = await partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
            grant = found["decisions"][-1]
            lasts = datetime.fromisoformat(grant["expires_at"]) - datetime.fromisoformat(grant["at"])
            assert lasts == timedelta(days=30)
        before, long_ago = stamp(0), stamp(-3_600)
        for locale in ("en", "fr"):
            text = (forms / f"2.{locale}.md").read_text()
            (forms / f"3.{locale}.md").write_text(text.replace(lapse_at, long_ago) + "Newest.\n")
        with instance(own, "consent", "newest", folder=tmp_path):
            async with asyncio.timeout(LATE_S):
                while await live_text(partner, talk, stamp(0)) != "withdrawn":  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        assert await live_text(partner, talk, before) == "granted"  # a version that comes late changes no past
        await talk.leave()


async def live_text(partner: Partner, talk: Conversation, at: str) -> str:
    """What was in force of the client's live text."""
    _, found = await partner.ask("GET", f"/v1/conversations/{talk.id}/consents?at={at.replace('+', '%2B')}")
    return str(found["in_force"][talk.client]["live_text"]["state"])
