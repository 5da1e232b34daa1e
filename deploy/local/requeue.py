"""`./unsaid requeue`: another number of command queues for a service, without loss (docs/adr/0006-requeue.md).

Whoever publishes to those queues is stopped, the service empties them and is stopped too. Then the state file is
written, at once or not at all: before that everything is as it was, after it all that is left is to be followed up, by
this command or the next `up`.
"""

import asyncio
import time
from collections.abc import Sequence

import aio_pika
import psycopg
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.exceptions import AMQPError

from deploy.local import postgres, rabbitmq, ready
from deploy.local.home import SERVICES, Home, QueueService, Service, State
from deploy.local.progress import say, step
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble

EMPTY_S = 120
LOOK_EVERY_S = 0.1
CONNECT_S = 5

PUBLISHERS: dict[QueueService, tuple[Service, ...]] = {
    "session": ("gateway",),
    "consent": ("gateway", "session"),
    "notes": ("gateway", "session"),
}


def requeue(home: Home, service: QueueService, queues: int) -> None:
    """Raises `Trouble`: the platform doesn't run, or the queues don't become empty; then nothing has changed."""
    with home.locked():
        state, supervisor = home.state, Supervisor(home)
        if state is None or not supervisor.alive():
            raise Trouble("the platform doesn't run", "start it with `./unsaid up`, then run this again")
        running = [name for name in SERVICES if supervisor.part(name).running]
        try:
            state = finish(home, state)
            with step("stopping those who publish"):
                supervisor.stop_parts(PUBLISHERS[service])
            if state.queues.of(service) != queues:
                with step("emptying the queues"):
                    _empty(state, supervisor, service)
                changed = state.queues.model_copy(update={service: queues})
                state = state.model_copy(update={"queues": changed, "requeueing": service})
                home.keep(state)
                state = finish(home, state)
            else:
                supervisor.stop_parts([service])
            asyncio.run(_delete_unused(state, service))
        finally:
            _start(home.state or state, supervisor, {*running, *PUBLISHERS[service], service})
    say(f"{service} has {queues} queue{'s' if queues > 1 else ''} now.")


def finish(home: Home, state: State) -> State:
    """Tell the database of a change that was decided; its service refuses to start before that."""
    service = state.requeueing
    if service is None:
        return state
    kept = [f"{service}.{index}" for index in range(state.queues.of(service))]
    try:
        with psycopg.connect(postgres.database_url(state, service), connect_timeout=CONNECT_S) as database:
            database.execute("update setting set value = %s where name = 'queues'", (len(kept),))
            database.execute("delete from owner where not queue = any(%s)", (kept,))
    except psycopg.OperationalError:
        raise Trouble("Postgres doesn't answer", "run `./unsaid up`") from None
    state = state.model_copy(update={"requeueing": None})
    home.keep(state)
    return state


def _start(state: State, supervisor: Supervisor, names: set[Service]) -> None:
    with step("starting the services"):
        for name in names:
            supervisor.start_part(name)
        for name in names:
            ready.wait_service(name, state, supervisor)


def _empty(state: State, supervisor: Supervisor, service: QueueService) -> None:
    """Until the service is stopped and has left nothing. What is in its hands isn't counted while it runs."""
    names = [f"{service}.{index}" for index in range(state.queues.of(service))]
    end = time.monotonic() + EMPTY_S
    while True:
        supervisor.stop_parts([service])
        if asyncio.run(_left(state, names, end, consumed=False)) == 0:
            return
        supervisor.start_part(service)
        ready.wait_service(service, state, supervisor)
        asyncio.run(_left(state, names, end, consumed=True))


async def _left(state: State, names: Sequence[str], end: float, *, consumed: bool) -> int:
    """How much waits: once nobody consumes any more, or (``consumed``) once it is nothing. Raises `Trouble`: never."""
    async with await _connect(state) as connection:
        while True:
            counts = [await _count(connection, name) for name in names]
            messages, consumers = sum(c[0] for c in counts), sum(c[1] for c in counts)
            if (messages if consumed else consumers) == 0:
                return messages
            if time.monotonic() > end:
                what = "the queues don't become empty" if consumed else "another process consumes these queues"
                raise Trouble(f"{what}; nothing was changed", "see `./unsaid logs` of the service, then run this again")
            await asyncio.sleep(LOOK_EVERY_S)


async def _connect(state: State) -> AbstractConnection:
    try:
        return await aio_pika.connect(rabbitmq.url(state), timeout=CONNECT_S)
    except (OSError, AMQPError, TimeoutError):
        raise Trouble("RabbitMQ doesn't answer", "run `./unsaid up`") from None


async def _count(connection: AbstractConnection, name: str) -> tuple[int, int]:
    """Messages and consumers of a queue; a queue that isn't there has none."""
    found = await _declared(connection, name)
    return found or (0, 0)


async def _declared(connection: AbstractConnection, name: str) -> tuple[int, int] | None:
    try:
        async with connection.channel() as channel:
            result = (await channel.declare_queue(name, passive=True)).declaration_result
    except ChannelNotFoundEntity:
        return None
    return result.message_count or 0, result.consumer_count or 0


async def _delete_unused(state: State, service: QueueService) -> None:
    """Delete the queues above the number, the highest first, so that what an interruption leaves is found again.

    Only empty ones: a quorum queue knows no ``if-empty``, but nobody publishes now.
    """
    first = state.queues.of(service)
    async with await _connect(state) as connection:
        last = first
        while (found := await _declared(connection, f"{service}.{last}")) is not None:
            if found != (0, 0):
                raise Trouble(f"{service}.{last} isn't empty", "this must not be; nothing in it was deleted")
            last += 1
        async with connection.channel() as channel:
            for index in reversed(range(first, last)):
                await channel.queue_delete(f"{service}.{index}")
