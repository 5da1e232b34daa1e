"""The notes service owns clinical notes; for now progress notes, as drafts of the therapist.

In come commands of the gateways, and new conversations from the session service. Out go answers.
"""
