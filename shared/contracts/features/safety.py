"""Safety: asking for help, at once and whatever is away; that it was seen; and what happens while it isn't.

A raise's id is its ``record``. It is told by ``safety.raised`` once it is recorded. Where that takes too long, those
who are connected get ``safety.alert`` with the same ``record`` before, and ``safety.raised`` as soon as can be.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.envelope import Reply, Sealed
from shared.contracts.frames.base import Answer, From, Happened, InConversation, Lasting
from shared.contracts.frames.values import LeftOut, OpenRaise, Value
from shared.contracts.ids import Id, Moment, Role
from shared.contracts.records import Notice, Question, RecordCommand, RecordFact, TenantQuestion
from shared.contracts.safety_data import Country

HELP_TEXT_MAX = 2_000
OPEN_MOST = 50
"""Raises of one person in one conversation that wait to be seen. More say no more, and each has a clock of its own."""


# --- frames -----------------------------------------------------------------------------------------------------------


class SafetyRaise(InConversation):
    """Something is wrong, or soon will be. By either, at any time; never refused for being too fast, or for being more.

    What is refused all the same has the ``resources`` among its error's details.
    """

    type: Literal["safety.raise"]
    record: Id | None = None
    text: str | None = None


class SafetyAcknowledge(Lasting):
    """It was seen, and is being taken care of. The therapist's."""

    type: Literal["safety.acknowledge"]
    raised: Id


class SafetyList(InConversation):
    """The newest first; ``open``: what nobody has acknowledged. ``before``: what follows one that one has."""

    type: Literal["safety.list"]
    open: bool | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] | None = None


class SafetyResources(InConversation):
    """Where help is to be had, without telling anybody. ``region``: another than one's own."""

    type: Literal["safety.resources"]
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


class ContactValue(Value):
    name: str
    call: str | None = LeftOut
    text: str | None = LeftOut
    link: str | None = LeftOut
    hours: str | None = LeftOut
    note: str | None = LeftOut


class RegionValue(Value):
    region: Country
    name: str


class ResourcesValue(Value):
    """``version``: of the tenant's data. ``regions``: for which there are others."""

    version: int
    region: Country
    name: str
    emergency: list[str]
    contacts: list[ContactValue]
    regions: list[RegionValue]


class ResourcesOk(Answer):
    resources: ResourcesValue


class RaiseOk(Answer):
    """``recorded`` False: everybody who is connected was told, and it is recorded (with an ``n``) as soon as can be.

    ``joined``: `OPEN_MOST` of this person's wait to be seen, so this one stands with ``record``, the newest of them.
    Its text was told to who is connected, and isn't ``recorded``.
    """

    record: Id
    recorded: bool
    joined: bool | None = LeftOut
    n: int | None = LeftOut
    at: str
    resources: ResourcesValue


class RaiseSummary(OpenRaise):
    acknowledged_at: str | None = LeftOut
    acknowledged_by: Id | None = LeftOut


class RaiseValue(RaiseSummary):
    text: str | None = LeftOut


class RaisesOk(Answer):
    raises: list[RaiseValue]
    more: bool


class SafetyAlerted(Value):
    """As ``safety.raised``, before it is recorded. ``joined``: more words with ``record``, that are kept nowhere."""

    type: Literal["safety.alert"] = "safety.alert"
    conversation: Id
    record: Id
    sender: From
    at: str
    text: str | None = LeftOut
    joined: bool | None = LeftOut


class SafetyRaised(Happened):
    """``raised_at``: when it was asked for; it may have been recorded later."""

    type: Literal["safety.raised"] = "safety.raised"
    raised_at: str
    text: str | None = LeftOut


class SafetyChanged(Happened):
    """``safety.escalated`` comes once: nobody has seen it yet, and the partner's side is to be told."""

    type: Literal["safety.acknowledged", "safety.escalated"]
    raised: Id


# --- commands and facts -----------------------------------------------------------------------------------------------


class HelpContent(Value):
    text: str


class RaiseSafety(RecordCommand):
    """Content: `HelpContent`, where there is a text."""

    type: Literal["session.raise_safety"] = "session.raise_safety"
    raised_at: Moment
    escalate_after_s: Annotated[int, Field(ge=1)]


class AcknowledgeSafety(RecordCommand):
    type: Literal["session.acknowledge_safety"] = "session.acknowledge_safety"
    raised: Id


class EscalateSafety(RecordCommand):
    """Comes of the service's own clock, when nobody has acknowledged in time; nobody waits for its answer."""

    type: Literal["session.escalate_safety"] = "session.escalate_safety"
    raised: Id


class ListRaises(Question):
    type: Literal["session.list_raises"] = "session.list_raises"
    open: bool
    before: Id | None = None
    limit: int


class StoredRaise(RaiseSummary):
    """Content: `HelpContent`, sealed as the record ``raised``."""

    content: Sealed | None = None


class RaisesListed(Reply):
    type: Literal["session.raises_listed"] = "session.raises_listed"
    raises: list[StoredRaise]
    more: bool


class RaisePlace(Value):
    """A raise; its id alone is one only in its conversation."""

    conversation: Id
    raised: Id


class ListTenantRaises(TenantQuestion):
    """All of a tenant's, the oldest first. Ids and times only."""

    type: Literal["session.list_tenant_raises"] = "session.list_tenant_raises"
    open: bool
    after: RaisePlace | None = None
    limit: int


class TenantRaise(RaiseSummary):
    conversation: Id
    role: Role


class TenantRaisesListed(Reply):
    type: Literal["session.tenant_raises_listed"] = "session.tenant_raises_listed"
    raises: list[TenantRaise]
    more: bool


class SafetyRaisedFact(RecordFact):
    """Content: `HelpContent`, where there is a text."""

    kind: Literal["safety.raised"] = "safety.raised"
    raised_at: str


class SafetyChangedFact(RecordFact):
    kind: Literal["safety.acknowledged", "safety.escalated"]
    raised: Id


class SafetyAlert(Notice):
    """From the gateway of who raised it to the others that hold the conversation. Content: `HelpContent`.

    ``given_up``: that gateway tries no more to have it recorded, so it is shown as open no more. ``joined``: more words
    with a raise that waits already, to be told and not kept.
    """

    type: Literal["gateway.safety_alert"] = "gateway.safety_alert"
    record: Id
    sender: Id
    at: str
    content: Sealed | None = None
    given_up: bool = False
    joined: bool = False


ClientFrame = SafetyRaise | SafetyAcknowledge | SafetyList | SafetyResources
ServerFrame = SafetyAlerted | SafetyRaised | SafetyChanged
Command = RaiseSafety | AcknowledgeSafety | EscalateSafety | ListRaises | ListTenantRaises
Fact = SafetyRaisedFact | SafetyChangedFact
Told = RaisesListed | TenantRaisesListed | SafetyAlert
OKS: dict[str, type[Answer]] = {"safety.raise": RaiseOk, "safety.list": RaisesOk, "safety.resources": ResourcesOk}
CONTENTS = (HelpContent,)
