"""Metrics of the consent service."""

from prometheus_client import Counter

DECISIONS = Counter("unsaid_consent_decisions_total", "Decisions by purpose and outcome", ["purpose", "outcome"])
