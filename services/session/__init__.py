"""The session service owns conversations, their participants, messages and sessions.

In come commands of the gateways, on its own command queues. Out go facts (what lasts, each with its ``n``), events and
replies, to the gateways that hold a conversation; and new conversations, to the services that keep something of them.
"""
