"""The key above all keys of this machine, in a file."""

import asyncio
from pathlib import Path

from deploy.local.home import State
from deploy.local.trouble import Trouble
from shared.contracts.errors import Unavailable
from shared.runtime.keys.providers import FileProvider


def need_key(state: State, *, new: bool) -> None:
    """Make it where the key store is new. A lost one is never replaced by another."""
    kind, _, path = state.key_provider.partition(":")
    if kind != "file" or Path(path).exists():
        return
    if not new:
        raise Trouble(
            f"{path} is gone, and with it the key that opens all others",
            "put it back from your backup; without it nothing that was said can be read",
        )
    try:
        asyncio.run(FileProvider(Path(path)).rotate())
    except Unavailable:
        raise Trouble(f"{path} can't be written", "look at the folder's rights") from None
