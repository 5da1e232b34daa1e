"""`./unsaid keys`: rotate keys, and bring all under the newest versions of what wraps them."""

import asyncio
import json
import subprocess
import sys
from typing import Annotated, Literal

import asyncpg
import typer

from deploy.local import postgres, services
from deploy.local.home import REPO, Home, State
from deploy.local.progress import say
from deploy.local.trouble import Trouble

app = typer.Typer(help="Rotate keys, and wrap them anew. The platform goes on meanwhile.", no_args_is_help=True)


def _state() -> State:
    state = Home.from_environment().state
    if state is None:
        raise Trouble("there is no platform here", "start one with `./unsaid up`")
    return state


def _run(*words: str) -> dict[str, int]:
    """As the key store's owner, the way it is done elsewhere as well. Raises `Trouble`."""
    state = _state()
    told = {"UNSAID_KEYS_URL": postgres.owner_url(state, postgres.KEYS), "UNSAID_KEY_PROVIDER": state.key_provider}
    done = subprocess.run(
        [sys.executable, "-m", "shared.runtime.keys", *words],
        env=services.plain({"UNSAID_VAULT_TOKEN_FILE"}) | told,
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise Trouble(reason[0].removeprefix("keys: "), "what is done stays done; see Rotation in docs/privacy.md")
    found: dict[str, int] = json.loads(done.stdout)
    return found


@app.command()
def rotate(
    level: Annotated[Literal["provider", "tenant", "conversation"], typer.Argument(help="Which level of keys.")],
    wanted: Annotated[
        str | None, typer.Argument(metavar="ID", help="Whose: a tenant's name or id, a conversation's id.")
    ] = None,
) -> None:
    """Make a new version, for what is sealed or wrapped from 330 s on; everything older still opens."""
    if (level == "provider") != (wanted is None):
        raise typer.BadParameter("the provider has one key; tenant and conversation are named by ID")
    if level == "provider":
        _run("rotate", level)
        say("The provider has a new version; `./unsaid keys rewrap` brings the tenants' keys under it.")
    elif level == "tenant":
        version = _run("rotate", level, asyncio.run(_tenant(wanted or "")))["tenant"]
        say(f"Version {version} of the tenant's key; `./unsaid keys rewrap` brings its data keys under it.")
    else:
        versions = _run("rotate", level, wanted or "")
        say(", ".join(f"{kind}: version {version}" for kind, version in sorted(versions.items())))


async def _tenant(wanted: str) -> str:
    """The id of a tenant, by name or id; what isn't known as it is."""
    connection = await asyncpg.connect(postgres.serving_url(_state(), "gateway"), timeout=5)
    try:
        found = await connection.fetchval("select id from tenant where name = $1 or id::text = $1", wanted)
    finally:
        await connection.close()
    return wanted if found is None else str(found)


@app.command()
def rewrap() -> None:
    """Bring all keys under the newest versions of what wraps them. Interrupted, run it again: it goes on."""
    done = _run("rewrap")
    say(f"Wrapped anew: {done['tenant_keys']} keys of tenants, {done['data_keys']} data keys.")
    if done["gone"]:
        raise Trouble(
            f"{done['gone']} keys don't open any more", "put back the versions of the keys above them, if you can"
        )
