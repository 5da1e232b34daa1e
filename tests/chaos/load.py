"""The load of one row: several conversations, two clients each, who talk until they are told to stop.

In: a stage and a seed. Out: the row's counts, and its verdict once everything has been read back in every way there is.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import Random

import aiohttp

from tests.chaos.account import Account, Frame, Message, Place, Seen, Verdict, View, seen
from tests.chaos.client import Client
from tests.chaos.stage import Stage
from tests.support.participants import Conversation, Participant, Partner

CONVERSATIONS = 6
PAUSE_S = 0.12
"""Mean pause of a writer between two messages."""
FLOWING = 3
TOKEN_S = 86_400
WELL_S = 90.0
SETTLE_S = 90.0
SIGNS = "abcdefghijklmnopqrstuvwxyzäöüß 。漢字🙂👩🏽‍💻\u0301\n"


class Load:
    """Clients who talk, and what they know of it."""

    def __init__(self, stage: Stage, seed: str, conversations: int = CONVERSATIONS, pause_s: float = PAUSE_S) -> None:
        self.stage = stage
        self.random = Random(seed)
        self.verdict = Verdict()
        self.accounts: list[Account] = []
        self.clients: list[Client] = []
        self.talks: list[Conversation] = []
        self.read_back = 0
        self.pause_s = pause_s
        self._conversations = conversations
        self._stack = AsyncExitStack()
        self._first: list[Client] = []
        self._writers: list[Client] = []
        self._running: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []

    # --- beginning -------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Make the conversations, connect everybody, and return once everybody's messages are acknowledged."""
        state = self.stage.state
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        partner = Partner(self.stage.gateways[0].url, state.client_id, state.client_secret)
        self.partner = await self._stack.enter_async_context(partner)
        for number in range(self._conversations):
            await self._add(number)
        for client in self._first:
            self.join(client)
        await self.flowing(WELL_S)

    async def _add(self, number: int) -> None:
        talk = await self.partner.conversation()
        account = Account(talk.id, self.verdict)
        if number % 2:
            await self._hold_session(talk)
        for participant in (talk.client, talk.therapist):
            by_n = bool(number % 2)
            client = self.client(
                account, participant, await talk.token(participant, ttl_s=TOKEN_S), by_n=by_n, window=1 + 3 * by_n
            )
            self._first.append(client)
        self.accounts.append(account)
        self.talks.append(talk)

    def join(self, client: Client) -> None:
        """One more client takes part."""
        self.listen(client)
        self._writers.append(client)
        self._writing.append(asyncio.create_task(self._write(client)))

    def listen(self, client: Client) -> None:
        """One more client is there, and doesn't write of itself."""
        self.clients.append(client)
        self._running.append(asyncio.create_task(client.run()))

    def note(self, talk: Conversation, message: str, text: str) -> None:
        """A message that a fault sends by itself is in the account too."""
        account = self._account(talk)
        account.messages[message] = Message(message, text, talk.client, time.monotonic())

    def noted(self, talk: Conversation, message: str, ok: Frame) -> None:
        account = self._account(talk)
        account.acknowledged(account.messages[message], Place(ok["seq"], ok["n"], ok["at"]), time.monotonic())

    def _account(self, talk: Conversation) -> Account:
        return next(account for account in self.accounts if account.conversation == talk.id)

    @staticmethod
    async def _hold_session(talk: Conversation) -> None:
        """A session has begun before the first message, so that ``n`` isn't ``seq``."""
        people = await talk.both()
        for one in people:
            await one.consent("informed_consent")
        await people[1].ok("session.start")
        await talk.leave()

    def client(
        self,
        account: Account,
        participant: str,
        token: str,
        *,
        gateways: Callable[[], str] | None = None,
        by_n: bool = False,
        window: int = 1,
    ) -> Client:
        random = Random(self.random.random())
        return Client(
            self._http, account, participant, token, gateways or self._any_gateway, random, by_n=by_n, window=window
        )

    def shuffle(self) -> None:
        """Cut every client's connection, so that it comes to any gateway."""
        for client in self.clients:
            client.cut()

    def _any_gateway(self) -> str:
        """As a load balancer gives them out: those that run, at random."""
        gateways = [gateway for gateway in self.stage.gateways if gateway.alive] or self.stage.gateways
        return self.random.choice(gateways).url

    async def _write(self, client: Client) -> None:
        """Write, until cancelled."""
        while True:
            await client.write(self.text())
            await asyncio.sleep(self.random.expovariate(1 / self.pause_s))

    def text(self) -> str:
        length = min(2_000, int(self.random.expovariate(1 / 60)) + 1)
        return f"{uuid.UUID(int=self.random.getrandbits(128))} " + "".join(self.random.choices(SIGNS, k=length))

    async def hush(self) -> None:
        """Nobody writes, until `speak`."""
        writing, self._writing = self._writing, []
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        for client in self.clients:
            await self._within(client.settled(), f"{client.view.name} isn't answered")

    def speak(self) -> None:
        self._writing = [asyncio.create_task(self._write(client)) for client in self._writers]

    async def flowing(self, most_s: float) -> float:
        """Until each client has had messages acknowledged that it first sent from now on; how long that took."""
        since = time.monotonic()

        def stuck() -> list[str]:
            fresh: Counter[str] = Counter(
                message.sender
                for account in self.accounts
                for message in account.messages.values()
                if message.place is not None and message.first_sent > since
            )
            return [client.view.name for client in self._writers if fresh[client.participant] < FLOWING]

        while still := stuck():
            if time.monotonic() - since > most_s:
                raise AssertionError(f"after {most_s:.0f} s no messages go through for {', '.join(still)}")
            await asyncio.sleep(0.05)
        return time.monotonic() - since

    # --- the end ---------------------------------------------------------------------------------------------------

    async def judge(self) -> None:
        """Stop writing, let everything be acknowledged and seen, read it back in every way, and compare."""
        await self.hush()
        for account, talk in zip(self.accounts, self.talks, strict=True):
            await self._judge_one(account, talk)

    async def _within(self, waiting: Awaitable[None], why: str) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await waiting
        except TimeoutError:
            self.verdict.wrong.append(f"after {SETTLE_S:.0f} s {why}")

    async def _judge_one(self, account: Account, talk: Conversation) -> None:
        history = await self._by_partner(talk.id)
        self.read_back += len(history)
        clients = [client for client in self.clients if client.account is account]
        for client in clients:
            await self._within(client.has(len(history)), f"{client.view.name} hasn't seen everything")
        talk = Conversation(Partner(self.partner.gateway, "", ""), talk.id, talk.client, talk.therapist)
        self._stack.push_async_callback(talk.partner._http.close)
        self._stack.push_async_callback(talk.leave)
        again = [
            await self._by_resume(talk, clients[0], account, {"after": 0}, len(history)),
            await self._by_resume(talk, clients[1], account, {"after_n": 0}, len(history)),
        ]
        await self._by_websocket(talk, clients[0], account, history)
        account.judge(history, [client.view for client in clients] + again)

    async def _by_partner(self, conversation: str) -> list[Seen]:
        found: list[Frame] = []
        after: int | None = 0
        while after is not None:
            path = f"/v1/conversations/{conversation}/messages?after={after}&limit=200"
            status, page = await self.partner.ask_on("GET", path)
            assert status == 200, page
            found += page["messages"]
            after = page["next_after"]
        return [seen(frame) for frame in found]

    async def _by_resume(
        self, talk: Conversation, client: Client, account: Account, position: dict[str, int], until: int
    ) -> View:
        """A new connection that has nothing gets everything, once, in order."""
        view = View(account, f"resume by {next(iter(position))}")
        guest = await talk.arrive(client.token, resume=[{"conversation": talk.id, **position}])
        while view.seq < until:
            view.posted(await guest.until_late("message.posted"))
        await talk.leave()
        return view

    async def _by_websocket(self, talk: Conversation, client: Client, account: Account, history: list[Seen]) -> None:
        """``history`` gives the same; and what is sent again gets the same answer, or a conflict."""
        guest = await talk.arrive(client.token)
        found: list[Frame] = []
        more = True
        while more:
            page = await guest.ok("history", after=found[-1]["seq"] if found else 0, limit=200)
            found += page["messages"]
            more = page["more"]
        if [seen(frame) for frame in found] != history:
            self.verdict.add("changed", f"history of {account.conversation} isn't what the partner reads")
        await self._repeat(guest, client, account)
        await talk.leave()

    async def _repeat(self, guest: Participant, client: Client, account: Account) -> None:
        own = (message for message in account.messages.values() if message.sender == client.participant)
        message: Message = self.random.choice([message for message in own if message.place is not None])
        frame = await guest.ask("message.send", message=message.id, text=message.text)
        assert message.place is not None
        if (frame.get("seq"), frame.get("n"), frame.get("at")) != (
            message.place.seq,
            message.place.n,
            message.place.at,
        ):
            self.verdict.add("changed", f"{message.id}, sent once more, is answered otherwise: {frame}")
        frame = await guest.ask("message.send", message=message.id, text=message.text + "!")
        if frame.get("code") != "conflict":
            self.verdict.add("changed", f"{message.id}, sent with other content, is no conflict")

    async def end(self) -> None:
        for task in (*self._writing, *self._running):
            task.cancel()
        await asyncio.gather(*self._writing, *self._running, return_exceptions=True)
        await self._stack.aclose()

    # --- counts ----------------------------------------------------------------------------------------------------

    @property
    def attempted(self) -> int:
        return sum(len(account.messages) for account in self.accounts)

    @property
    def acknowledged(self) -> int:
        """With a place, by an ``ok``; or confirmed by the broker, where nobody asks again."""
        messages = (message for account in self.accounts for message in account.messages.values())
        return sum(message.place is not None or message.confirmed for message in messages)

    def count(self, name: str) -> int:
        return sum(account.counts[name] for account in self.accounts)
