"""What the fields of commands may be, when one tenant asks about another one's things (`tests.support.tenancy`)."""

from base64 import b64encode
from typing import Any

from shared.contracts import commands as c
from shared.contracts import consent_commands as cc
from shared.contracts.envelope import Command
from shared.contracts.features import agreements, attunement, exercises, later, leaving, safety, scheduling, symbols
from shared.contracts.features.pacing import ReadPacingSeries
from shared.contracts.features.quiet import QuietHours
from shared.contracts.frames.values import FormTextValue, LocalMoment
from shared.contracts.ids import PURPOSES

HOLDER = "gateway.holder"
"""The gateway that holds the first tenant's conversation."""
OTHER = "gateway.other"
NO_HASH = "0" * 64
EMOJI = "0" * 32
"""The tag of an emoji that has a meaning in the first tenant's conversation."""
EXERCISE = "urge_surfing"
WHEN = LocalMoment(at="2030-01-01T12:00", zone="Europe/Paris")
QUIET = QuietHours(starts="22:00", ends="07:00", zone="Europe/Paris")

NAMES = (
    "message", "session", "draft", "run", "mark", "decision", "note", "record",
    "symbol", "check", "agreement", "raised", "planned",
)  # fmt: skip
PLAIN: dict[str, list[Any]] = {
    **{name: [None] for name in ("valid_days", "older_lapse_at", "if_epoch", "device", "by", "expires_at")},
    **{name: [None] for name in ("decided_at", "at", "until", "timer")},
    **{name: [True, False] for name in ("keyed", "erased", "grant", "heard", "open", "only_open", "deciding")},
    "put_off": [True, False],
    **{name: ["en"] for name in ("client_locale", "therapist_locale", "locale")},
    **{name: [None, 0] for name in ("after", "after_n", "after_seq")},
    **{name: [0, 1, 2] for name in ("first", "second")},
    **{name: [1] for name in ("revision", "wording")},
    "before": [None, 2],
    "up_to_n": [100],
    "limit": [10],
    "seq": [1, 2],
    "start": [0],
    "end": [10],
    "number": [0, 1],
    "ops": [1, 9],
    "age_ms": [0],
    "at_op": [0],
    "fingerprint": [NO_HASH, "1" * 64],
    "sent_as": [NO_HASH],
    "content": [b64encode(b"mine").decode()],
    "words": [None, 2],
    "uses": [(), (EMOJI,)],
    "intervention": ["advice"],
    "muted": [True],
    "region": ["eu"],
    "roles": [("client", "therapist")],
    "locales": [(None, None)],
    "missing": [[]],
    "outdated": [{}],
    "replyto": [HOLDER, OTHER],
    "via": ["device"],
    "format": ["text"],
    "version": [1, 2],
    "purpose": list(PURPOSES),
    "texts": [[FormTextValue(locale="en", title="O", text="the other's\n")]],
    "emoji": [EMOJI, "1" * 32],
    "exercise": [EXERCISE],
    "step": ["before", "what"],
    "next": [None, "what"],
    "how": ["done", "partly"],
    "raised_at": ["2026-01-01T00:00:00Z"],
    "escalate_after_s": [600],
    "based_on": [0, 1],
    "when": [WHEN],
    "minutes": [50],
    "grace": [15],
    "reason": ["other"],
    "hours": [None, QUIET],
}
"""What fields may be that name nothing of another tenant's."""


def own(ids: dict[str, str], fresh: str) -> dict[tuple[type[Command], str], list[Any]]:
    """What a field may be in one command, where in others of its name it is something else."""
    place, planned = ids["conversation"], [ids["planned"], ids["message"], fresh]
    return {
        (c.ListConversations, "before"): [None, place],
        (c.ListCompositions, "before"): [None, ids["draft"]],
        (ReadPacingSeries, "before"): [None, ids["session"]],
        (cc.ReadRecord, "before"): [None, cc.DecisionPlace(conversation=place, decision=ids["decision"])],
        (exercises.ListRuns, "before"): [None, ids["run"]],
        (exercises.ReadCatalog, "after"): [None, EXERCISE],
        (exercises.ReadRun, "after"): [0],
        (exercises.ChangeExercise, "action"): ["pause", "stop"],
        (agreements.AnswerAgreement, "action"): ["accept", "decline"],
        (agreements.AnswerAgreement, "remind"): [True, False],
        (agreements.WordAgreement, "remind"): [None, WHEN],
        (agreements.WordAgreement, "wording"): [0, 1],
        (agreements.ListAgreements, "before"): [None, ids["agreement"]],
        (symbols.ListSymbols, "after"): [None, ids["symbol"]],
        (symbols.AgreeSymbol, "revision"): [None, 1],
        (attunement.ListChecks, "before"): [None, 100],
        (safety.ListRaises, "before"): [None, ids["raised"]],
        (safety.ListTenantRaises, "after"): [None, safety.RaisePlace(conversation=place, raised=ids["raised"])],
        (scheduling.ScheduleSession, "revision"): [0, 1],
        (scheduling.ListScheduled, "before"): [None, ids["session"]],
        (later.PlanMessage, "message"): planned,
        (later.PlanMessage, "wording"): [0, 1],
        (later.PlanMessage, "at"): ["2030-01-01T00:00:00Z"],
        (later.RecallMessage, "message"): planned,
        (c.SendPlanned, "message"): planned,
        (leaving.ListReports, "after"): [0],
        # A gateway's own, about what it holds itself.
        (cc.Probe, "replyto"): [OTHER],
        (c.RenewAttachments, "replyto"): [OTHER],
        (cc.CompareForms, "first"): [1],
        (cc.CompareForms, "second"): [2],
    }
