"""Waiting until the parts answer.

Apart from how the parts are started, so that a part that is started again needn't load these libraries first.
"""

import asyncio
import logging
import time
from urllib.error import HTTPError

import aio_pika
import psycopg
from aiormq.exceptions import AMQPError

from deploy.local import loopback, postgres, rabbitmq, services
from deploy.local.home import Home, Part, Service, State
from deploy.local.processes import listens
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble, need_space
from shared.runtime.broker.topology import declare_exchanges

POSTGRES_S = 60
RABBITMQ_S = 90
SERVICE_S = 60
# A part that died this often while it was waited for won't come.
HOPELESS = 4
# With less, what doesn't come up is most likely short of space.
ENOUGH_MB = 60
AMQP_AWAY = (OSError, AMQPError, TimeoutError)


class _Patience:
    """Wait until a time has passed or the part has died too often; what it says itself is in its log."""

    def __init__(self, supervisor: Supervisor, name: Part, limit_s: float, external: str | None = None) -> None:
        self._supervisor = supervisor
        self._name = name
        self._external = external
        self._limit_s = limit_s
        self._end = time.monotonic() + limit_s
        self._restarts = 0 if external else supervisor.part(name).restarts

    def wait(self, reason: str, pause_s: float) -> None:
        if self._external and time.monotonic() > self._end:
            raise Trouble(f"{self._name} doesn't answer: {reason}", f"check {self._external}, or unset it")
        if not self._external:
            restarts = self._supervisor.part(self._name).restarts - self._restarts
            died = f"died {restarts} times" if restarts >= HOPELESS else None
            if died or time.monotonic() > self._end:
                need_space(self._supervisor.home.folder, ENOUGH_MB)
                late = died or f"isn't ready after {self._limit_s:.0f} s"
                raise Trouble(f"{self._name} {late}: {reason}", f"`./unsaid logs {self._name}` says more")
        time.sleep(pause_s)


def wait_postgres(state: State, supervisor: Supervisor) -> None:
    external = "UNSAID_POSTGRES_URL" if state.postgres_url else None
    patience = _Patience(supervisor, "postgres", 5 if external else POSTGRES_S, external)
    while True:
        try:
            psycopg.connect(postgres.url(state), connect_timeout=5).close()
        except psycopg.Error as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            patience.wait(lines[-1], 0.1)
        else:
            return


def wait_rabbitmq(home: Home, state: State, supervisor: Supervisor) -> None:
    external = "UNSAID_AMQP_URL" if state.amqp_url else None
    patience = _Patience(supervisor, "rabbitmq", 5 if external else RABBITMQ_S, external)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it logs each attempt
    while (reason := asyncio.run(_amqp_away(rabbitmq.url(state)))) is not None:
        patience.wait(reason, 0.2)
    if not external:
        rabbitmq.begun(home)


async def _amqp_away(address: str) -> str | None:
    try:
        async with asyncio.timeout(5):
            async with await aio_pika.connect(address) as connection, connection.channel() as channel:
                await declare_exchanges(channel)
    except AMQP_AWAY as error:
        return type(error).__name__
    return None


def wait_service(name: Service, state: State, supervisor: Supervisor) -> None:
    patience = _Patience(supervisor, name, SERVICE_S)
    while (reason := _service_away(name, state) or _not_itself(name, state, supervisor)) is not None:
        patience.wait(reason, 0.1)


def _service_away(name: Service, state: State) -> str | None:
    try:
        loopback.get(services.admin_url(name, state, "readyz"))
    except HTTPError as error:
        return error.read().decode(errors="replace")[:500]
    except OSError:
        return "it doesn't answer"
    return None


def _not_itself(name: Service, state: State, supervisor: Supervisor) -> str | None:
    """Whether somebody else answers, who took the port after it had been chosen."""
    pid = supervisor.part(name).pid
    wanted = {services.admin_port(name, state), *([state.ports.gateway] if name == "gateway" else [])}
    lost = [str(port) for port in wanted if not listens(pid, port)]
    if lost:
        return f"port {' and '.join(lost)} was just taken by another program; `./unsaid down` and `up` choose others"
    return None
