"""Settings of the consent service."""

from shared.runtime.settings import Queues, ServiceSettings


class Settings(ServiceSettings):
    """Its own queues."""

    admin_port: int = 9102
    consent_queues: Queues = 1
