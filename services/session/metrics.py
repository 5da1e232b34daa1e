"""Metrics of the session service."""

from prometheus_client import Counter

MESSAGES = Counter("unsaid_session_messages_total", "Messages by outcome", ["outcome"])
ERASURES = Counter("unsaid_erasures_total", "Erasures of conversations, begun and done", ["outcome"])
RECORDS = Counter("unsaid_session_records_total", "Requests of features by type and outcome", ["type", "outcome"])
OFFERS = Counter("unsaid_session_pacing_offers_total", "Offers of prompts to therapists")
COMPOSITIONS = Counter("unsaid_session_compositions_total", "Compositions by what was done", ["outcome"])
CAME_DUE = Counter("unsaid_session_came_due_total", "Commands that were sent when their time had come")
SESSIONS = Counter("unsaid_session_sessions_total", "Sessions by what happened", ["outcome"])
