"""Settings of the notes service."""

from shared.runtime.settings import Queues, ServiceSettings


class Settings(ServiceSettings):
    """Its own queues."""

    admin_port: int = 9103
    notes_queues: Queues = 1
