"""Metrics of the notes service."""

from prometheus_client import Counter

NOTES = Counter("unsaid_notes_saved_total", "Notes saved, by outcome", ["outcome"])
