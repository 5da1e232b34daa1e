"""What therapy adds to a conversation: something of each feature, for the first tenant of `tests.support.tenancy`."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.envelope import Command
from shared.contracts.features import absence, leaving, quiet, safety_plan, suitability
from shared.contracts.features.agreements import AnswerAgreement, ReportAgreement, WordAgreement
from shared.contracts.features.attunement import AnswerCheck, AskCheck, ReflectCheck
from shared.contracts.features.exercises import AnswerExercise, StartExercise
from shared.contracts.features.later import PlanMessage
from shared.contracts.features.safety import RaiseSafety
from shared.contracts.features.scheduling import ScheduleSession
from shared.contracts.features.symbols import AddReaction, AgreeSymbol, DefineSymbol
from shared.contracts.frames.values import LocalMoment
from shared.contracts.ids import new_id, rfc3339
from tests.support.due import local
from tests.support.tenancy_fields import EMOJI, EXERCISE, NO_HASH, QUIET

DAY_S = 86_400


def before_the_session(ids: dict[str, str], here: dict[str, Any]) -> Iterable[Command]:
    """The session that is started is one that was scheduled; another one is to come."""
    when = LocalMoment(**local())
    for session in (ids["session"], new_id()):
        asked: dict[str, Any] = {"record": session, "fingerprint": NO_HASH, "participant": ids["therapist"]}
        yield ScheduleSession(**here, **asked, session=session, revision=0, when=when, minutes=50, grace=15)


def of_each(ids: dict[str, str], here: dict[str, Any], content: str) -> Iterable[Command]:
    """In an order in which none is refused. The message ``ids["message"]`` is the client's."""

    def asked(role: str, record: str | None = None, **members: Any) -> dict[str, Any]:
        whole = {**here, "participant": ids[role], "record": record or new_id(), "fingerprint": NO_HASH}
        return {**whole, "content": content, **members}

    message, symbol, check, run = ids["message"], ids["symbol"], ids["check"], ids["run"]
    yield DefineSymbol(**asked("client", symbol), emoji=EMOJI)
    yield AgreeSymbol(**asked("therapist"), symbol=symbol, revision=1)
    yield AddReaction(**asked("therapist"), message=message, emoji=EMOJI)
    yield AskCheck(**asked("therapist", check), message=message)
    yield ReflectCheck(**asked("therapist"), check=check)
    yield AnswerCheck(**asked("client"), check=check, heard=False)
    yield StartExercise(**asked("client", run, content=None), exercise=EXERCISE)
    yield AnswerExercise(**asked("client"), run=run, step="before", next="what")
    agreement = ids["agreement"]
    remind = LocalMoment(**local())
    yield WordAgreement(**asked("client", agreement), agreement=agreement, wording=0, remind=remind)
    yield AnswerAgreement(
        **asked("therapist", content=None), agreement=agreement, wording=1, action="accept", remind=True
    )
    yield ReportAgreement(**asked("client"), agreement=agreement, how="partly")
    now = datetime.now(UTC)
    yield RaiseSafety(**asked("client", ids["raised"]), raised_at=rfc3339(now), escalate_after_s=DAY_S)
    yield safety_plan.SavePlan(**asked("client"), based_on=0)
    yield suitability.AnswerSuitability(**asked("client"), version=1)
    at = rfc3339(now + timedelta(days=1))
    yield PlanMessage(**asked("client"), message=ids["planned"], wording=0, at=at, sent_as=NO_HASH)
    yield leaving.ReportConversation(**asked("client"), reason="other")
    yield quiet.SetQuiet(**asked("client", content=None), hours=QUIET)
    yield absence.SetAway(**asked("therapist"), until=at)
