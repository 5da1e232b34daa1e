"""Settings of the session service."""

from pathlib import Path

from shared.runtime.settings import KeySettings, Queues


class Settings(KeySettings):
    """Its own queues, and those of the services it tells of new conversations."""

    admin_port: int = 9101
    session_queues: Queues = 2
    consent_queues: Queues = 1
    notes_queues: Queues = 1
    exercises: Path | None = None
    """A folder of tenants' own exercises (docs/exercises.md), read at start."""
