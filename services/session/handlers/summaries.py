"""What a session was, in facts. Each feature gives its own part (`Feature.summary`), under the name it has there."""

from collections.abc import Mapping
from typing import Any

from services.session import errors
from services.session.domain.heads import Head
from services.session.handlers.records import Feature, Part
from services.session.store.summaries import Summaries
from shared.contracts.features import summaries as c
from shared.contracts.ids import rfc3339
from shared.runtime.postgres import Connection


def feature(parts: Mapping[str, Part]) -> Feature:
    """The summary that is made of these parts."""

    async def read(tx: Connection, head: Head, command: c.ReadSummary) -> c.SummaryRead:
        """Raises `Refused` (``not_found``: no such session)."""
        span = await Summaries(tx).span(head.id, command.session)
        if span is None:
            raise errors.not_found("session")
        found: dict[str, Any] = {name: await part(tx, head, span) for name, part in parts.items()}
        summary = c.StoredSummary(
            session=span.session,
            started_at=rfc3339(span.started_at),
            ended_at=None if span.ended_at is None else rfc3339(span.ended_at),
            duration_s=int(((span.ended_at or head.now) - span.started_at).total_seconds()),
            **found,
        )
        return c.SummaryRead(causationid=command.id, summary=summary)

    return Feature(reads={c.ReadSummary: read})
