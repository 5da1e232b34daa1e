"""Under whose key a content is sealed, and as what: the same for who seals it and who opens it."""

from typing import NamedTuple


class KeyName(NamedTuple):  # a tuple is made and hashed in a fraction of a dataclass' time, and each message needs both
    """A data key: a tenant's, of a kind of content, of one owner (an id). Erasing the owner destroys all its kinds."""

    tenant: str
    kind: str
    owner: str


class Record(NamedTuple):
    """What a content is, and its id; authenticated with it, so that it opens nowhere else.

    ``before``: the context in which seals of version 1 were made, where that isn't the key's owner.
    """

    what: str
    id: str
    before: str | None = None


def conversation_key(tenant: str, conversation: str) -> KeyName:
    """Of what two people wrote to each other: messages, compositions, marks."""
    return KeyName(tenant, "conversation", conversation)


def progress_notes_key(tenant: str, conversation: str) -> KeyName:
    """Of one kind of note on one client: a conversation has exactly one, and its notes are erased with it."""
    return KeyName(tenant, "notes.progress", conversation)


def people_key(tenant: str) -> KeyName:
    """Of the names and external ids of a tenant's people, who may be in several conversations."""
    return KeyName(tenant, "people", tenant)


def message(message: str) -> Record:
    return Record("message", message)


def record(record: str) -> Record:
    """What a request of a feature says, under the id that its asker gave it."""
    return Record("record", record)


def composition_part(draft: str, run: str, number: int) -> Record:
    return Record("composition", f"{draft}/{run}/{number}")


def mark(mark: str) -> Record:
    return Record("mark", mark)


def note(note: str) -> Record:
    return Record("note", note)


def new_conversation(conversation: str) -> Record:
    return Record("conversation", conversation, before=conversation)


def names(conversation: str) -> Record:
    return Record("names", conversation, before=conversation)


def person(external_hmac: str) -> Record:
    return Record("person", external_hmac)


def answer(template: str, key_hmac: str) -> Record:
    """A partner's repeatable request."""
    return Record("answer", f"{template}/{key_hmac}")
