"""`./unsaid keys`: rotate keys, and bring all under the newest versions of what wraps them."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import asyncpg
import typer
from pydantic import SecretStr, TypeAdapter, ValidationError

from deploy.local import postgres
from deploy.local.home import Home, State
from deploy.local.progress import say
from deploy.local.trouble import Trouble
from shared.contracts.errors import Code, Refused
from shared.contracts.ids import Id
from shared.runtime.keys.admin import TROUBLE, Admin
from shared.runtime.keys.providers import provider_of
from shared.runtime.keys.store import KeyStore
from shared.runtime.postgres import HOUSEKEEPING, make_pool

app = typer.Typer(help="Rotate keys, and wrap them anew. The platform goes on meanwhile.", no_args_is_help=True)

T = TypeVar("T")
_id: TypeAdapter[str] = TypeAdapter(Id)


def _state() -> State:
    state = Home.from_environment().state
    if state is None:
        raise Trouble("there is no platform here", "start one with `./unsaid up`")
    return state


async def _with(state: State, work: Callable[[Admin], Awaitable[T]]) -> T:
    token_file = os.environ.get("UNSAID_VAULT_TOKEN_FILE")
    provider = provider_of(state.key_provider, Path(token_file) if token_file else None)
    store = KeyStore(make_pool(SecretStr(postgres.database_url(state, postgres.KEYS)), 1, HOUSEKEEPING))
    try:
        return await work(Admin(store, provider))
    finally:
        await provider.close()
        store.close()


def _run(work: Callable[[Admin], Awaitable[T]]) -> T:
    state = _state()
    try:
        return asyncio.run(_with(state, work))
    except TROUBLE as error:
        what = "a key that is needed is gone" if _is(error, Code.KEY_GONE) else "the key store or the provider is away"
        raise Trouble(what, "run it again when the platform is up; what is done stays done") from None
    except ValueError as error:
        raise Trouble(f"the key provider: {error}", "see UNSAID_KEY_PROVIDER in docs/privacy.md") from None


def _is(error: BaseException, code: Code) -> bool:
    return isinstance(error, Refused) and error.code is code


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
        _run(lambda admin: admin.rotate_provider())
        say("The provider has a new version; `./unsaid keys rewrap` brings the tenants' keys under it.")
        return
    try:
        if level == "tenant":
            tenant = _run(lambda _: _tenant(wanted or ""))
            version = _run(lambda admin: admin.rotate_tenant(tenant))
            say(f"Version {version} of the tenant's key; `./unsaid keys rewrap` brings its data keys under it.")
        else:
            versions = _run(lambda admin: admin.rotate_owner(_known(wanted or "")))
            say(", ".join(f"{kind}: version {version}" for kind, version in sorted(versions.items())))
    except LookupError:
        raise Trouble(f"{wanted} has no keys", "see that the name is right; an erased conversation has none") from None


def _known(wanted: str) -> str:
    try:
        return _id.validate_python(wanted)
    except ValidationError:
        raise LookupError(wanted) from None


async def _tenant(wanted: str) -> str:
    """The id of a tenant, by name or id. Raises LookupError."""
    connection = await asyncpg.connect(postgres.database_url(_state(), "gateway"), timeout=5)
    try:
        found = await connection.fetchval("select id from tenant where name = $1 or id::text = $1", wanted)
    finally:
        await connection.close()
    if found is None:
        raise LookupError(wanted)
    return str(found)


@app.command()
def rewrap() -> None:
    """Bring all keys under the newest versions of what wraps them. Interrupted, run it again: it goes on."""
    done = _run(lambda admin: admin.rewrap())
    say(f"Wrapped anew: {done.tenant_keys} keys of tenants, {done.data_keys} data keys.")
    if done.gone:
        raise Trouble(
            f"{done.gone} keys don't open any more", "put back the versions of the keys above them, if you can"
        )
