"""A tenant of its own whose consent log can be read, tampered with, and verified by `./unsaid consent`."""

import asyncio
import base64
import hashlib
import io
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import asyncpg

from deploy.local import cli
from deploy.local.home import REPO
from tests.support.instances import database
from tests.support.participants import Conversation, Partner
from tests.support.platform import Platform

Json = dict[str, Any]


@dataclass(frozen=True)
class Tenant:
    """A partner whose conversations nobody else decides in."""

    platform: Platform
    partner: Partner
    client_id: str
    secret: str
    talks: list[Conversation] = field(default_factory=list)

    async def decide(self, talk: Conversation, decision: str = "grant", **fields: object) -> Json:
        """A decision on live text, relayed by the partner."""
        path = f"/v1/conversations/{talk.id}/consents"
        body = {"participant": talk.client, "purpose": "live_text", "decision": decision, **await self.form(), **fields}
        status, made = await self.partner.ask("POST", path, body)
        assert status == 201, made
        return made

    async def form(self) -> Json:
        """Version and hash of the form in force."""
        text = (REPO / "services/consent/forms/live_text/1.en.md").read_text().partition("\n\n")[2].strip()
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {"version": 1, "sha256": digest}

    async def decisions(self, count: int) -> list[Json]:
        """So many decisions, taking turns, in one conversation."""
        talk = await self.partner.conversation()
        self.talks.append(talk)
        return [await self.decide(talk, "withdraw" if n % 2 else "grant") for n in range(count)]

    async def text(self, path: str) -> tuple[int, str, str]:
        """Status, content type and body."""
        headers = {"Authorization": f"Bearer {await self.partner.token()}"}
        async with aiohttp.ClientSession() as http, http.get(self.platform.gateway + path, headers=headers) as answer:
            return answer.status, answer.content_type, await answer.text()

    async def checkpoint(self) -> str:
        status, kind, note = await self.text("/v1/consent-log/checkpoint")
        assert (status, kind) == (200, "text/plain"), note
        return note

    async def entries(self, start: int = 0, end: int = 1_000) -> list[bytes]:
        status, body = await self.partner.ask("GET", f"/v1/consent-log/entries?start={start}&end={end}")
        assert status == 200, body
        return [base64.b64decode(entry["leaf_input"]) for entry in body["entries"]]

    async def consent(self, *arguments: str | Path) -> tuple[int, str]:
        """`./unsaid consent …` as this partner: exit status, and all that it said."""
        live = ("--gateway", self.platform.gateway, "--client-id", self.client_id)
        return await unsaid(*arguments, *live, UNSAID_CLIENT_SECRET=self.secret)


async def unsaid(*arguments: str | Path, **environment: str) -> tuple[int, str]:
    """`./unsaid consent …`, in this process: exit status, and all that it said. What isn't told well is raised."""
    return await asyncio.to_thread(_run, ["unsaid", "consent", *map(str, arguments)], environment)


def _run(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    said = io.StringIO()
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, environment),
        redirect_stdout(said),
        redirect_stderr(said),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
    return 0, said.getvalue()


@asynccontextmanager
async def new_tenant(platform: Platform) -> AsyncIterator[Tenant]:
    client_id, secret = await asyncio.to_thread(platform.tenant)
    async with Partner(platform.gateway, client_id, secret) as partner:
        found = Tenant(platform, partner, client_id, secret)
        # A gateway looks for new tenants once a second.
        while (await found.text("/v1/consent-log/key"))[0] == 401:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)
        yield found
        for talk in found.talks:
            await talk.leave()


@asynccontextmanager
async def thief(platform: Platform) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Somebody who may do everything in the consent database, for whom no trigger fires."""
    connection = await database(platform, "consent")
    try:
        await connection.execute("set session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


def new_id() -> str:
    return str(uuid.uuid4())
