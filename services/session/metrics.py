"""Metrics of the session service."""

from prometheus_client import Counter

MESSAGES = Counter("unsaid_session_messages_total", "Messages by outcome", ["outcome"])
SESSIONS = Counter("unsaid_session_sessions_total", "Sessions by what happened", ["outcome"])
