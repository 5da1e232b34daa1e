"""Frames of live text to bytes."""

import orjson

from services.gateway.domain.live import Edit, LiveFrame


def rendered(frame: LiveFrame) -> bytes:
    """The frame as it travels; an edit just as `shared.contracts.frames.server.LiveEdit` writes it."""
    if not isinstance(frame, Edit):
        return frame.model_dump_json().encode()
    return orjson.dumps(
        {
            "type": "live.edit",
            "conversation": frame.conversation,
            "draft": frame.draft,
            "rev": frame.rev,
            "ops": frame.ops,
            "from": frame.sender,
        }
    )
