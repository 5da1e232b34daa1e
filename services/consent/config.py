"""Settings of the consent service."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr, StringConstraints

from shared.runtime.settings import Queues, ServiceSettings
from shared.transparency.notes import read_keys


def _keys(secret: SecretStr) -> SecretStr:
    read_keys(secret.get_secret_value())
    return secret


class Settings(ServiceSettings):
    """Its own queues, and the name and the key of the consent logs."""

    admin_port: int = 9102
    consent_queues: Queues = 1
    consent_log_name: Annotated[str, StringConstraints(pattern=r"^[!-*,-~]+$", max_length=200)]
    """Of the deployment, like a URL without its scheme; each tenant's log is named below it, for ever."""
    consent_log_key: Annotated[SecretStr, AfterValidator(_keys)]
    """Signs the logs' checkpoints; several while one follows another (`shared.transparency.notes.read_keys`)."""
