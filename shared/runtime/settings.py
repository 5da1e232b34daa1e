"""Settings from the environment, built once at start, frozen, and passed in."""

import socket
from base64 import b64decode
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.keys.providers import KEY_BYTES, provider_of


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
    queue_kind: Literal["quorum", "classic"] = "quorum"
    """Of new command queues. Classic ones are for a broker of one node: cheaper and quicker there, and no less safe."""
    instance: str = Field(default_factory=socket.gethostname)
    admin_host: str = "127.0.0.1"
    admin_port: Port = 9100
    log_level: LogLevel = "info"
    plain: bool = False
    """Only what a message needs: for benchmarks, which compare with it."""


class KeySettings(ServiceSettings):
    """Of a service that seals or opens contents: where the wrapped keys are, and who has the key above them.

    Nobody else has the deployment's key: with it one can ask the session service past the broker
    (`shared.runtime.reads`).
    """

    content_key: Key
    keys_url: SecretStr
    key_provider: str
    """As `shared.runtime.keys.providers.provider_of` has it."""
    vault_token_file: Path | None = None

    @model_validator(mode="after")
    def _provider_is_known(self) -> Self:
        provider_of(self.key_provider, self.vault_token_file)
        return self
