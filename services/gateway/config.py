"""Settings of the gateway."""

from base64 import b64decode
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.runtime.keys.providers import KEY_BYTES
from shared.runtime.settings import KeySettings, Port, Queues


def _keys(keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for secret in keys.values():
        try:
            raw = b64decode(secret.get_secret_value(), validate=True)
        except ValueError:
            raw = b""
        if len(raw) < KEY_BYTES:
            raise ValueError("each key must be at least 32 bytes in base64")
    if not keys:
        raise ValueError("there must be one key at least")
    return keys


class Settings(KeySettings):
    """The public listener, the keys that sign tokens (the first signs), and the services' numbers of queues."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str
    token_keys: Annotated[dict[str, SecretStr], AfterValidator(_keys), Field(repr=False)]
    session_url: str = "http://127.0.0.1:9101"
    """The session service's admin port, for reads while the broker takes nothing."""
    region: str = "local"
    session_queues: Queues = 2
    consent_queues: Queues = 1
    notes_queues: Queues = 1
    safety: Path | None = None
    """A folder of tenants' own crisis resources and questions (docs/safety.md), read at start."""
