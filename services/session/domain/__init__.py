"""Decisions of the session service: pure, without a clock or a database of their own."""
