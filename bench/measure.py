"""`./unsaid bench`: start what is measured, offer it rising rates, and tell what came of it."""

import asyncio
import json
import os
import platform as computer
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import uvloop
from rich.console import Console

from bench import machine, platform, profile
from bench.figures import Step, middle, most_sustained, table
from bench.load import offer
from bench.peers import ejabberd, relay
from bench.run import ENOUGH_MS, Served, measure, upward
from deploy.local.another import another_gateway
from deploy.local.home import REPO, Home, State
from deploy.local.progress import say

LIMITS_MS = (50.0, ENOUGH_MS)
MEMORY_MESSAGES, MEMORY_WARM, MEMORY_RATE, FLAT = 100_000, 5_000, 800.0, 0.1


Without: TypeAlias = Literal["plain", "unsealed"]


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    rates: tuple[float, ...]
    climb: float
    seconds: float
    pairs: int
    runs: int
    peer: Literal["ejabberd", "relay"] | None
    memory: bool
    profile: bool
    json: Path | None
    gateways: int = 1
    without: tuple[Without, ...] = ()
    """Measure also platforms that leave something out."""


WITHOUT: dict[Without, dict[str, str]] = {
    "plain": {"UNSAID_PLAIN": "true"},
    "unsealed": {"PYTHONPATH": os.pathsep.join((str(REPO / "bench/unsealed"), str(REPO)))},
}
"""The environment in which services do only what a message needs; in which nothing is sealed."""


def bench(wish: Wish, kind: type[platform.UnsaidSide]) -> None:
    """Measure, and print. Raises `Trouble`."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.default_int_handler)  # so that nothing is left running
    if wish.peer == "ejabberd":
        ejabberd.need()  # before anything is measured that would be lost without it
    pinned = machine.two_cores()
    if not pinned:
        say("There is no second core to keep the load apart: servers and load share what there is.")
    say(f"load average before: {os.getloadavg()[0]:.1f} (noisy above 0.5: then trust CPU µs, not latencies)")
    steps, memory = _own(wish, kind, pinned=pinned)
    if wish.peer:
        steps.extend(_ejabberd(wish, kind, pinned=pinned) if wish.peer == "ejabberd" else _relay(wish, pinned=pinned))
    _tell(steps, memory, wish, pinned=pinned)


def _own(
    wish: Wish, kind: type[platform.UnsaidSide], *, pinned: bool
) -> tuple[list[Step], dict[str, dict[str, float]]]:
    """Unsaid's steps, and its memory if that is wished; those of platforms ``without`` something, in turns."""
    with ExitStack() as stack:
        home, state = stack.enter_context(platform.temporary(pinned=pinned))
        less = {name: stack.enter_context(_without(name, pinned=pinned)) for name in wish.without}
        stack.enter_context(machine.on_core(machine.LOAD, pinned=pinned))
        roots = platform.roots(home)
        other = None
        if wish.gateways > 1:
            with machine.on_core(machine.SERVERS, pinned=pinned):
                second = stack.enter_context(another_gateway(state))
            roots["gateway-2"], other = second.pid, second.url

        async def unsaid() -> tuple[list[Step], dict[str, dict[str, float]]]:
            sides = await platform.connected(state, wish.pairs, kind, other)
            served = Served("unsaid", sides, roots, lambda: platform.counters(state), platform.batching)
            beside = [await _served(name, made, wish, kind) for name, made in less.items()]
            steps = await _steps([served, *beside], wish)
            if wish.profile:
                await profile.show(served, max(wish.rates), wish.seconds)
            return steps, await _memory(served) if wish.memory else {}

        return uvloop.run(unsaid())


@contextmanager
def _without(name: Without, *, pinned: bool) -> Iterator[tuple[Home, State]]:
    """A platform whose services were started in that environment."""
    before = dict(os.environ)
    os.environ |= WITHOUT[name]
    with ExitStack() as stack:
        try:
            made = stack.enter_context(platform.temporary(pinned=pinned))
        finally:
            for changed in WITHOUT[name]:
                os.environ.pop(changed)
            os.environ |= before
        yield made


async def _served(name: Without, made: tuple[Home, State], wish: Wish, kind: type[platform.UnsaidSide]) -> Served:
    home, state = made
    sides = await platform.connected(state, wish.pairs, kind)
    return Served(name, sides, platform.roots(home), lambda: platform.counters(state), platform.batching)


def _relay(wish: Wish, *, pinned: bool) -> list[Step]:
    with relay.temporary(pinned=pinned) as peer, machine.on_core(machine.LOAD, pinned=pinned):

        async def other() -> list[Step]:
            return await _steps([Served("relay", await relay.connected(peer, wish.pairs), peer.roots)], wish)

        return uvloop.run(other())


def _ejabberd(wish: Wish, kind: type[platform.UnsaidSide], *, pinned: bool) -> list[Step]:
    like = ejabberd.XmppSide if kind is platform.UnsaidSide else ejabberd.XmppLiveSide
    with (
        ejabberd.temporary(2 * wish.pairs, pinned=pinned) as peer,
        machine.on_core(machine.LOAD, pinned=pinned),
    ):

        async def other() -> list[Step]:
            served = Served("ejabberd", await ejabberd.connected(peer, wish.pairs, like), peer.roots)
            return await _steps([served], wish)

        steps = uvloop.run(other())
        # Else it would have been measured at another job.
        say(f"  rows in ejabberd's archive, two for each message, warming up included: {peer.archived()}")
    return steps


async def _steps(several: Sequence[Served], wish: Wish) -> list[Step]:
    """Rate by rate; what is compared is measured in turns, so that what else the machine does falls on all."""
    found: list[Step] = []
    for rate in upward(wish.rates, wish.climb):
        runs: dict[str, list[Step]] = {served.who: [] for served in several}
        for _ in range(wish.runs):
            for served in several:
                step, account = await measure(served, rate, wish.seconds)
                runs[served.who].append(step)
                if account.refused or account.lost_connections:
                    say(f"  refused: {account.refused or 'none'}; connections lost: {account.lost_connections}")
                await asyncio.sleep(0.5)  # so that one run's end isn't the next one's beginning
        for who, own in runs.items():
            found.append(middle(own))
            say(f"  {who} {rate:.0f}/s: {found[-1].cost_us:.0f} µs, p99 {found[-1].worst_p99_ms:.0f} ms")
        # Twice, since a neighbour's work may spoil one step; what is told ends at the first all the same.
        last = [step for step in found if step.who == several[0].who][-2:]
        if rate > max(wish.rates) and not any(step.sustained(ENOUGH_MS) for step in last):
            break
    return found


async def _memory(served: Served) -> dict[str, dict[str, float]]:
    """Memory before and after many messages; what a young process takes once isn't counted as growth."""
    await offer(served.sides, MEMORY_RATE, MEMORY_WARM / MEMORY_RATE)
    before = machine.memory_mb(served.roots)
    await offer(served.sides, MEMORY_RATE, MEMORY_MESSAGES / MEMORY_RATE)
    return {"before": before, "after": machine.memory_mb(served.roots)}


def _tell(steps: list[Step], memory: dict[str, dict[str, float]], wish: Wish, *, pinned: bool) -> None:
    console = Console(highlight=False, width=None if os.isatty(1) else 200)
    console.print(table(steps))
    most: dict[str, dict[str, float]] = {}
    for who in dict.fromkeys(step.who for step in steps):
        own = [step for step in steps if step.who == who]
        most[who] = {f"{limit:.0f}": most_sustained(own, limit) for limit in LIMITS_MS}
        for limit, rate in most[who].items() if wish.climb else ():
            console.print(f"{who}: most sustained with p99 ≤ {limit} ms: {rate:.0f}/s")
    for line in _more_than(wish.without, steps):
        console.print(line)
    if any(step.load_is_the_limit for step in steps):
        console.print(
            "! the load generator was busy itself, or the machine kept it waiting: don't trust that row's times"
        )
    if memory:
        console.print(_memory_line(memory))
    if wish.json:
        told = {
            "machine": {"system": computer.platform(), "cores": os.cpu_count(), "pinned": pinned},
            "steps": [step.plain() for step in steps],
            "most_sustained": most,
            "memory_mb": memory,
        }
        wish.json.write_text(json.dumps(told, indent=1) + "\n")


def _more_than(without: tuple[Without, ...], steps: list[Step]) -> list[str]:
    """What is added to a message by what the others leave out, rate by rate."""
    cost = {(step.who, step.offered): step.cost_us for step in steps}
    return [
        f"{rate:.0f}/s: {full:.0f} µs a message, {full / cost[name, rate] - 1:+.1%} to {name}"
        for (who, rate), full in cost.items()
        for name in without
        if who == "unsaid" and (name, rate) in cost
    ]


def _memory_line(memory: dict[str, dict[str, float]]) -> str:
    before, after = sum(memory["before"].values()), sum(memory["after"].values())
    parts = ", ".join(f"{part} {memory['before'][part]:.0f} → {memory['after'][part]:.0f}" for part in memory["after"])
    verdict = "flat" if abs(after - before) <= FLAT * before else "NOT flat"
    return f"memory after {MEMORY_MESSAGES:,} messages: {before:.0f} → {after:.0f} MB, {verdict} ({parts})"
