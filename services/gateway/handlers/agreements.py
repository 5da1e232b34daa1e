"""Agreements: their words are checked and sealed here."""

from typing import TYPE_CHECKING

from services.gateway.egress.fitting import fit
from services.gateway.handlers.connection import Connection
from services.gateway.handlers.messages import check_text
from services.gateway.handlers.records import Asked, Feature
from shared.contracts import keys
from shared.contracts.features import agreements as c
from shared.contracts.text import TEXT_MAX
from shared.runtime.sealing import DataKey

if TYPE_CHECKING:
    from services.gateway.handlers.hub import Hub
    from services.gateway.handlers.room import Room

PAGE = 50


def _word(asked: Asked, frame: c.Worded, agreement: str, wording: int) -> c.WordAgreement:
    """Raises `Refused` (``bad_text``)."""
    check_text(frame.what, c.WHAT_MAX, "what")
    return c.WordAgreement(
        **asked.base,
        agreement=agreement,
        wording=wording,
        until=frame.until,
        remind=frame.remind,
        content=asked.seal(c.WhatContent(what=frame.what)),
    )


def _propose(asked: Asked, frame: c.AgreementPropose) -> c.WordAgreement:
    return _word(asked, frame, asked.record, 0)


def _revise(asked: Asked, frame: c.AgreementRevise) -> c.WordAgreement:
    return _word(asked, frame, frame.agreement, frame.wording)


def _accept(asked: Asked, frame: c.AgreementAccept) -> c.AnswerAgreement:
    return c.AnswerAgreement(
        **asked.base, agreement=frame.agreement, wording=frame.wording, action="accept", remind=bool(frame.remind)
    )


def _decline(asked: Asked, frame: c.AgreementDecline) -> c.AnswerAgreement:
    return c.AnswerAgreement(**asked.base, agreement=frame.agreement, wording=frame.wording, action="decline")


def _report(asked: Asked, frame: c.AgreementReport) -> c.ReportAgreement:
    """Raises `Refused` (``bad_text``)."""
    content = None
    if frame.text is not None:
        check_text(frame.text, TEXT_MAX)
        content = asked.seal(c.ReportContent(text=frame.text))
    return c.ReportAgreement(**asked.base, agreement=frame.agreement, how=frame.how, content=content)


def _close(asked: Asked, frame: c.AgreementClose) -> c.CloseAgreement:
    return c.CloseAgreement(**asked.base, agreement=frame.agreement)


def _value(key: DataKey, stored: c.StoredAgreement) -> c.AgreementValue:
    content = c.WhatContent.model_validate_json(key.open(keys.record(stored.worded), stored.content))
    return c.AgreementValue(**stored.model_dump(exclude={"worded", "content"}), what=content.what)


async def _list(hub: "Hub", room: "Room", connection: Connection, frame: c.AgreementList, ref: str) -> c.AgreementsOk:
    """As many as fit a frame."""
    question = c.ListAgreements(
        tenant=room.tenant,
        replyto=hub.address,
        conversation=room.id,
        participant=connection.participant,
        open=bool(frame.open),
        before=frame.before,
        limit=frame.limit or PAGE,
    )
    reply = await hub.requests.ask(hub.session_queue(room.id), question, c.AgreementsListed)
    key = await hub.keys.of(room.key_name)
    page = fit(_value(key, stored) for stored in reply.agreements)
    return c.AgreementsOk(ref=ref, agreements=page, more=reply.more or len(page) < len(reply.agreements))


FEATURE = Feature(
    builds={
        c.AgreementPropose: _propose,
        c.AgreementRevise: _revise,
        c.AgreementAccept: _accept,
        c.AgreementDecline: _decline,
        c.AgreementReport: _report,
        c.AgreementClose: _close,
    },
    answers={c.AgreementList: _list},
)
