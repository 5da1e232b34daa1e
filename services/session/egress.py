"""What the session service tells: to whom, in which order."""

from collections.abc import Iterable, Sequence

from services.session.config import Settings
from services.session.store import Conversation
from shared.contracts.commands import RegisterConversation
from shared.contracts.envelope import ConversationCommand, Envelope
from shared.contracts.events import Fact, Recorded
from shared.runtime.broker.topology import command_queue, to_gateway, to_registrations
from shared.runtime.handler import Tell


def to_holders(holders: Iterable[str], event: Envelope) -> list[Tell]:
    """The same event, to each gateway that holds the conversation."""
    return [Tell(to_gateway(holder), event) for holder in holders]


def recorded(command: ConversationCommand, fact: Fact, holders: Sequence[str], *, answers: bool) -> list[Tell]:
    """A fact to all holders and to the gateway that asked, for which it may be the answer as well.

    Nobody asked (an empty ``replyto``) where the time for it came.
    """
    plain = Recorded(tenant=command.tenant, conversation=command.conversation, fact=fact)
    if not command.replyto:
        return to_holders(holders, plain)
    others = [holder for holder in holders if holder != command.replyto]
    asker = plain.model_copy(update={"causationid": command.id}) if answers else plain
    return [Tell(to_gateway(command.replyto), asker), *to_holders(others, plain)]


def registrations(
    settings: Settings, found: Conversation, traceparent: str | None, *, erased: bool = False
) -> tuple[Tell, ...]:
    """That the conversation is there, or erased, to the services that keep something of it."""
    register = RegisterConversation(
        tenant=found.tenant,
        replyto="",
        conversation=found.id,
        client=found.client.id,
        therapist=found.therapist.id,
        client_locale=found.client.locale,
        therapist_locale=found.therapist.locale,
        erased=erased,
        traceparent=traceparent,
    )
    queues = (
        command_queue("consent", settings.consent_queues, found.id),
        command_queue("notes", settings.notes_queues, found.id),
    )
    return tuple(Tell(to_registrations(queue), register) for queue in queues)
