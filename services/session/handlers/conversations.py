"""Creating, finding and holding conversations."""

from services.session import errors
from services.session.config import Settings
from services.session.egress import registrations, to_holders
from services.session.store import Conversation, Person, Store
from services.session.store.leaving import Leaving
from services.session.store.safety import Safety
from shared.contracts.commands import (
    Attach,
    CreateConversation,
    Detach,
    GetConversation,
    ListConversations,
    RenewAttachments,
)
from shared.contracts.contents import ConversationContent, NamesContent, ParticipantContent
from shared.contracts.errors import Code, Refused
from shared.contracts.events import (
    Attached,
    ConversationCreated,
    ConversationFound,
    ConversationsListed,
    Done,
    HoldersChanged,
    Member,
    Renewed,
    StoredAway,
)
from shared.contracts.features.safety import OPEN_MOST
from shared.contracts.frames.values import SessionValue
from shared.contracts.ids import new_id, rfc3339
from shared.contracts.keys import names, new_conversation, people_key
from shared.contracts.keys import person as record
from shared.runtime import subscriptions, tenants
from shared.runtime.broker.topology import to_gateway
from shared.runtime.handler import Tell, answer
from shared.runtime.keys.ring import Keyring
from shared.runtime.postgres import Connection

__all__ = ["attach", "create", "detach", "get", "listed", "renew", "to_holders"]


def _members(found: Conversation) -> tuple[Member, Member]:
    return Member(id=found.client.id, role="client"), Member(id=found.therapist.id, role="therapist")


def _names(keys: Keyring, found: Conversation) -> str:
    """Both people's names, opened from their own seals and sealed together as this conversation's."""
    key = keys.cached(people_key(found.tenant))
    opened = {
        person.id: ParticipantContent.model_validate_json(key.open(record(person.external_hmac), person.profile))
        for person in (found.client, found.therapist)
    }
    return key.seal(names(found.id), NamesContent(participants=opened).model_dump_json().encode())


def _found(keys: Keyring, cause: str, found: Conversation, *, created: bool) -> ConversationFound:
    return ConversationFound(
        causationid=cause,
        conversation=found.id,
        created=created,
        region=found.region,
        members=_members(found),
        last_seq=found.last_seq,
        created_at=rfc3339(found.created_at),
        content=_names(keys, found),
    )


async def _own(store: Store, conversation: str, tenant: str) -> Conversation:
    found = await store.conversation(conversation)
    if found is None or found.tenant != tenant:
        raise errors.not_found()
    if found.erasure is not None:
        raise found.erasure.refusal()
    return found


async def create(
    tx: Connection, store: Store, keys: Keyring, settings: Settings, command: CreateConversation
) -> list[Tell]:
    """Create, or find by id (a repeated command) or by the partner's external id."""
    found = await store.conversation(command.conversation)
    if found is not None and found.tenant != command.tenant:
        raise errors.conflict()
    if found is not None and found.erasure is not None:
        raise found.erasure.refusal()
    if found is None or _open(keys, command).external_id is not None:
        await _insert(store, keys, command)
        found = await _found_or_made(store, keys, command)
    told = registrations(settings, found, command.traceparent)
    # An id that comes of the external id is everybody's who asks for that one; any other is this request's alone.
    own = command.keyed or _open(keys, command).external_id is None
    created = found.created_by == command.id or (own and found.id == command.conversation)
    reply = answer(command, _found(keys, command.id, found, created=created))
    watching = await subscriptions.addresses(tx, [found.client.id, found.therapist.id])
    event = ConversationCreated(tenant=found.tenant, conversation=found.id, members=_members(found))
    addresses = {address for several in watching.values() for address in several}
    return [Tell(reply.to, reply.envelope, told), *[Tell(to_gateway(a), event, told) for a in sorted(addresses)]]


def _external(keys: Keyring, command: CreateConversation, content: ConversationContent) -> str | None:
    if content.external_id is None:
        return None
    return keys.index(command.tenant, "conversation", content.external_id)


def _open(keys: Keyring, command: CreateConversation) -> ConversationContent:
    key = keys.cached(people_key(command.tenant))
    return ConversationContent.model_validate_json(key.open(new_conversation(command.conversation), command.content))


async def _insert(store: Store, keys: Keyring, command: CreateConversation) -> None:
    """Insert, unless it is there. Raises `Refused`: a person's role, or the external id, is taken."""
    key = keys.cached(people_key(command.tenant))
    content = _open(keys, command)
    external = _external(keys, command, content)
    people = [
        (keys.index(command.tenant, "participant", person.external_id), role, person)
        for role, person in zip(command.roles, content.participants, strict=True)
    ]
    ids: dict[str, str] = {}
    for hmac, role, person in sorted(
        people, key=lambda p: p[0]
    ):  # in one order everywhere, so that none waits in a ring
        profile = key.seal(record(hmac), person.model_dump_json().encode())
        new = Person(new_id(), person.locale, hmac, profile)
        kept = await store.upsert_participant(new, command.tenant, role)
        if kept is None:
            raise errors.conflict()
        ids[role] = kept[0]
    inserted = await store.insert_conversation(
        command.conversation, command.tenant, command.region, external, ids["client"], ids["therapist"], command.id
    )
    if not inserted:
        try:
            existing = await _found_or_made(store, keys, command)
        except Refused as refused:
            if refused.code is not Code.NOT_FOUND:
                raise
            raise errors.conflict() from None  # the id is taken, where nobody here may look
        if (existing.client.id, existing.therapist.id) != (ids["client"], ids["therapist"]):
            raise errors.conflict()


async def _found_or_made(store: Store, keys: Keyring, command: CreateConversation) -> Conversation:
    external = _external(keys, command, _open(keys, command))
    existing = None if external is None else await store.conversation_by_external(command.tenant, external)
    return await _own(store, existing or command.conversation, command.tenant)


async def get(store: Store, keys: Keyring, command: GetConversation) -> list[Tell]:
    found = await _own(store, command.conversation, command.tenant)
    return [answer(command, _found(keys, command.id, found, created=False))]


async def listed(tx: Connection, store: Store, command: ListConversations) -> list[Tell]:
    """From here on the gateway hears of each new conversation of the participant; the lock leaves no gap."""
    if not await store.lock_participant(command.participant, command.tenant):
        raise errors.not_found()
    await subscriptions.subscribe(tx, command.tenant, command.participant, command.replyto)
    found = await store.list_conversations(command.participant, command.before, command.limit + 1)
    page = found[: command.limit]
    reply = ConversationsListed(causationid=command.id, conversations=page, more=len(found) > command.limit)
    return [answer(command, reply)]


async def _away(tx: Connection, conversation: str) -> StoredAway | None:
    found = await Leaving(tx).absence(conversation)
    if found is None:
        return None
    until = None if found.until is None else rfc3339(found.until)
    return StoredAway(since=rfc3339(found.since), until=until, record=found.record, content=found.content)


async def attach(tx: Connection, store: Store, keys: Keyring, command: Attach) -> list[Tell]:
    """Answer with the head; everything above it follows on the same queue."""
    found = await _own(store, command.conversation, command.tenant)
    new = await subscriptions.subscribe(tx, found.tenant, found.id, command.replyto)
    holders = (await subscriptions.addresses(tx, [found.id]))[found.id]
    running = await store.running_session(found.id)
    members = _members(found)
    reply = Attached(
        causationid=command.id,
        conversation=found.id,
        members=members,
        last_seq=found.last_seq,
        last_n=found.last_n,
        created_at=rfc3339(found.created_at),
        reads=await store.reads(found.id),
        left=found.left_by,
        away=await _away(tx, found.id),
        session=SessionValue(id=running.id, started_at=rfc3339(running.started_at)) if running else None,
        holders=holders,
        content=_names(keys, found),
        safety=await Safety(tx).open_raises(found.id, len(members) * OPEN_MOST),
    )
    others = [holder for holder in holders if holder != command.replyto]
    changed = HoldersChanged(tenant=found.tenant, conversation=found.id, holders=holders)
    return [answer(command, reply), *(to_holders(others, changed) if new else [])]


async def detach(tx: Connection, command: Detach) -> list[Tell]:
    done = answer(command, Done(causationid=command.id))
    if not await subscriptions.unsubscribe(tx, command.tenant, command.conversation, command.replyto):
        return [done]
    holders = (await subscriptions.addresses(tx, [command.conversation])).get(command.conversation, [])
    changed = HoldersChanged(tenant=command.tenant, conversation=command.conversation, holders=holders)
    return [done, *to_holders(holders, changed)]


async def renew(tx: Connection, store: Store, command: RenewAttachments) -> list[Tell]:
    """What a gateway holds, whatever tenants it is of: that of it which it was given before, and nothing else."""
    kept = await subscriptions.renew(tx, command.replyto, command.holding)
    await tenants.become(tx, kept.values())
    heads = {head.id: head.last_n for head in (await store.read_heads(list(kept))).values()}
    return [answer(command, Renewed(causationid=command.id, kept=sorted(kept), heads=heads))]
