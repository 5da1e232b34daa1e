"""Suitability: the tenant's questions, answers that fit them, and what those advise to the therapist alone."""

from typing import TYPE_CHECKING

from services.gateway.handlers.connection import Connection
from services.gateway.handlers.records import Asked, Feature
from shared.contracts import keys
from shared.contracts.errors import Code, Refused
from shared.contracts.features import suitability as c
from shared.safety.suitability import MisfitAnswer, advice, require_fit

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room


def _answer(asked: Asked, frame: c.SuitabilityAnswer) -> c.AnswerSuitability:
    """Raises `Refused`: ``stale_form`` with the version as it is, ``bad_answer`` with the question and the reason."""
    form = asked.hub.safety.of(asked.room.tenant).suitability
    if frame.version != form.version:
        raise Refused(Code.STALE_FORM, {"version": form.version})
    try:
        require_fit(form, frame.answers)
    except MisfitAnswer as misfit:
        raise Refused(Code.BAD_ANSWER, {"question": misfit.question, "reason": misfit.reason}) from None
    content = c.SuitabilityContent(answers=frame.answers, advice=advice(form, frame.answers))
    return c.AnswerSuitability(**asked.base, version=frame.version, content=asked.seal(content))


async def _get(hub: "Hub", room: "Room", connection: Connection, frame: c.SuitabilityGet, ref: str) -> c.SuitabilityOk:
    question = c.ReadSuitability(
        tenant=room.tenant, replyto=hub.address, conversation=frame.conversation, participant=connection.participant
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.SuitabilityRead)
    form = hub.safety.of(room.tenant).suitability
    shown = c.FormAskedValue(version=form.version, title=form.title, about=form.about, questions=form.questions)
    if reply.record is None or not reply.content or reply.version is None or reply.at is None:
        return c.SuitabilityOk(ref=ref, form=shown)
    key = await hub.keys.of(room.key_name)
    content = c.SuitabilityContent.model_validate_json(key.open(keys.record(reply.record), reply.content))
    return c.SuitabilityOk(
        ref=ref,
        form=shown,
        answered=c.FormAnsweredValue(version=reply.version, at=reply.at, answers=content.answers),
        advice=content.advice if connection.is_therapist else None,
    )


FEATURE = Feature(
    builds={c.SuitabilityAnswer: _answer}, answers={c.SuitabilityGet: _get}, only={c.SuitabilityAnswer: "client"}
)
