"""A platform of the benchmark's own, in a temporary home, and the sides that talk through it."""

import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import prometheus_client.parser as prometheus

from bench import machine
from bench.load import NUMBER, Side, connect, text
from deploy.local import loopback, services
from deploy.local import up as local
from deploy.local.home import PARTS, SERVICES, Home, Part, State
from deploy.local.trouble import Trouble

REF = re.compile(rb'"ref": ?"(\d+)"')
CODE = re.compile(rb'"code": ?"(\w+)"')


@contextmanager
def temporary(parts: tuple[Part, ...] = PARTS, *, pinned: bool) -> Iterator[tuple[Home, State]]:
    """Parts of a platform on the servers' core, forgotten afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ub"))
    folder.chmod(0o711)  # Postgres' own user passes through
    home = Home(folder / "h")
    try:
        with machine.on_core(machine.SERVERS, pinned=pinned):
            state = local.up(home, parts)
        yield home, state
    finally:
        local.down(home, wipe=True)
        shutil.rmtree(folder, ignore_errors=True)


def roots(home: Home, parts: tuple[Part, ...] = PARTS) -> dict[str, int]:
    found = {part: home.pid(part) for part in parts}
    if missing := [part for part, pid in found.items() if pid is None]:
        raise Trouble(f"{', '.join(missing)} isn't running", "see its log")
    return {part: pid for part, pid in found.items() if pid is not None}


class UnsaidSide(Side):
    """One participant; times each `ok` and each `message.posted`."""

    def __init__(self, conversation: str, token: str) -> None:
        super().__init__()
        self.conversation = conversation
        self._token = token

    def greet(self) -> None:
        self.write(json.dumps({"type": "hello", "ref": "hello", "token": self._token}))

    def send(self, number: int) -> None:
        self.write(
            f'{{"type":"message.send","ref":"{number}","conversation":"{self.conversation}",'
            f'"message":"{uuid.uuid4()}","text":"{text(number)}"}}'
        )

    def receive(self, data: bytes) -> None:
        if b'"message.posted"' in data:
            if found := NUMBER.search(data):
                self.account.arrive(int(found.group(1)))
        elif b'"type":"ok"' in data:
            if found := REF.search(data):
                self.account.acknowledge(int(found.group(1)))
            elif not self.ready.done():
                self.ready.set_result(None)
        elif b'"type":"error"' in data:
            code = CODE.search(data)
            self.refused(code.group(1).decode() if code else "unknown")


@dataclass(frozen=True)
class Pair:
    """A conversation, and the token of each of its two participants."""

    conversation: str
    tokens: tuple[str, str]
    participants: tuple[str, str]


def partner(state: State) -> str:
    """A partner's access token."""
    form = {"grant_type": "client_credentials", "client_id": state.client_id, "client_secret": state.client_secret}
    token: str = loopback.post_form(f"{services.gateway_url(state)}/v1/oauth/token", form)["access_token"]
    return token


def new_pair(base: str, access: str) -> Pair:
    """A conversation as any partner makes it."""
    people = [
        {"role": role, "external_id": f"bench-{uuid.uuid4()}", "display_name": role.title()}
        for role in ("client", "therapist")
    ]
    made = loopback.post_json(f"{base}/v1/conversations", {"participants": people}, access)
    client, therapist = (person["id"] for person in made["participants"])
    path = f"{base}/v1/conversations/{made['id']}/tokens"
    tokens = [loopback.post_json(path, {"participant": one}, access)["token"] for one in (client, therapist)]
    return Pair(made["id"], (tokens[0], tokens[1]), (client, therapist))


def socket_url(base: str) -> str:
    return base.replace("http", "ws", 1) + "/v1/ws"


async def connected(state: State, pairs: int, kind: type[UnsaidSide], other: str | None = None) -> list[Side]:
    """Pairs in conversations of their own; the second of each at the other gateway, if there is one."""
    base, access = services.gateway_url(state), partner(state)
    sides: list[Side] = []
    for _ in range(pairs):
        pair = new_pair(base, access)
        for token, address in zip(pair.tokens, (base, other or base), strict=True):
            side = kind(pair.conversation, token)
            await connect(side, socket_url(address), "unsaid.v1")
            sides.append(side)
    return sides


def counters(state: State) -> dict[str, float]:
    """Sums over all services of what each counted, by sample name."""
    found: dict[str, float] = {}
    for name in SERVICES:
        page = loopback.get(services.admin_url(name, state, "metrics"))
        for family in prometheus.text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                found[f"{name}.{sample.name}"] = found.get(f"{name}.{sample.name}", 0.0) + sample.value
    return found


def batching(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[float, float]:
    """Commands for each AMQP message of the gateway; commands (each a row) for each of the session's transactions."""

    def ratio(many: str, few: str) -> float:
        grown = after.get(few, 0.0) - before.get(few, 0.0)
        return (after.get(many, 0.0) - before.get(many, 0.0)) / grown if grown else 0.0

    return (
        ratio("gateway.unsaid_published_total", "gateway.unsaid_published_batches_total"),
        ratio("session.unsaid_batch_commands_sum", "session.unsaid_batch_commands_count"),
    )
