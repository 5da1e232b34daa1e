"""Partners' requests: conversations, connect tokens, messages, consents."""

import time
from functools import partial
from zlib import crc32

from aiohttp import web

from services.gateway.domain.tokens import Connect, Tokens
from services.gateway.egress.fitting import fit
from services.gateway.handlers import consents
from services.gateway.handlers.facts import open_message
from services.gateway.handlers.hub import Hub
from services.gateway.ingress.http.bodies import (
    ConsentsBody,
    ConversationBody,
    ErasureBody,
    MessagesBody,
    NewConversation,
    NewDecision,
    NewToken,
    ParticipantBody,
    TokenBody,
)
from services.gateway.ingress.http.consent_forms import ConsentForms
from services.gateway.ingress.http.consent_log import ConsentLog
from services.gateway.ingress.http.consent_records import ConsentRecords
from services.gateway.ingress.http.reports import Reports
from services.gateway.ingress.http.requests import Answered, Partners, path_id, query_int, query_moment, typed
from services.gateway.ingress.http.safety import Safety
from services.gateway.store import Store
from shared.contracts.commands import CreateConversation, EraseConversation, GetConversation, ReadHistory
from shared.contracts.consent_commands import Decide, ReadDecisions
from shared.contracts.consent_events import Decided, DecisionsRead
from shared.contracts.contents import ConversationContent, NamesContent, ParticipantContent
from shared.contracts.errors import Code, Refused
from shared.contracts.events import ConversationFound, ErasureBegun, HistoryRead
from shared.contracts.ids import derived_id, new_id, rfc3339
from shared.contracts.keys import conversation_key, names, new_conversation, people_key
from shared.runtime.sealing import DataKey

TTL_S = 3600
PAGE = 50
PAGE_MOST = 200
BUCKETS = 1000


class Api:
    """The handlers; each gets the tenant and the parsed body."""

    def __init__(self, hub: Hub, tokens: Tokens, store: Store) -> None:
        self._hub = hub
        self._tokens = tokens
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        wrap = Partners(self._hub, self._store, self._tokens).route
        one = "/v1/conversations/{id}"
        return [
            web.post("/v1/conversations", wrap("/v1/conversations", self.create, creates=True)),
            web.get(one, wrap(one, self.get, creates=False)),
            web.delete(one, wrap(one, self.erase, creates=False)),
            web.post(one + "/tokens", wrap(one + "/tokens", self.token, creates=True)),
            web.get(one + "/messages", wrap(one + "/messages", self.messages, creates=False)),
            web.get(one + "/consents", wrap(one + "/consents", self.consents, creates=False)),
            web.post(one + "/consents", wrap(one + "/consents", self.decide, creates=True)),
            *Reports(self._hub).routes(partial(wrap, creates=False)),
            *ConsentLog(self._hub).routes(partial(wrap, creates=False)),
            *ConsentForms(self._hub).routes(wrap),
            *ConsentRecords(self._hub).routes(partial(wrap, creates=False)),
            *Safety(self._hub).routes(partial(wrap, creates=False)),
        ]

    async def create(self, _: web.Request, tenant: str, body: object, derived: str | None) -> Answered:
        new = typed(NewConversation, body)
        if new.region not in (None, self._hub.settings.region):
            raise Refused(Code.BAD_REQUEST, {"field": "region"})
        conversation = new_id() if derived is None else derived_id(tenant, derived)
        if derived is None and new.external_id is not None:  # the same name always goes through the same queue
            conversation = derived_id(tenant, self._hub.keys.index(tenant, "conversation", new.external_id))
        first, second = new.participants
        content = ConversationContent(
            external_id=new.external_id,
            participants=(
                ParticipantContent(external_id=first.external_id, display_name=first.display_name, locale=first.locale),
                ParticipantContent(
                    external_id=second.external_id, display_name=second.display_name, locale=second.locale
                ),
            ),
        )
        key = await self._hub.keys.of(people_key(tenant))
        command = CreateConversation(
            tenant=tenant,
            replyto=self._hub.address,
            conversation=conversation,
            region=self._hub.settings.region,
            roles=(first.role, second.role),
            locales=(first.locale, second.locale),
            keyed=derived is not None,
            content=key.seal(new_conversation(conversation), content.model_dump_json().encode()),
        )
        found = await self._hub.requests.ask(self._hub.session_queue(conversation), command, ConversationFound)
        return Answered(201 if found.created else 200, self._body(key, found, full=False))

    @staticmethod
    def _body(key: DataKey, found: ConversationFound, *, full: bool) -> ConversationBody:
        raw = key.open(names(found.conversation), found.content)
        people = NamesContent.model_validate_json(raw).participants
        return ConversationBody(
            id=found.conversation,
            region=found.region,
            participants=[
                ParticipantBody(
                    id=member.id,
                    role=member.role,
                    external_id=people[member.id].external_id,
                    display_name=people[member.id].display_name,
                )
                for member in found.members
            ],
            last_seq=found.last_seq if full else None,
            created_at=found.created_at if full else None,
        )

    async def _found(self, request: web.Request, tenant: str) -> ConversationFound:
        conversation = path_id(request)
        command = GetConversation(tenant=tenant, replyto=self._hub.address, conversation=conversation)
        return await self._hub.requests.ask(self._hub.session_queue(conversation), command, ConversationFound)

    async def get(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        found = await self._found(request, tenant)
        return Answered(200, self._body(await self._hub.keys.of(people_key(tenant)), found, full=True))

    async def erase(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        conversation = path_id(request)
        await self._store.forget_answers(tenant, conversation)
        command = EraseConversation(tenant=tenant, replyto=self._hub.address, conversation=conversation)
        begun = await self._hub.requests.ask(self._hub.session_queue(conversation), command, ErasureBegun)
        return Answered(202, ErasureBody(id=begun.conversation, begun_at=begun.begun_at))

    async def token(self, request: web.Request, tenant: str, body: object, _: str | None) -> Answered:
        new = typed(NewToken, body)
        found = await self._found(request, tenant)
        member = next((m for m in found.members if m.id == new.participant), None)
        if member is None:
            raise Refused(Code.NOT_FOUND)
        now = time.time()
        claims = Connect(
            tenant=tenant,
            sub=member.id,
            role=member.role,
            conversation=None if new.scope == "participant" else found.conversation,
            exp=int(now) + (new.ttl_s or TTL_S),
        )
        base = self._hub.settings.public_url.rstrip("/").replace("http", "ws", 1)
        url = f"{base}/v1/ws?s={crc32(found.conversation.encode()) % BUCKETS}"
        token = self._tokens.connect(claims, now)
        return Answered(201, TokenBody(token=token, expires_at=rfc3339(claims.expires_at), url=url))

    async def messages(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        conversation = path_id(request)
        after = query_int(request, "after", 0, 0, 2**53 - 1)
        limit = query_int(request, "limit", PAGE, 1, PAGE_MOST)
        command = ReadHistory(
            tenant=tenant,
            replyto=self._hub.address,
            conversation=conversation,
            after=after,
            before=None,
            limit=limit,
        )
        reply = await self._hub.reads.ask(self._hub.session_queue(conversation), command, HistoryRead)
        key = await self._hub.keys.of(conversation_key(tenant, conversation))
        opened = [open_message(key, fact) for fact in reply.messages]
        page = fit(opened)
        more = reply.more or len(page) < len(opened)
        return Answered(200, MessagesBody(messages=page, next_after=page[-1].seq if more and page else None))

    async def consents(self, request: web.Request, tenant: str, _: object, __: str | None) -> Answered:
        conversation = path_id(request)
        at = query_moment(request, "at")
        command = ReadDecisions(tenant=tenant, replyto=self._hub.address, conversation=conversation, at=at)
        reply = await self._hub.requests.ask(self._hub.consent_queue(conversation), command, DecisionsRead)
        return Answered(200, ConsentsBody(decisions=reply.decisions, in_force=reply.in_force))

    async def decide(self, request: web.Request, tenant: str, body: object, derived: str | None) -> Answered:
        """A decision that the partner relays. Where the conversation is held here, a withdrawal takes effect first."""
        new = typed(NewDecision, body)
        conversation = path_id(request)
        command = Decide(
            tenant=tenant,
            replyto=self._hub.address,
            conversation=conversation,
            participant=new.participant,
            purpose=new.purpose,
            grant=new.decision == "grant",
            decision=new_id() if derived is None else derived_id(conversation, derived),
            version=new.version,
            sha256=new.sha256,
            if_epoch=new.if_epoch,
            via="partner",
            device=None,
            by=new.by,
            expires_at=new.expires_at,
            decided_at=new.decided_at,
        )
        room = self._hub.rooms.get(conversation)
        if new.by is not None and room is not None and new.by.person in room.roles:
            room = None  # the other one can't decide: the consent service says so, and nothing is stopped here
        if new.decision == "withdraw" and room is not None and room.tenant == tenant and new.participant in room.roles:
            consents.stop(self._hub, room, new.participant, new.purpose)
            return Answered(201, await consents.record(self._hub, room, command))
        reply = await self._hub.requests.ask(self._hub.consent_queue(conversation), command, Decided)
        return Answered(201, reply.decision)
