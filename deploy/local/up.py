"""`./unsaid up` and `./unsaid down`: the order in which the parts come and go."""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from deploy.local import databases, demo, packages, page, ports, postgres, rabbitmq, ready, requeue, services
from deploy.local.home import PARTS, SERVICES, Home, Part, State, write_json
from deploy.local.processes import end_leftovers
from deploy.local.progress import say, step
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble, need_space

NEEDED_MB = 500


def up(home: Home, only: Sequence[Part] = PARTS) -> State:
    """Start what isn't running, wait until it is ready, and tell how to reach it. Tests may start some parts only."""
    home.make()
    with home.locked(), ExitStack() as claims:
        supervisor = Supervisor(home)
        running = home.state if supervisor.alive() else None
        if running:
            say("Unsaid is running already.")
            rabbitmq.need_same(home, running)
        state = running or _prepare(home, only, claims)
        if "gateway" in only:
            page.build()
        if not running:
            supervisor.start()
        _start(home, state, supervisor, only)
    return state


def down(home: Home, *, wipe: bool = False) -> None:
    """Stop everything; with ``wipe`` forget it too."""
    if not home.state_file.exists():  # so that nothing but a home folder is ever wiped
        say("There is nothing to stop.")
        return
    with home.locked():
        with step("stopping"):
            _stop(home)
        if wipe:
            shutil.rmtree(home.folder)
    say("Unsaid is stopped, and forgotten." if wipe else "Unsaid is stopped; what was said is kept.")


def _stop(home: Home) -> None:
    supervisor = Supervisor(home)
    if supervisor.alive():
        supervisor.stop()
    # A supervisor that was killed leaves its parts running.
    end_leftovers(home)
    postgres.end_old(home)
    with suppress(Trouble):  # a broken state must not keep anybody from forgetting it
        if state := home.state:
            rabbitmq.end_port_mapper(state)
    for name in PARTS:
        (home.pids / name).unlink(missing_ok=True)


def _prepare(home: Home, only: Sequence[Part], claims: ExitStack) -> State:
    need_space(home.folder, NEEDED_MB)
    _stop(home)
    known = home.state or State()
    chosen, told = ports.choose(known.ports, claims)
    for line in told:
        say(line)
    servers = {"postgres_url": os.environ.get("UNSAID_POSTGRES_URL"), "amqp_url": os.environ.get("UNSAID_AMQP_URL")}
    servers["key_provider"] = os.environ.get("UNSAID_KEY_PROVIDER") or f"file:{home.keys_file}"
    state = known.model_copy(update={"ports": chosen, **servers})
    home.keep(state)
    if "rabbitmq" in only and not state.amqp_url:
        packages.need_rabbitmq()
        rabbitmq.prepare(home, state)
    if "postgres" in only and not state.postgres_url:
        with step("making Postgres' data folder"):
            postgres.prepare(home, state)
    for name in PARTS:
        (home.starts / name).unlink(missing_ok=True)
    return state


def _start(home: Home, state: State, supervisor: Supervisor, only: Sequence[Part]) -> None:
    _start_servers(home, state, supervisor, only)
    wanted = [name for name in SERVICES if name in only]
    if not wanted:
        return
    if not all(supervisor.part(name).running for name in wanted):
        state = requeue.finish(home, state)
    with step("starting the services"):
        for name in wanted:
            supervisor.start_part(name)
        for name in wanted:
            ready.wait_service(name, state, supervisor)
        if "gateway" in wanted:
            demo.ensure_tenant(state)
    write_json(home.local, _local(state))


def _start_servers(home: Home, state: State, supervisor: Supervisor, only: Sequence[Part]) -> None:
    """Both at once, since RabbitMQ takes its time."""
    elsewhere: dict[Part, str | None] = {"postgres": state.postgres_url, "rabbitmq": state.amqp_url}
    for name, url in elsewhere.items():
        if name in only and not url:
            supervisor.start_part(name)
    if "postgres" in only:
        with step("starting Postgres"):
            ready.wait_postgres(state, supervisor)
            databases.prepare(state)
    if "rabbitmq" in only:
        with step("starting RabbitMQ"):
            ready.wait_rabbitmq(home, state, supervisor)


def _local(state: State) -> dict[str, object]:
    return {
        "gateway": services.gateway_url(state),
        "client_id": state.client_id,
        "client_secret": state.client_secret,
        "metrics": {name: services.admin_url(name, state, "metrics") for name in SERVICES},
    }
