"""Two tenants in the services' real databases: one has something of everything, the other one asks for it."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

import asyncpg
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.local import postgres
from deploy.local.home import QUEUE_SERVICES, QueueService, State
from services.consent.domain.log import Logs
from services.consent.handlers import Handlers as Consent
from services.notes.handlers import Handlers as Notes
from services.session.config import Settings
from services.session.handlers import Handlers as Session
from shared.contracts import commands as c
from shared.contracts import consent_commands as cc
from shared.contracts.consent_events import FormPublished
from shared.contracts.contents import ConversationContent, ParticipantContent
from shared.contracts.envelope import Command, Envelope
from shared.contracts.events import CommandRefused, ConversationFound
from shared.contracts.features.interventions import MarkMessage
from shared.contracts.features.pacing import MuteOffers
from shared.contracts.frames.values import CountValue, FormTextValue
from shared.contracts.ids import new_id
from shared.contracts.keys import new_conversation, people_key
from shared.runtime.handler import Handler, Tell
from shared.runtime.postgres import Pool, make_pool
from tests.support.instances import database
from tests.support.keys import HeldKeys
from tests.support.platform import Platform
from tests.support.tenancy_features import before_the_session, of_each
from tests.support.tenancy_fields import HOLDER, NAMES, NO_HASH, PLAIN, own

CONTENT = b64encode(b"what nobody else may read").decode()
UNIONS: dict[QueueService, Any] = {
    "session": c.SessionCommand,
    "consent": cc.ConsentCommand,
    "notes": c.NotesCommand,
}
COMMANDS: list[tuple[QueueService, type[Command]]] = [
    (service, kind) for service, union in UNIONS.items() for kind in get_args(get_args(union)[0])
]
"""Every command of every service, as the services' own registries have them."""

_ENVELOPE = {*Command.model_fields, "type"} - {"replyto"}
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Everybody(str):
    """A tenant that every check in code takes for its own; the database is told the real one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, str)

    def __hash__(self) -> int:
        return super().__hash__()


class Keys(HeldKeys):
    """Every key is at hand at once."""

    async def load(self, names: Any) -> None:
        del names

    async def of(self, name: Any) -> Any:
        return self.cached(name)


class Acting:
    """A service's handlers on a database, without broker and queues."""

    def __init__(self, pool: Pool, handler: Handler[Any]) -> None:
        self._pool = pool
        self._handler = handler

    async def __call__(self, command: Command, *, keep: bool = True) -> list[Tell]:
        """Apply a command as the worker does; what it would tell. ``keep`` False: undone."""
        async with self._pool.acquire() as db:
            if isinstance(command.tenant, Everybody):  # the driver takes nothing but a plain string for an id
                await db.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=UUID)
            tells, rest = await self._handler.at_once(db, {}, [command])
            transaction = db.transaction()
            await transaction.start()
            try:
                tells += await self._handler.handle(db, rest)
            except BaseException:
                await transaction.rollback()
                raise
            await (transaction.commit() if keep else transaction.rollback())
        return tells


def handlers(service: QueueService, state: State) -> Handler[Any]:
    match service:
        case "session":
            return Session(Settings.model_construct(consent_queues=1, notes_queues=1), Keys())
        case "consent":
            return Consent(Logs(state.consent_log_name, SecretStr(state.consent_log_key)))
        case "notes":
            return Notes()


def create(tenant: str, conversation: str, **told: Any) -> c.CreateConversation:
    first, second = (ParticipantContent(external_id=new_id(), display_name="P") for _ in range(2))
    content = ConversationContent(participants=(first, second))
    key = Keys().cached(people_key(tenant))
    sealed = key.seal(new_conversation(conversation), content.model_dump_json().encode())
    plain: dict[str, Any] = {"region": "eu", "roles": ("client", "therapist"), "locales": (None, None)}
    return c.CreateConversation(
        tenant=tenant, conversation=conversation, content=sealed, **{"replyto": HOLDER} | plain | told
    )


@dataclass
class World:
    """What the first tenant has, and how the second one asks for it."""

    acting: dict[QueueService, Acting]
    unguarded: dict[QueueService, Acting]
    """The same as somebody whom the database lets see everything."""
    admins: dict[QueueService, "asyncpg.Connection[asyncpg.Record]"]
    pools: list[Pool]
    mine: str
    theirs: str
    ids: dict[str, str]
    fresh: str = field(default_factory=new_id)
    """An id that nobody has."""
    sha256: str = NO_HASH

    @classmethod
    async def make(cls, platform: Platform) -> "World":
        state = platform.state
        acting: dict[QueueService, Acting] = {}
        unguarded: dict[QueueService, Acting] = {}
        admins: dict[QueueService, asyncpg.Connection[asyncpg.Record]] = {}
        pools: list[Pool] = []
        for service in QUEUE_SERVICES:
            for url, found in (
                (postgres.serving_url(state, service), acting),
                (postgres.database_url(state, service), unguarded),
            ):
                pool = make_pool(SecretStr(url), 1)
                await pool
                pools.append(pool)
                found[service] = Acting(pool, handlers(service, state))
            admins[service] = await database(platform, service)
        world = cls(acting, unguarded, admins, pools, new_id(), new_id(), {name: new_id() for name in NAMES})
        await world._fill()
        return world

    async def close(self) -> None:
        for pool in self.pools:
            await pool.close()
        for admin in self.admins.values():
            await admin.close()

    async def _fill(self) -> None:
        """Something of everything."""
        found = (await self.acting["session"](create(self.mine, new_id())))[0].envelope
        assert isinstance(found, ConversationFound)
        ids = self.ids
        ids["conversation"] = found.conversation
        ids |= {str(member.role): member.id for member in found.members}
        here: dict[str, Any] = {"tenant": self.mine, "replyto": HOLDER, "conversation": found.conversation}
        sealed: dict[str, Any] = {"fingerprint": NO_HASH, "content": CONTENT}
        client: dict[str, Any] = {"participant": ids["client"]}
        therapist: dict[str, Any] = {"participant": ids["therapist"]}
        drawn: dict[str, Any] = {"draft": ids["draft"]}
        theirs = new_id()
        for command in (
            c.SendMessage(**here, **sealed, sender=ids["client"], message=new_id(), in_reply_to=None),
            c.SendMessage(**here, **sealed, sender=ids["therapist"], message=theirs, in_reply_to=None, words=3),
            c.SendMessage(**here, **sealed, sender=ids["client"], message=ids["message"], in_reply_to=None),
            *before_the_session(ids, here),
            c.StartSession(**here, **therapist, session=ids["session"], missing=[]),
            c.MarkRead(**here, **therapist, seq=1),
            c.KeepComposition(**here, **client, **drawn, run=ids["run"], number=0, ops=3, age_ms=0, content=CONTENT),
            c.MarkComposition(**here, **therapist, **sealed, **drawn, mark=ids["mark"], at_op=1),
            MarkMessage(**here, **therapist, **sealed, record=ids["record"], message=theirs, intervention="advice"),
            MuteOffers(**here, **therapist, muted=False),
            *of_each(ids, here, CONTENT),
            c.Attach(**here),
        ):
            self._granted(await self.acting["session"](command))
        register = c.RegisterConversation(
            **here, client=ids["client"], therapist=ids["therapist"], client_locale="en", therapist_locale="en"
        )
        await self.acting["consent"](register)
        await self.acting["notes"](register)
        text = FormTextValue(locale="en", title="T", text="a form of this tenant's own\n")
        published = await self.acting["consent"](
            cc.PublishForm(
                tenant=self.mine,
                replyto=HOLDER,
                purpose="live_text",
                version=2,
                texts=[text],
                valid_days=30,
                older_lapse_at=None,
            )
        )
        form = published[0].envelope
        assert isinstance(form, FormPublished), form
        self.sha256 = form.forms[0].sha256
        decided: dict[str, Any] = {"purpose": "live_text", "version": 2, "sha256": self.sha256, "if_epoch": None}
        for about in (
            cc.AttachConsents(**here),
            cc.Decide(**here, **client, **decided, grant=True, decision=ids["decision"], via="device", device=None),
            cc.CountUses(**here, run=ids["run"], uses=[self._use()]),
        ):
            self._granted(await self.acting["consent"](about))
        save = c.SaveNote(**here, **sealed, author=ids["therapist"], note=ids["note"], format="text", version=None)
        self._granted(await self.acting["notes"](save))
        held: tuple[QueueService, ...] = ("session", "consent")
        for service in held:  # leases end, and are swept, while these tests run
            sql = "update subscription set expires = 'infinity' where tenant = $1"
            await self.admins[service].execute(sql, self.mine)

    @staticmethod
    def _granted(tells: list[Tell]) -> None:
        refused = [tell.envelope for tell in tells if isinstance(tell.envelope, CommandRefused)]
        assert tells
        assert not refused, refused

    def _use(self) -> cc.UseCount:
        count = CountValue(count=1, first_at="2026-01-01T00:00:00.000Z", last_at="2026-01-01T00:00:00.000Z")
        return cc.UseCount(
            participant=self.ids["client"], purpose="live_text", epoch=1, let_through=count, blocked=count
        )

    # --- the second tenant asks ------------------------------------------------------------------------------------

    def asking(self, kind: type[Command]) -> st.SearchStrategy[dict[str, Any]]:
        """The fields of commands of this kind about what the first tenant has.

        A field that isn't known here fails the test: whoever adds it says what of another tenant's it may name.
        """
        return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in self._fields(kind).items()})

    def first(self, kind: type[Command]) -> Command:
        """The command that names the first tenant's things wherever it can."""
        return self.made(kind, {name: values[0] for name, values in self._fields(kind).items()})

    def _fields(self, kind: type[Command]) -> dict[str, list[Any]]:
        return {name: self._values(kind, name) for name in kind.model_fields if name not in _ENVELOPE}

    def made(self, kind: type[Command], fields: dict[str, Any]) -> Command:
        """Such a command, by the second tenant."""
        if kind is c.CreateConversation:
            return create(self.theirs, **{name: value for name, value in fields.items() if name != "content"})
        return kind(tenant=self.theirs, **fields)

    def _values(self, kind: type[Command], name: str) -> list[Any]:
        ids, place = self.ids, self.ids["conversation"]
        people = [ids["client"], ids["therapist"]]
        named: dict[str, list[Any]] = {name: [ids[name], self.fresh] for name in NAMES}
        named |= dict.fromkeys(("participant", "sender", "author", "client", "therapist"), people)
        named |= {"conversation": [place], "in_reply_to": [None, ids["message"]], "holding": [[place, *people]]}
        named |= {"sha256": [self.sha256]}
        alone = own(ids, self.fresh) | {(cc.CountUses, "uses"): [[self._use()]]}
        return alone.get((kind, name)) or {**PLAIN, **named}[name]

    def unknown(self, command: Command) -> tuple[Command, Callable[[str], str]]:
        """The same command with ids that nobody has, and the way back from those to the real ones."""
        raw, back = command.model_dump_json(), {}
        for real in (*self.ids.values(), self.sha256):
            fresh = new_id() if len(real) == len(new_id()) else "f" * len(real)
            raw, back[fresh] = raw.replace(real, fresh), real

        def restored(text: str) -> str:
            for fresh, real in back.items():
                text = text.replace(fresh, real)
            return text

        other = type(command).model_validate_json(raw)
        if isinstance(other, c.CreateConversation):  # its content is bound to its id
            other = create(self.theirs, other.conversation).model_copy(update={"id": command.id})
        return other, restored

    async def everything(self) -> dict[str, str]:
        """A hash of all rows of the first tenant, by table."""
        found = {}
        for service, admin in self.admins.items():
            tables = await admin.fetch(
                "select table_name from information_schema.columns"
                " where table_schema = 'public' and column_name = 'tenant' order by 1"
            )
            for (table,) in tables:
                rows = "md5(coalesce(string_agg(t::text, '|' order by t::text), ''))"
                found[f"{service}.{table}"] = await admin.fetchval(
                    f"select {rows} from {table} t where tenant = $1", self.mine
                )
        return found

    def betrays(self, command: Command, tells: list[Tell]) -> list[str]:
        """What of the first tenant's is told that the asker hasn't said itself."""
        said, told = command.model_dump_json(), "".join(tell.envelope.model_dump_json() for tell in tells)
        secrets = {**self.ids, "tenant": self.mine, "content": CONTENT, "form": "a form of this tenant's own"}
        return [
            name for name, secret in secrets.items() if secret in told and (secret not in said or name == "content")
        ]


def outline(envelope: Envelope) -> str:
    """What is told, without what differs each time."""
    told = envelope.model_dump(mode="json", exclude={"id", "time", "source"})
    return _TIMES.sub("T", json.dumps(told, sort_keys=True))
