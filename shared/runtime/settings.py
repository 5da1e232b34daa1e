"""Settings from the environment, built once at start, frozen, and passed in."""

import socket
from base64 import b64decode
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

KEY_BYTES = 32


def _key(secret: SecretStr) -> SecretStr:
    try:
        raw = b64decode(secret.get_secret_value(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ValueError("must be 32 bytes in base64")
    return secret


Key = Annotated[SecretStr, AfterValidator(_key)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Queues = Annotated[int, Field(ge=1, le=1_024)]
LogLevel = Literal["debug", "info", "warning", "error"]


class ServiceSettings(BaseSettings):
    """What each service needs. Secrets have no default, so that a missing one stops the start."""

    model_config = SettingsConfigDict(env_prefix="UNSAID_", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr
    amqp_url: SecretStr
    content_key: Key
    queue_kind: Literal["quorum", "classic"] = "quorum"
    """Of new command queues. Classic ones are for a broker of one node: cheaper and quicker there, and no less safe."""
    instance: str = Field(default_factory=socket.gethostname)
    admin_host: str = "127.0.0.1"
    admin_port: Port = 9100
    log_level: LogLevel = "info"
