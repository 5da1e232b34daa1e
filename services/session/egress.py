"""What the session service tells: to whom, in which order."""

from collections.abc import Iterable, Sequence

from shared.contracts.envelope import ConversationCommand, Envelope
from shared.contracts.events import Fact, Recorded
from shared.runtime.broker.topology import to_gateway
from shared.runtime.handler import Tell


def to_holders(holders: Iterable[str], event: Envelope) -> list[Tell]:
    """The same event, to each gateway that holds the conversation."""
    return [Tell(to_gateway(holder), event) for holder in holders]


def recorded(command: ConversationCommand, fact: Fact, holders: Sequence[str], *, answers: bool) -> list[Tell]:
    """A fact to all holders and to the gateway that asked, for which it may be the answer as well."""
    plain = Recorded(tenant=command.tenant, conversation=command.conversation, fact=fact)
    others = [holder for holder in holders if holder != command.replyto]
    asker = plain.model_copy(update={"causationid": command.id}) if answers else plain
    return [Tell(to_gateway(command.replyto), asker), *to_holders(others, plain)]
