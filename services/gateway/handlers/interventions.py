"""Interventions: what a therapist's message was meant to do."""

from services.gateway.handlers.records import Asked, Feature
from shared.contracts.features.interventions import MarkMessage, MessageMark


def _mark(asked: Asked, frame: MessageMark) -> MarkMessage:
    return MarkMessage(**asked.base, message=frame.message, intervention=frame.intervention)


FEATURE = Feature(builds={MessageMark: _mark}, only={MessageMark: "therapist"})
