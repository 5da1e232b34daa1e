"""Decisions of the gateway: pure, without sockets, a broker or a clock of their own."""
