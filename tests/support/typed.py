"""Which fields of the contract somebody can type words into, taken from the models themselves.

A field is named by the class that has it and its own name (``MessageSend.text``), a parameter of a partner's request by
where it is and its name (``header Idempotency-Key``). A new one has to be put into one of the two lists below:

- `PLANTED`: the canary test types a canary into it; do that in `tests/support/story.py`, where the feature is used;
- `PUBLIC`: it isn't confidential, for the reason given.

`IN_CLEAR` is the other side: what commands, replies and events carry that isn't sealed, and isn't an id, a number, a
time or one of a few words.
"""

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, get_args

from pydantic import BaseModel

from services.gateway.ingress.http import documents
from shared.contracts import commands, consent_commands, events
from shared.contracts.envelope import Command, ConversationCommand, Envelope, Event, Reply
from shared.contracts.exercises import Definition
from shared.contracts.features.quiet import Hour
from shared.contracts.frames import client
from shared.contracts.frames.values import LocalTime
from shared.contracts.ids import Moment, Sha256, Tag

BESIDES = frozenset(
    {
        "OAuth client_id", "OAuth client_secret", "header Authorization", "header Origin", "header Referer",
        "header User-Agent", "header Sec-WebSocket-Protocol", "an unknown type of frame", "an unknown member",
        "what is not JSON", "an id in a path", "an unknown path", "an unknown query", "a feed's address",
    }
)  # fmt: skip
"""What comes in and is in no model."""

PLANTED = BESIDES | {
    "AgreementReport.text", "AttuneAnswer.text", "AttuneReflect.text", "ChoiceGiven.chosen", "CompositionMark.text",
    "ConversationReport.text", "Frame.ref", "Hello.device", "Hello.token", "ListGiven.items", "LiveEdit.ops",
    "LivePad.pad", "LiveReset.text", "MessageSend.text", "MessageSend.tone", "NewConversation.external_id",
    "NewConversation.region", "NewParticipant.display_name", "NewParticipant.external_id", "NoteSave.text",
    "PlanValue.coping", "PlanValue.making_safe", "PlanValue.people", "PlanValue.places", "PlanValue.professionals",
    "PlanValue.warning_signs", "Planned.text", "Planned.tone", "ReactionAdd.emoji", "ReactionRemove.emoji",
    "SafetyRaise.text", "SuitabilityAnswer.answers", "SymbolDefine.emoji", "SymbolDefine.meaning",
    "SymbolRevise.meaning", "SymbolTimeline.emoji", "TextGiven.text", "TokenRefresh.token", "Worded.what",
    "header Idempotency-Key", "query after", "query at", "query consentor", "query date", "query patient",
}  # fmt: skip

PUBLIC = {
    "ExerciseAnswer.step": "the name of a step of an exercise that everybody has",
    "ExerciseCatalog.after": "the name of an exercise of the catalogue",
    "ExerciseSeries.exercise": "the same",
    "ExerciseStart.exercise": "the same",
    "FormTextValue.locale": "a language tag",
    "FormTextValue.title": "a tenant's own form, published for everybody who decides on it and for auditors",
    "FormTextValue.text": "as its title",
    "LocalMoment.zone": "a time zone (IANA); whoever names another one is refused",
    "QuietHours.zone": "the same",
    "SafetyResources.region": "two letters of a country",
    "NewParticipant.locale": "a language tag (BCP 47), by which the consent service chooses a form's language",
    "query locale": "a language tag",
}

IN_CLEAR = {
    "CreateConversation.region": "the deployment's own; another one is refused at the door",
    "ConversationFound.region": "the same",
    "CreateConversation.locales": "language tags, by which a form's language is chosen",
    "RegisterConversation.client_locale": "the same",
    "RegisterConversation.therapist_locale": "the same",
    "Decide.device": "a pseudonym (HMAC) of the device's name",
    "CompareForms.locale": "a language tag",
    "FormTextValue.locale": "forms are public",
    "FormTextValue.title": "forms are public",
    "FormTextValue.text": "forms are public",
    "FormValue.locale": "forms are public",
    "FormValue.title": "forms are public",
    "FormValue.text": "forms are public",
    "FormVersionValue.locale": "forms are public",
    "FormVersionValue.title": "forms are public",
    "FormsCompared.diff": "forms are public",
    "RecordValue.locale": "of the form",
    "RecordValue.title": "of the form",
    "RecordValue.via": "device, partner, or which part of the system",
    "CheckpointRead.checkpoint": "names, hashes and signatures of the consent log",
    "ConsistencyRead.consistency": "hashes of the consent log",
    "EntryValue.leaf_hash": "a hash of the consent log",
    "EntryValue.leaf_input": "an entry of the consent log: ids, hashes, epochs and times",
    "LogKeyRead.key": "a public key",
    "ProofRead.proof": "hashes and signatures of the consent log",
    "CommandRefused.details": "why, in the words of the contract: a field, a reason, a number, ids",
    "Prompt.id": "of the platform's own list of prompts",
    "Prompt.text": "of the same list",
    "Prompt.theme": "of the same list",
    "StartExercise.exercise": "the name of an exercise of the catalogue",
    "ReadSeries.exercise": "the same",
    "ReadCatalog.after": "the same",
    "ExerciseStartedFact.exercise": "the same",
    "RunValue.exercise": "the same",
    "StoredExercise.exercise": "the same",
    "ExerciseSummary.exercise": "the same",
    "ExerciseSummary.title": "the catalogue is everybody's",
    "ExerciseSummary.about": "the catalogue is everybody's",
    "RunValue.title": "the catalogue is everybody's",
    "RunValue.step": "the name of a step",
    "AnswerExercise.step": "the name of a step",
    "AnswerExercise.next": "the name of a step",
    "ExerciseAnsweredFact.step": "the name of a step",
    "ExerciseAnsweredFact.next": "the name of a step",
    "StoredAnswer.step": "the name of a step",
    "LocalMoment.zone": "a time zone (IANA)",
    "QuietHours.zone": "a time zone (IANA)",
    "AgreementWordedFact.until": "a time",
    "StoredAgreement.until": "a time",
    "AwayBeganFact.until": "a time",
    "StoredAway.since": "a time",
    "StoredAway.until": "a time",
    "StoredSymbol.first": "sealed, a `SymbolContent`",
    "Attached.holders": "queues of gateways",
    "HoldersChanged.holders": "queues of gateways",
    "PeerAlive.gateway": "a gateway's queue",
    "PeerDrafts.gateway": "a gateway's queue",
    "PeerResync.gateway": "a gateway's queue",
    "PeerState.gateway": "a gateway's queue",
}

ENVELOPES = (Envelope, Command, ConversationCommand, Reply, Event)
"""Of which every member is an id, a time, or the name of a queue or process."""


def _pattern(of: Any) -> str:
    return next(str(each.pattern) for each in of.__metadata__ if getattr(each, "pattern", None))


_NO_WORDS = {documents.FHIR_ID["pattern"], *map(_pattern, (Sha256, Moment, Tag, LocalTime, Hour))}
"""Patterns that leave no room for words."""


def _has_words(schema: Any) -> bool:
    """Whether some text that somebody makes up fits this JSON schema, apart from models that it refers to."""
    if isinstance(schema, list):
        return any(_has_words(each) for each in schema)
    if not isinstance(schema, dict):
        return bool(schema)  # ``true``: anything
    if schema.keys() & {"$ref", "const", "enum"}:
        return False
    parts = [schema[key] for key in ("anyOf", "oneOf", "prefixItems") if key in schema]
    match schema.get("type"):
        case "string":
            return schema.get("format") != "uuid" and not _is_closed(schema.get("pattern"))
        case "array":
            return _has_words([*parts, schema.get("items", not parts)])
        case "object":
            return _has_words(parts) or _map_has_words(schema)
        case None:
            return _has_words(parts) if parts else True
        case _:
            return False


def _map_has_words(schema: dict[str, Any]) -> bool:
    """In a key or a value. A key that is an id, or one of a few words, is in ``patternProperties`` or named."""
    if not schema.keys() & {"properties", "patternProperties", "additionalProperties"}:
        return True
    by_pattern = schema.get("patternProperties", {})
    if not all(map(_is_closed, by_pattern)) or _has_words(list(by_pattern.values())):
        return True
    rest = schema.get("additionalProperties", False)
    return bool(rest) and ("propertyNames" not in schema or _has_words([schema["propertyNames"], rest]))


def _is_closed(pattern: str | None) -> bool:
    return pattern is not None and (pattern in _NO_WORDS or pattern.startswith("^[0-9a-f]{8}-"))


def _owner(cls: type[BaseModel], name: str) -> str:
    """The class that brought the field in."""
    return next(base.__name__ for base in reversed(cls.__mro__) if name in get_annotations(base))


def fields(roots: Iterable[type[BaseModel]]) -> set[str]:
    """The fields of these models, and of those inside them, that take words."""
    found = set()
    for root in roots:
        schema = root.model_json_schema()
        models = {root.__name__: schema, **schema.get("$defs", {})}
        for model, inside in models.items():
            for name, member in inside.get("properties", {}).items():
                if _has_words(member):
                    found.add(f"{_owner(root, name) if model == root.__name__ else model}.{name}")
    return found


IN_CLEAR |= dict.fromkeys(fields([Definition]), "what exercises are is everybody's")


def typed() -> set[str]:
    """Where people, and partners on their behalf, can type."""
    bodies = [asked for _, _, _, asked, _, _ in documents.REQUESTS if asked is not None]
    parameters = {
        f"{parameter['in']} {parameter['name']}"
        for path in documents.openapi()["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
        if _has_words(parameter["schema"])
    }
    return fields(get_args(client.AnyFrame)) | fields(bodies) | parameters | BESIDES


def clear() -> set[str]:
    """What is on its way inside the platform and neither sealed nor, by its type, no words."""
    unions = (commands.SessionCommand, consent_commands.ConsentCommand, commands.NotesCommand)
    asked = [cls for union in unions for cls in get_args(get_args(union)[0])]
    told = list(get_args(events.AnyGatewayMessage))
    facts = get_args(get_args(events.Fact)[0])
    found = fields([*asked, *told, *facts])
    envelope = {f"{base.__name__}.{name}" for base in ENVELOPES for name in get_annotations(base)}
    return {name for name in found - envelope if not _is_time(name) and not name.endswith(".content")}


def _is_time(name: str) -> bool:
    member = name.partition(".")[2]
    return member == "at" or member.endswith("_at")
