"""Decisions of the notes service: pure."""
