"""The consent service owns forms and decisions, and is the only judge of what is in force.

In come commands of the gateways, and new conversations from the session service. Out go decisions: as answers, and as
events to every gateway that holds the conversation.
"""
