"""Creating, finding and holding conversations."""

from services.session import errors
from services.session.config import Settings
from services.session.egress import to_holders
from services.session.store import Conversation, Person, Store
from shared.contracts.commands import (
    Attach,
    CreateConversation,
    Detach,
    GetConversation,
    ListConversations,
    RegisterConversation,
    RenewAttachments,
)
from shared.contracts.contents import ConversationContent, NamesContent, ParticipantContent
from shared.contracts.events import (
    Attached,
    ConversationCreated,
    ConversationFound,
    ConversationsListed,
    Done,
    HoldersChanged,
    Member,
    Renewed,
)
from shared.contracts.frames.values import SessionValue
from shared.contracts.ids import new_id, rfc3339
from shared.runtime import subscriptions
from shared.runtime.broker.topology import command_queue, to_commands, to_gateway
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection
from shared.runtime.sealing import Sealer

__all__ = ["attach", "create", "detach", "get", "listed", "renew", "to_holders"]


def _members(found: Conversation) -> tuple[Member, Member]:
    return Member(id=found.client.id, role="client"), Member(id=found.therapist.id, role="therapist")


def _names(sealer: Sealer, found: Conversation) -> str:
    """Both people's names, opened from their own seals and sealed for this conversation."""
    opened = {
        person.id: ParticipantContent.model_validate_json(sealer.open(found.tenant, person.profile))
        for person in (found.client, found.therapist)
    }
    return sealer.seal(found.id, NamesContent(participants=opened).model_dump_json().encode())


def _found(sealer: Sealer, cause: str, found: Conversation, *, created: bool) -> ConversationFound:
    return ConversationFound(
        causationid=cause,
        conversation=found.id,
        created=created,
        region=found.region,
        members=_members(found),
        last_seq=found.last_seq,
        created_at=rfc3339(found.created_at),
        content=_names(sealer, found),
    )


async def _own(store: Store, conversation: str, tenant: str) -> Conversation:
    found = await store.conversation(conversation)
    if found is None or found.tenant != tenant:
        raise errors.not_found()
    return found


async def create(
    tx: Connection, store: Store, sealer: Sealer, settings: Settings, command: CreateConversation
) -> list[Tell]:
    """Create, or find by id (a repeated command) or by the partner's external id."""
    found = await store.conversation(command.conversation)
    if found is not None and found.tenant != command.tenant:
        raise errors.conflict()
    if found is None or _open(sealer, command).external_id is not None:
        await _insert(store, sealer, command)
        found = await _found_or_made(store, sealer, command)
    told = _registrations(settings, command, found)
    # An id that comes of the external id is everybody's who asks for that one; any other is this request's alone.
    own = command.keyed or _open(sealer, command).external_id is None
    created = found.created_by == command.id or (own and found.id == command.conversation)
    reply = answer(command, _found(sealer, command.id, found, created=created))
    watching = await subscriptions.addresses(tx, [found.client.id, found.therapist.id])
    event = ConversationCreated(tenant=found.tenant, conversation=found.id, members=_members(found))
    addresses = {address for several in watching.values() for address in several}
    return [Tell(reply.to, reply.envelope, told), *[Tell(to_gateway(a), event, told) for a in sorted(addresses)]]


def _external(sealer: Sealer, command: CreateConversation, content: ConversationContent) -> str | None:
    if content.external_id is None:
        return None
    return sealer.fingerprint(command.tenant, "conversation", content.external_id)


def _open(sealer: Sealer, command: CreateConversation) -> ConversationContent:
    return ConversationContent.model_validate_json(sealer.open(command.conversation, command.content))


async def _insert(store: Store, sealer: Sealer, command: CreateConversation) -> None:
    """Insert, unless it is there. Raises `Refused`: a person's role, or the external id, is taken."""
    content = _open(sealer, command)
    external = _external(sealer, command, content)
    people = [
        (sealer.fingerprint(command.tenant, "participant", person.external_id), role, person)
        for role, person in zip(command.roles, content.participants, strict=True)
    ]
    ids: dict[str, str] = {}
    for hmac, role, person in sorted(
        people, key=lambda p: p[0]
    ):  # in one order everywhere, so that none waits in a ring
        profile = sealer.seal(command.tenant, person.model_dump_json().encode())
        kept = await store.upsert_participant(Person(new_id(), person.locale, profile), command.tenant, role, hmac)
        if kept is None:
            raise errors.conflict()
        ids[role] = kept[0]
    new = await store.insert_conversation(
        command.conversation, command.tenant, command.region, external, ids["client"], ids["therapist"], command.id
    )
    if not new:
        existing = await _found_or_made(store, sealer, command)
        if (existing.client.id, existing.therapist.id) != (ids["client"], ids["therapist"]):
            raise errors.conflict()


async def _found_or_made(store: Store, sealer: Sealer, command: CreateConversation) -> Conversation:
    external = _external(sealer, command, _open(sealer, command))
    existing = None if external is None else await store.conversation_by_external(command.tenant, external)
    return await _own(store, existing or command.conversation, command.tenant)


def _registrations(settings: Settings, command: CreateConversation, found: Conversation) -> tuple[Tell, ...]:
    register = RegisterConversation(
        tenant=found.tenant,
        replyto="",
        conversation=found.id,
        client=found.client.id,
        therapist=found.therapist.id,
        client_locale=found.client.locale,
        therapist_locale=found.therapist.locale,
        traceparent=command.traceparent,
    )
    queues = (
        command_queue("consent", settings.consent_queues, found.id),
        command_queue("notes", settings.notes_queues, found.id),
    )
    return tuple(Tell(to_commands(queue, persistent=True), register) for queue in queues)  # nobody repeats it


async def get(store: Store, sealer: Sealer, command: GetConversation) -> list[Tell]:
    found = await _own(store, command.conversation, command.tenant)
    return [answer(command, _found(sealer, command.id, found, created=False))]


async def listed(tx: Connection, store: Store, command: ListConversations) -> list[Tell]:
    """From here on the gateway hears of each new conversation of the participant; the lock leaves no gap."""
    if not await store.lock_participant(command.participant, command.tenant):
        raise errors.not_found()
    await subscriptions.subscribe(tx, command.participant, command.replyto)
    found = await store.list_conversations(command.participant, command.before, command.limit + 1)
    page = found[: command.limit]
    reply = ConversationsListed(causationid=command.id, conversations=page, more=len(found) > command.limit)
    return [answer(command, reply)]


async def attach(tx: Connection, store: Store, sealer: Sealer, command: Attach) -> list[Tell]:
    """Answer with the head; everything above it follows on the same queue."""
    found = await _own(store, command.conversation, command.tenant)
    new = await subscriptions.subscribe(tx, found.id, command.replyto)
    holders = (await subscriptions.addresses(tx, [found.id]))[found.id]
    running = await store.running_session(found.id)
    reply = Attached(
        causationid=command.id,
        conversation=found.id,
        members=_members(found),
        last_seq=found.last_seq,
        last_n=found.last_n,
        created_at=rfc3339(found.created_at),
        reads=await store.reads(found.id),
        session=SessionValue(id=running.id, started_at=rfc3339(running.started_at)) if running else None,
        holders=holders,
        content=_names(sealer, found),
    )
    others = [holder for holder in holders if holder != command.replyto]
    changed = HoldersChanged(tenant=found.tenant, conversation=found.id, holders=holders)
    return [answer(command, reply), *(to_holders(others, changed) if new else [])]


async def detach(tx: Connection, command: Detach) -> list[Tell]:
    done = answer(command, Done(causationid=command.id))
    if not await subscriptions.unsubscribe(tx, command.conversation, command.replyto):
        return [done]
    holders = (await subscriptions.addresses(tx, [command.conversation])).get(command.conversation, [])
    changed = HoldersChanged(tenant=command.tenant, conversation=command.conversation, holders=holders)
    return [done, *to_holders(holders, changed)]


async def renew(tx: Connection, store: Store, command: RenewAttachments) -> list[Tell]:
    kept = sorted(await subscriptions.renew(tx, command.replyto, command.holding))
    heads = {head.id: head.last_n for head in (await store.read_heads(kept)).values()}
    return [answer(command, Renewed(causationid=command.id, kept=kept, heads=heads))]
