"""``python -m shared.runtime.keys migrate | rotate LEVEL [ID] | rewrap``: what the owner of the key store does.

Its address is in ``UNSAID_KEYS_URL``; no service may do this. To rotate and wrap anew it also needs the key provider,
as services are told it (``UNSAID_KEY_PROVIDER``, ``UNSAID_VAULT_TOKEN_FILE``). What was done is said in JSON.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr

from shared.contracts.errors import Code, Refused
from shared.runtime import migrations
from shared.runtime.keys.admin import TROUBLE, Admin
from shared.runtime.keys.providers import KeyProvider, provider_of
from shared.runtime.keys.store import FOLDER, KeyStore
from shared.runtime.postgres import HOUSEKEEPING, make_pool

USAGE = "there are: migrate; rotate provider; rotate tenant ID; rotate conversation ID; rewrap"

Work = Callable[[Admin], Awaitable[Mapping[str, int]]]


async def _rotate_provider(admin: Admin) -> Mapping[str, int]:
    await admin.rotate_provider()
    return {}


async def _rewrap(admin: Admin) -> Mapping[str, int]:
    return asdict(await admin.rewrap())


def _work(arguments: list[str]) -> Work:
    """What is asked for. Raises `SystemExit`."""
    match arguments:
        case ["rewrap"]:
            return _rewrap
        case ["rotate", "provider"]:
            return _rotate_provider
        case ["rotate", "tenant" | "conversation" as level, wanted]:
            return lambda admin: _rotate(admin, level, wanted)
        case _:
            sys.exit(f"keys: {USAGE}")


async def _rotate(admin: Admin, level: str, wanted: str) -> Mapping[str, int]:
    """Raises LookupError."""
    try:
        known = str(UUID(wanted))
    except ValueError:
        raise LookupError(wanted) from None
    return {"tenant": await admin.rotate_tenant(known)} if level == "tenant" else await admin.rotate_owner(known)


def _provider() -> KeyProvider:
    """Raises `SystemExit`."""
    token_file = os.environ.get("UNSAID_VAULT_TOKEN_FILE")
    try:
        return provider_of(os.environ.get("UNSAID_KEY_PROVIDER", ""), Path(token_file) if token_file else None)
    except ValueError as error:
        sys.exit(f"keys: UNSAID_KEY_PROVIDER: {error}")


async def _with(url: SecretStr, provider: KeyProvider, work: Work) -> Mapping[str, int]:
    store = KeyStore(make_pool(url, 1, HOUSEKEEPING))
    try:
        return await work(Admin(store, provider))
    finally:
        await provider.close()
        store.close()


def main() -> None:
    arguments = sys.argv[1:]
    work = None if arguments == ["migrate"] else _work(arguments)
    url = os.environ.get("UNSAID_KEYS_URL")
    if not url:
        sys.exit("keys: UNSAID_KEYS_URL must be set, to the address of the key store's owner")
    if work is None:
        migrations.apply(SecretStr(url), FOLDER / "migrations")
        return
    provider = _provider()
    try:
        done = asyncio.run(_with(SecretStr(url), provider, work))
    except LookupError as unknown:
        sys.exit(f"keys: {unknown.args[0]} has no keys; an erased conversation has none")
    except TROUBLE as error:
        gone = isinstance(error, Refused) and error.code is Code.KEY_GONE
        sys.exit(f"keys: {'a key that is needed is gone' if gone else 'the key store or the provider is away'}")
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
