"""Metrics of the consent service."""

from prometheus_client import Counter

LOG_BROKEN = Counter("unsaid_consent_log_broken_total", "Answers refused because a log isn't what it was")
DECISIONS = Counter("unsaid_consent_decisions_total", "Decisions by purpose and outcome", ["purpose", "outcome"])
