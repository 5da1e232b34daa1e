"""The safety plan: checked, sealed and opened here."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.records import Asked, Feature
from shared.contracts import keys
from shared.contracts.features import safety_plan as c

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


def _save(asked: Asked, frame: c.PlanSave) -> c.SavePlan:
    """Raises `Refused` (``bad_text``, naming the list)."""
    for name in c.PlanValue.model_fields:
        for item in getattr(frame.plan, name):
            check_text(item, c.ITEM_MAX, name)
    return c.SavePlan(**asked.base, based_on=frame.based_on, content=asked.seal(c.PlanContent(plan=frame.plan)))


async def _get(hub: "Hub", room: "Room", connection: Connection, frame: c.PlanGet, ref: str) -> c.PlanOk:
    """Raises `Refused` (``not_found``): there is no such version."""
    question = c.ReadPlan(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        version=frame.version,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.PlanRead)
    plan = None
    if reply.record is not None and reply.content is not None:
        key = await hub.keys.of(room.key_name)
        plan = c.PlanContent.model_validate_json(key.open(keys.record(reply.record), reply.content)).plan
    return c.PlanOk(ref=ref, version=reply.version, newest=reply.newest, author=reply.author, at=reply.at, plan=plan)


FEATURE = Feature(builds={c.PlanSave: _save}, answers={c.PlanGet: _get})
