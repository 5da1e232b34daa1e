"""Two people and their partner use everything there is, and type a canary wherever they can.

Whoever adds a field that takes words adds its canary here, where the feature is used (`tests.support.typed`).
"""

import asyncio
import uuid
from dataclasses import dataclass

import aio_pika
import aiohttp

from deploy.local import rabbitmq
from shared.runtime.broker.topology import command_queue
from tests.support.canaries import Canaries
from tests.support.instances import database
from tests.support.participants import Conversation, Participant, Partner
from tests.support.platform import Platform

KEPT_S = 20.0


def new() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Stage:
    """Where it is told, and what is typed."""

    platform: Platform
    partner: Partner
    canaries: Canaries

    async def bare(self, method: str, path: str, status: int, **options: object) -> None:
        """A request that isn't as our own helpers make them; answered with this status."""
        headers = {"Authorization": f"Bearer {await self.partner.token()}", **dict(options.pop("headers", {}))}  # type: ignore[call-overload]
        url = self.partner.gateway + path
        async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers, **options) as answer:  # type: ignore[arg-type]
            assert answer.status == status, (path, await answer.text())


async def met(stage: Stage) -> Conversation:
    """The partner brings two people together, twice under the same key."""
    of, partner = stage.canaries.of, stage.partner
    people = [
        {
            "role": role,
            "external_id": of("NewParticipant.external_id"),
            "display_name": stage.canaries.text("NewParticipant.display_name"),
            "locale": "en-GB",
        }
        for role in ("client", "therapist")
    ]
    body = {"external_id": of("NewConversation.external_id"), "participants": people}
    once = {"Idempotency-Key": of("header Idempotency-Key")}
    (status, made), again = [await partner.ask("POST", "/v1/conversations", body, once) for _ in range(2)]
    assert (status, made) == again
    assert status == 201, made
    assert (await partner.ask("POST", "/v1/conversations", {**body, "external_id": new()}, once))[0] == 409
    path = f"/v1/conversations/{made['id']}"
    assert (await partner.ask("GET", path))[1]["participants"][0]["display_name"] == people[0]["display_name"]
    ids = {person["role"]: person["id"] for person in made["participants"]}
    return Conversation(partner, made["id"], ids["client"], ids["therapist"])


async def refused_by_http(stage: Stage, talk: Conversation) -> None:
    """What partners send that isn't right, or is nobody's business."""
    of, path = stage.canaries.of, f"/v1/conversations/{talk.id}"
    person = {"role": "client", "external_id": "a" * 201 + of("NewParticipant.external_id"), "display_name": "A"}
    wrong = {"participants": [person, {**person, "role": "therapist"}]}
    await stage.bare("POST", "/v1/conversations", 422, json=wrong)
    await stage.bare("POST", "/v1/conversations", 422, json={**wrong, "region": of("NewConversation.region")})
    for person in wrong["participants"]:
        person["external_id"] = new()
    await stage.bare("POST", "/v1/conversations", 422, json={**wrong, "region": of("NewConversation.region")})
    await stage.bare("POST", "/v1/conversations", 422, data=b'{"external_id": "%b' % of("what is not JSON").encode())
    await stage.bare("POST", path + "/tokens", 201, json={"participant": talk.client, of("an unknown member"): 1})
    key = {"Idempotency-Key": of("header Idempotency-Key")}
    for method, headers in (("GET", {}), ("POST", {}), ("POST", key)):
        kind = "consents" if method == "GET" else "tokens"
        url = f"/v1/conversations/{of('an id in a path')}/{kind}"
        await stage.bare(method, url, 404, headers=headers, json={"participant": talk.client})
    await stage.bare("GET", f"/{of('an unknown path')}", 404)
    await stage.bare("GET", f"{path}/messages?{of('an unknown query')}={of('an unknown query')}", 200)
    await stage.bare("GET", f"{path}/consents?at={of('query at')}", 422)
    await stage.bare("GET", f"/v1/safety?after={of('query after')}", 422)
    for name in ("patient", "consentor"):
        await stage.bare("GET", f"/v1/fhir/Consent?{name}={of('query ' + name)}", 422)
    await stage.bare("GET", f"/v1/fhir/Consent?patient={talk.client}&date={of('query date')}", 422)
    named = {name: of(f"header {name}") for name in ("Referer", "User-Agent", "Origin")}
    await stage.bare("GET", path, 200, headers=named)
    await stage.bare("GET", path, 401, headers={"Authorization": f"Bearer {of('header Authorization')}"})
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    await stage.bare("GET", "/v1/ws", 403, headers={**socket, "Origin": of("header Origin")})
    name = "Sec-WebSocket-Protocol"
    await stage.bare("GET", "/v1/ws", 400, headers={**socket, name: of(f"header {name}")})
    form = {"client_id": of("OAuth client_id"), "client_secret": of("OAuth client_secret")}
    async with aiohttp.ClientSession() as http:
        for data in (form, {**form, "client_id": stage.platform.client_id}):
            body = {"grant_type": "client_credentials", **data}
            async with http.post(stage.partner.gateway + "/v1/oauth/token", data=body) as answer:
                assert answer.status == 401


async def refused_by_socket(stage: Stage, talk: Conversation, author: Participant) -> None:
    """What isn't the protocol, isn't allowed, or can't be a text."""
    canaries = stage.canaries
    of, text = canaries.of, canaries.text
    stranger = await talk.knock()
    await stranger.send("hello", token=of("Hello.token"), device=of("Hello.device"))
    assert await stranger.closed() == 4401
    broken = await talk.join(talk.client)
    await broken.send_raw(f'{{"type": "message.send", "text": "{of("what is not JSON")}')
    assert await broken.closed() == 4400
    assert await author.refused("token.refresh", token=of("TokenRefresh.token")) == "unauthorized"
    assert await author.refused(of("an unknown type of frame")) == "bad_frame"
    assert await author.refused("typing", on=text("an unknown member")) == "bad_frame"
    assert await author.refused("live.reset", draft=new(), rev=1, text=text("LiveReset.text")) == "consent_required"
    assert await author.refused("note.save", note=new(), format="text", text=text("NoteSave.text")) == "forbidden"
    for wrong in (" \0", "x" * 8_000):
        refused = await author.refused("message.send", message=new(), text=text("MessageSend.text") + wrong)
        assert refused == "bad_text"
    tone = of("MessageSend.tone") + "x" * 64
    assert await author.refused("message.send", message=new(), text="a", tone=tone) == "bad_frame"
    tone = of("MessageSend.tone")
    assert await author.refused("message.send", message=new(), text="a", tone=tone) == "bad_tone"
    await author.say("message.send", message=new(), text=text("MessageSend.text"), ref=of("Frame.ref") + "x" * 64)
    assert (await author.until("error"))["code"] == "bad_frame"


async def wrote(stage: Stage, author: Participant, readers: list[Participant]) -> list[str]:
    """Live text, kept; the drafts of what was sent and of what never was."""
    canaries = stage.canaries
    sent, unsent, gone = new(), new(), new()
    await author.consent("live_text")
    early = new()
    assert await author.refused("live.reset", draft=early, rev=1, text=canaries.text("LiveReset.text")) == "live_off"
    await author.ok("live.toggle", on=True)
    await author.ok("live.edit", draft=early, rev=1, ops=[[0, "i", 0, canaries.text("LiveEdit.ops")]])
    assert await author.refused("live.edit", draft=early, rev=9, ops=[[0, "i", 0, canaries.of("LiveEdit.ops")]]) == (
        "bad_rev"
    )
    await author.ok("live.clear", draft=early)
    await author.consent("composition_replay")
    for draft in (unsent, gone):
        pasted = canaries.text("LiveReset.text")
        await author.ok("live.edit", draft=draft, rev=1, ops=[[0, "i", 0, canaries.text("LiveEdit.ops")]])
        await author.ok("live.reset", draft=draft, rev=2, text=pasted)
        for one in readers:
            await one.until("live.reset", draft=draft, text=pasted)
        await readers[0].ok("live.resync", draft=draft)
        await author.ok("live.clear", draft=draft)
    word = canaries.of("LiveEdit.ops")
    for pos, sign in enumerate(word):  # as it is typed
        await author.ok("live.edit", draft=sent, rev=pos + 1, ops=[[50, "i", pos, sign]])
    for one in readers:
        await one.where(lambda frame: (frame.get("draft"), frame.get("rev")) == (sent, len(word)))
    await author.ok("live.pad", pad=canaries.of("LivePad.pad"))
    message = {"message": sent, "text": canaries.text("MessageSend.text"), "tone": "gentle"}
    for _ in range(2):  # sent twice
        assert (await author.ok("message.send", **message))["seq"] == 1
    assert await author.refused("message.send", **{**message, "text": canaries.text("MessageSend.text")}) == "conflict"
    for one in readers:
        assert (await one.until("message.posted"))["tone"] == message["tone"]
    return [sent, unsent, gone]


async def kept(stage: Stage, author: Participant, therapist: Participant, drafts: list[str]) -> None:
    """Compositions are read, opened, marked and let go."""
    sent, unsent, gone = drafts
    async with asyncio.timeout(KEPT_S):
        while len((await author.ok("composition.list"))["compositions"]) < len(drafts):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await author.ok("composition.open", draft=unsent)
    for draft in (sent, unsent):
        mark = {"draft": draft, "mark": new(), "at_op": 1, "text": stage.canaries.text("CompositionMark.text")}
        await therapist.ok("composition.mark", **mark)
        await therapist.ok("composition.mark", **mark)
        changed = {**mark, "text": stage.canaries.text("CompositionMark.text")}
        assert await therapist.refused("composition.mark", **changed) == "conflict"
        shown = await therapist.ok("composition.get", draft=draft)
        assert shown["composition"]["marks"][0]["text"] == mark["text"]
    await author.ok("composition.delete", draft=gone)
    await author.ok("composition.delete", draft=sent)


async def said(stage: Stage, author: Participant, therapist: Participant) -> None:
    """A session, with notes; both look back; refs of their own."""
    for one in (author, therapist):
        await one.consent("informed_consent")
    await therapist.ok("session.start")
    ref = stage.canaries.of("Frame.ref")
    await therapist.say("message.send", message=new(), text=stage.canaries.text("MessageSend.text"), ref=ref)
    await therapist.until("ok", ref=ref)
    await author.until("message.posted")
    note = {"note": new(), "format": "text", "text": stage.canaries.text("NoteSave.text")}
    version = (await therapist.ok("note.save", **note))["version"]
    note["text"] = stage.canaries.text("NoteSave.text")
    await therapist.ok("note.save", **note, version=version)
    assert await therapist.refused("note.save", **{**note, "text": "x"}, version=version) == "conflict"
    assert (await therapist.ok("note.list"))["notes"][0]["text"] == note["text"]
    await author.ok("message.read", seq=2)
    await author.ok("typing", on=True)
    await author.ok("history")
    ref = stage.canaries.of("Frame.ref")
    await author.say("consent.history", ref=ref)
    decision = (await author.until("ok", ref=ref))["decisions"][0]["id"]
    await author.ok("consent.receipt", decision=decision)
    await author.ok("consent.withdraw", purpose="note_disclosure")
    await therapist.ok("session.end")


async def published(stage: Stage) -> None:
    """A tenant's own form, which is public."""
    known = stage.canaries.known
    form = {"purpose": "note_disclosure", "version": 2, "texts": [{"locale": "en", "title": known, "text": known}]}
    assert (await stage.partner.ask("POST", "/v1/consent-forms", form))[0] == 201


async def failed(stage: Stage, author: Participant) -> str:
    """Commands that can't be handled go aside; what can't be opened isn't shown; the id of one of those messages."""
    admin = await database(stage.platform, "session")
    checked, raised = new(), new()
    await admin.execute(f"""
alter table event add constraint spilled check (message is distinct from '{checked}');
create function spill() returns trigger language plpgsql as $$
begin
    if new.message = '{raised}' then raise exception 'spilled %', new; end if;
    return new;
end $$;
create trigger spilled before insert on event for each row execute function spill();
""")
    try:
        for message in (checked, raised):
            error = await author.ask("message.send", message=message, text=stage.canaries.text("MessageSend.text"))
            assert error["details"]["part"] == "dead_letter"
        swapped = "update event set content = (select content from event where conversation = $1 and seq = 3 - e.seq)"
        swap = f"{swapped.replace('update event', 'update event e')} where conversation = $1 and seq in (1, 2)"
        await admin.execute(swap, author.conversation)
        assert (await author.ask("history"))["details"]["part"] == "seal"
        await admin.execute(swap, author.conversation)
    finally:
        await admin.execute(
            "drop trigger spilled on event; drop function spill; alter table event drop constraint spilled"
        )
        await admin.close()
    return checked


async def malformed(stage: Stage, talk: Conversation, letters: list[bytes]) -> None:
    """Commands like those that were put aside, which can't be read any more, and are put aside for that."""
    state = stage.platform.state
    queue = command_queue("session", state.queues.session, talk.id)
    async with await aio_pika.connect(rabbitmq.url(state)) as connection:
        channel = await connection.channel()
        for body in letters:
            for wrong in (body.replace(b'"sender":', b'"sent_by":'), body[:-2]):
                await channel.default_exchange.publish(aio_pika.Message(wrong, delivery_mode=2), queue)
